/* ATA: what the drivers of IDE and AHCI controllers share (ATA8-ACS, ATA/ATAPI-7). Pure logic. */
#ifndef VENEER_PARENT_DRIVERS_ATA_H
#define VENEER_PARENT_DRIVERS_ATA_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/block.h"

/* Status register. */
#define ATA_STATUS_ERR 0x01 /* packet devices: check condition */
#define ATA_STATUS_DRQ 0x08
#define ATA_STATUS_DF 0x20
#define ATA_STATUS_DRDY 0x40
#define ATA_STATUS_BSY 0x80

/* Error register. */
#define ATA_ERROR_ICRC 0x80

#define ATA_DEVICE_LBA 0x40
#define ATA_DEVICE_OBSOLETE 0xa0 /* ones up to ATA-5 */

#define ATA_DEVICE_RESET 0x08 /* packet devices */
#define ATA_READ_DMA_EXT 0x25
#define ATA_WRITE_DMA_EXT 0x35
#define ATA_WRITE_DMA_FUA_EXT 0x3d
#define ATA_READ_FPDMA_QUEUED 0x60
#define ATA_WRITE_FPDMA_QUEUED 0x61
#define ATA_PACKET 0xa0
#define ATA_IDENTIFY_PACKET_DEVICE 0xa1
#define ATA_READ_DMA 0xc8
#define ATA_WRITE_DMA 0xca
#define ATA_FLUSH_CACHE 0xe7
#define ATA_FLUSH_CACHE_EXT 0xea
#define ATA_IDENTIFY_DEVICE 0xec
#define ATA_SET_FEATURES 0xef

#define ATA_FEATURE_SET_TRANSFER_MODE 0x03
#define ATA_TRANSFER_MULTIWORD_DMA 0x20 /* + mode */
#define ATA_TRANSFER_ULTRA_DMA 0x40     /* + mode */

#define ATA_IDENTIFY_WORDS 256
#define ATA_MODEL_SIZE 41

/* What a device says of itself. */
struct ata_identity {
    char model[ATA_MODEL_SIZE];
    uint64_t sector_count; /* 0 for packet devices */
    uint32_t sector_size;
    bool lba48, dma, ncq, fua, write_cache;
    uint8_t queue_depth; /* with ncq: 1 to 32 */
    uint8_t
        transfer_mode; /* selected, or else the fastest multiword DMA: for SET FEATURES; 0: none */
    bool mode_selected;
};

/* Reads the data of IDENTIFY DEVICE or, if @packet, IDENTIFY PACKET DEVICE. False: it makes no
 * sense. */
bool ata_parse_identity(const uint16_t words[ATA_IDENTIFY_WORDS], bool packet,
                        struct ata_identity *identity);

/* Sectors of one command are limited to about 1 MiB, so that others get their turn. */
#define ATA_COMMAND_BYTES 1048576u

/* The registers of a command. */
struct ata_taskfile {
    uint8_t command, device;
    uint16_t features, count; /* upper bytes: of 48-bit commands */
    uint64_t lba;
    bool wide; /* a 48-bit command: all registers are written twice */
};

/* Makes a read, write or flush without queueing. @command is within the device's limits. */
void ata_make_taskfile(const struct ata_identity *identity, const struct block_command *command,
                       struct ata_taskfile *taskfile);

/* Sectors that one command may have: what it can, or ATA_COMMAND_BYTES. */
uint32_t ata_max_sectors(const struct ata_identity *identity);

/* Fills in what @block has from its identity: names, sizes, write cache; @packet: it is a CD. */
void ata_describe(const struct ata_identity *identity, bool packet, struct block_device *block);

/* What the status and error registers after a command of a disk mean. */
enum block_status ata_result(uint8_t status, uint8_t error);

#endif
