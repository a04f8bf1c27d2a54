/* Disks in dynamic VHDs: blocks are in the file once they have been written to.
 *
 * A request whose blocks are there goes to the device by the file's extents, without a copy. Others
 * go to the disk's worker first, which is the only one that changes anything:
 *
 * - A new block gets its bitmap (all ones) and zeros at the end of the blocks, then its entry in
 * the table in memory. If there is no room before the footer, the file grows first, by several
 * blocks: the new footer is on the device before the new size, and that before anything is written
 * where the old one was.
 * - The table on the device follows with the next flush, or when the file grows: what the blocks
 *   hold is flushed before, and the entries afterwards.
 *
 * So at any moment what is on the device is a whole VHD, which has all that was flushed; blocks
 * behind the last one that the table knows are used again. */
#ifndef VENEER_PARENT_VDISK_VHD_DYNAMIC_H
#define VENEER_PARENT_VDISK_VHD_DYNAMIC_H

#include "parent/vdisk/mapped.h"
#include "parent/vdisk/vhd_image.h"
#include "parent/vdisk/worker.h"

struct vhd_dynamic {
    struct mapped_disk mapped;
    struct image_file *file;
    struct vhd_image image;
    struct vdisk_worker worker;

    /* The table, the bitmaps, the file's map. The worker changes them, and reads them without. */
    struct spinlock lock;
    /* Per block: NULL: not read yet; vhd_all_ones: all sectors are there; or a bitmap of the heap,
     * in which the bits of sectors that are zeros are 0. */
    const uint8_t **bitmaps;

    uint8_t *dirty_sectors; /* of the table: 1 if one is not on the device. The worker's */
    bool store_is_tight;    /* there was no room for several blocks: one at a time */
    uint64_t full_until;    /* time_now(): the store was full, and is not searched again before */
    bool dirty;             /* atomic: something is not on the device that a flush has to write */
};

/* A disk on the dynamic VHD that @image describes. If it can be made, both are the disk's now, and
 * are given back when it is stopped. NULL: *@error says why. Thread. */
struct vdisk *vhd_dynamic_create(struct image_file *file, const struct vhd_image *image,
                                 bool read_only, const char **error);

/* --- vhd_block.c: what the worker does, one call at a time. Thread. --- */

extern const uint8_t vhd_all_ones[1];

/* Makes the block ready to be read, or written. */
enum vdisk_status vhd_block_prepare(struct vhd_dynamic *vhd, uint32_t block, bool to_write);

/* All that requests which have ended have written is durable. */
enum vdisk_status vhd_commit(struct vhd_dynamic *vhd);

/* Writes the footer where it is missing, before the first request. */
enum vdisk_status vhd_restore_footer(struct vhd_dynamic *vhd);

/* Gives back the room behind the last block, after vhd_commit(). */
enum vdisk_status vhd_trim(struct vhd_dynamic *vhd);

#endif
