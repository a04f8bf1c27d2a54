/* A hard disk on an IDE channel (ATA/ATAPI-6): up to 2^48 sectors, CHS, 28 and 48 bit addresses,
 * programmed I/O, multiple and DMA up to Ultra DMA 2.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_ATA_H
#define VENEER_WORKER_DEVICES_ATA_H

#include "worker/devices/ide.h"

#define ATA_SECTOR_SIZE 512u

struct ata_state {
    uint8_t heads,
        sectors_per_track; /* of the translation that INITIALIZE DEVICE PARAMETERS sets */
    uint8_t multiple;      /* sectors of a block of READ MULTIPLE; 0: not set */
    uint8_t power;         /* what CHECK POWER MODE says */
    bool write_cache, read_look_ahead;
    bool wide; /* the command under way has 48-bit registers */
};

struct ata {
    struct ide_drive drive; /* first; for ide_attach() */
    struct ata_state state;
};

/* Makes @ata over @disk, which must stay and have sectors of ATA_SECTOR_SIZE. */
void ata_init(struct ata *ata, struct disk *disk);

/* For ata.c: the 512 bytes that IDENTIFY DEVICE answers. */
void ata_identify(const struct ata *ata, uint8_t data[ATA_SECTOR_SIZE]);
/* Sectors that the disk has for CHS and 28-bit, or for 48-bit addresses. */
uint64_t ata_sectors(const struct ata *ata, bool wide);
/* Cylinders of the translation in use, 65535 at most. */
uint32_t ata_cylinders(const struct ata *ata);

#endif
