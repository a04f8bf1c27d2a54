/* What formats share whose sectors are at places of a block device: requests are cut there and go
 * to the device without a copy. */
#ifndef VENEER_PARENT_VDISK_MAPPED_H
#define VENEER_PARENT_VDISK_MAPPED_H

#include "parent/include/vdisk.h"

/* Sectors of the device that belong together. */
struct disk_place {
    bool is_hole;    /* nowhere: they are zeros */
    uint64_t sector; /* on the device, if not */
    uint64_t count;  /* > 0 */
};

struct mapped_disk {
    struct vdisk disk;
    struct block_device *device;
    uint32_t ratio; /* sectors of the device in one of the disk */
    /* Where @sector is, in sectors of the device from the disk's start on, and how many follow in
     * the same way. Any context. */
    void (*locate)(struct mapped_disk *mapped, uint64_t sector, struct disk_place *place);
};

/* Does @request, whose range has been checked. Sectors to write must not be holes; zeros are not
 * written there. Any. */
void mapped_submit(struct mapped_disk *mapped, struct vdisk_request *request);

/* A page-aligned piece of zeros, for other writers of zeros. */
#define MAPPED_ZEROS_SIZE 0x10000u
extern const uint8_t mapped_zeros[MAPPED_ZEROS_SIZE];

#endif
