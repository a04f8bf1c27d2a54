/* What IDENTIFY DEVICE and IDENTIFY PACKET DEVICE have in common. ATA/ATAPI-6, 8.15 and 8.16. */
#ifndef VENEER_WORKER_DEVICES_IDE_IDENTIFY_H
#define VENEER_WORKER_DEVICES_IDE_IDENTIFY_H

#include "worker/devices/ide.h"

#define IDE_IDENTIFY_SIZE 512

/* Sets word @index of the data. */
void ide_identify_set(uint8_t data[IDE_IDENTIFY_SIZE], uint32_t index, uint32_t value);

/* Serial number, revision, @model (up to 40 characters), modes of DMA with the selected one,
 * timing of programmed I/O, versions of the standard. Zeroes the rest. */
void ide_identify_common(const struct ide_drive *drive, const char *model,
                         uint8_t data[IDE_IDENTIFY_SIZE]);

/* The last word: signature and checksum of all others. */
void ide_identify_seal(uint8_t data[IDE_IDENTIFY_SIZE]);

/* The transfer mode that SET FEATURES 03h wants; false: there is no such. */
bool ide_set_transfer_mode(struct ide_drive *drive, uint8_t mode);

/* The mode at power on: the fastest. */
#define IDE_DEFAULT_TRANSFER_MODE 0x42

#endif
