/* Disks whose sectors stand one after the other on a block device, in one piece or several: raw
 * images, fixed VHDs, CDs, physical disks and partitions. Requests go straight to the device. */
#ifndef VENEER_PARENT_VDISK_RAW_H
#define VENEER_PARENT_VDISK_RAW_H

#include "parent/include/vdisk.h"
#include "parent/vdisk/disk_map.h"

/* A disk of the first @sectors sectors of @device that @map names (so many it has), in sectors of
 * @sector_size bytes (a multiple of the device's); the fields for people and guests are the
 * caller's to set. The map stays the caller's and as it is until @closed is called with @context,
 * when the disk is stopped. NULL: no memory, or no whole sector. */
struct vdisk *raw_create(struct block_device *device, uint32_t sector_size,
                         const struct disk_map *map, uint64_t sectors,
                         void (*closed)(void *context), void *context);

/* The device of a disk that raw_create() made, for exclusive use. */
struct block_device *raw_device(const struct vdisk *disk);

#endif
