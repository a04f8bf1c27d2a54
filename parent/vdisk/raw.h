/* Disks whose sectors stand one after the other on a block device, in one piece or several: raw
 * images, fixed VHDs, CDs, physical disks and partitions. Requests go straight to the device. */
#ifndef VENEER_PARENT_VDISK_RAW_H
#define VENEER_PARENT_VDISK_RAW_H

#include "parent/include/vdisk.h"

/* Sectors of the device, one after the other. */
struct raw_run {
    uint64_t first; /* on the device */
    uint64_t count; /* > 0 */
};

/* A disk on @device, of as many whole sectors of @sector_size bytes (a multiple of the device's) as
 * @runs has, which is copied; the fields for people and guests are the caller's to set. @closed is
 * called with @context when it is closed. NULL: no memory, or no whole sector. */
struct vdisk *raw_create(struct block_device *device, uint32_t sector_size,
                         const struct raw_run *runs, uint32_t run_count,
                         void (*closed)(void *context), void *context);

/* The device and what of it the disk covers, for exclusive use. */
struct block_device *raw_device(const struct vdisk *disk);

#endif
