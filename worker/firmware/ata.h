/* ATA and ATAPI devices on the two channels of the PIIX4, by programmed I/O: a REP INSW per block
 * of up to 8 KiB costs a virtual machine less than setting up DMA, and reaches any memory that a
 * caller in virtual-8086 mode can name. */
#ifndef VENEER_FIRMWARE_ATA_H
#define VENEER_FIRMWARE_ATA_H

#include "worker/firmware/firmware.h"

#define ATA_DRIVES 4 /* master and slave of both channels */
#define ATA_MODEL_SIZE 41
#define ATA_SECTOR_SIZE 512
#define ATAPI_SECTOR_SIZE 2048

enum ata_kind {
    ATA_NONE,
    ATA_DISK,
    ATA_PACKET, /* taken for a CD drive if its type says so */
};

struct ata_drive {
    uint16_t io;      /* first port of the command block */
    uint16_t control; /* device control and alternate status */
    uint8_t device;   /* bit 4: slave */
    uint8_t kind;     /* enum ata_kind */
    bool lba, lba48;
    bool is_cd;
    uint8_t multiple; /* sectors in a block of READ MULTIPLE; 0: the command is not there */
    uint16_t cylinders, heads, sectors_per_track; /* the drive's own */
    uint64_t sectors;                             /* disks only */
    char model[ATA_MODEL_SIZE];
};

/* A request for whole sectors of a drive, into or out of memory that does not cross the end of its
 * segment by more than the normalized address allows. */
struct ata_request {
    uint64_t lba;
    uint16_t segment, offset;
    uint16_t count; /* sectors, at most ATA_REQUEST_LIMIT */
};
#define ATA_REQUEST_LIMIT 127 /* what fits behind any normalized address */

/* What POST has found: by channel and device. */
extern struct ata_drive ata_drives[ATA_DRIVES];

/* Looks for drives. Interrupts must be possible. */
void ata_init(void);

/* Each returns false if the drive has said an error or nothing. *@done is the number of sectors
 * that were transferred. */
bool ata_read(struct ata_drive *drive, const struct ata_request *request, uint16_t *done);
bool ata_write(struct ata_drive *drive, const struct ata_request *request, uint16_t *done);

/* Whether the drive can read the sectors of @request, whose memory is not used. */
bool ata_verify(struct ata_drive *drive, const struct ata_request *request);

/* Makes what was written last. */
bool ata_flush(struct ata_drive *drive);

/* Sets the geometry that the drive uses for cylinders, heads and sectors. */
bool ata_set_geometry(struct ata_drive *drive, uint8_t heads, uint8_t sectors);

/* Both drives of the channel. */
void ata_reset(struct ata_drive *drive);

#define ATAPI_COMMAND_SIZE 12

/* Executes @command and reads at most @size bytes into @segment:@offset (an even number; the rest
 * is thrown away); *@done of them have come. Returns false at an error, with the sense key (0: no
 * answer) in *@sense. */
bool atapi_read(struct ata_drive *drive, const uint8_t *command, uint16_t segment, uint16_t offset,
                uint16_t size, uint16_t *done, uint8_t *sense);

/* --- Between ata.c and atapi.c --- */

#define ATA_DATA 0
#define ATA_ERROR 1 /* features, written */
#define ATA_COUNT 2
#define ATA_LBA_LOW 3
#define ATA_LBA_MIDDLE 4
#define ATA_LBA_HIGH 5
#define ATA_DEVICE 6
#define ATA_STATUS 7 /* command, written */

#define ATA_STATUS_ERR 0x01
#define ATA_STATUS_DRQ 0x08
#define ATA_STATUS_DF 0x20
#define ATA_STATUS_BSY 0x80

/* Selects the drive and waits until its channel is idle. */
bool ata_select(struct ata_drive *drive);

/* Starts a command after ata_select() and the other registers. */
void ata_command(struct ata_drive *drive, uint8_t command);

/* Waits, halted if possible, until BSY is clear; returns the status, or BSY after a long time. */
uint8_t ata_wait(struct ata_drive *drive);

/* Throws away @words words of data. */
void ata_discard(struct ata_drive *drive, uint16_t words);

#endif
