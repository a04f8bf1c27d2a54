/* The 82077 floppy controller and channel 2 of the ISA DMA controller. */
#ifndef VENEER_FIRMWARE_FDC_H
#define VENEER_FIRMWARE_FDC_H

#include "worker/firmware/unit.h"

#define FDC_RESULTS 7

enum fdc_data_rate {
    FDC_500K,
    FDC_300K,
    FDC_250K,
    FDC_1M,
};

struct fdc_transfer {
    uint8_t drive, cylinder, head, sector;
    uint8_t sectors; /* on a track */
    uint8_t gap;
    enum unit_operation operation;
    uint32_t address; /* of memory below 16 MiB, within 64 KiB */
    uint16_t size;    /* bytes */
};

/* Whether there is a controller; resets it. */
bool fdc_reset(void);

void fdc_motor_on(uint8_t drive);
void fdc_motors_off(void);
void fdc_set_rate(enum fdc_data_rate rate);

/* Whether the drive, whose motor runs, has had its disk changed since the last step of its head. */
bool fdc_disk_changed(uint8_t drive);

/* Each waits for the interrupt and returns DISK_TIMEOUT without one. */
enum disk_status fdc_recalibrate(uint8_t drive);
enum disk_status fdc_seek(uint8_t drive, uint8_t cylinder);
enum disk_status fdc_read_id(uint8_t drive);
enum disk_status fdc_transfer(const struct fdc_transfer *transfer);

/* Formats a track with the list of 4 bytes for each sector that transfer->address is of. */
enum disk_status fdc_format(const struct fdc_transfer *transfer, uint8_t filler);

#endif
