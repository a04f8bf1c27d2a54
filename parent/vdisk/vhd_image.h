/* The structures of a VHD in a file: read, checked, written. Thread context. */
#ifndef VENEER_PARENT_VDISK_VHD_IMAGE_H
#define VENEER_PARENT_VDISK_VHD_IMAGE_H

#include "parent/vdisk/image_file.h"
#include "parent/vdisk/vhd.h"

struct vhd_image {
    struct vhd_footer footer;
    bool footer_damaged; /* that at the end: its copy at the start was read instead */

    /* Of dynamic disks. */
    struct vhd_header header;
    uint32_t block_count, allocated; /* blocks of the disk, and how many of them are in the file */
    uint32_t *table;                 /* block_count entries, in the byte order of this machine */
    uint64_t data_end;               /* bytes: behind the last block */
    uint64_t data_limit;             /* blocks end there at the latest: the footer's place */
};

/* Reads and checks what describes the disk in @file. The result is NULL, and *@image is to be given
 * to vhd_image_free(); or it says what is wrong, for people. */
const char *vhd_image_read(struct image_file *file, struct vhd_image *image);

void vhd_image_free(struct vhd_image *image);

/* Makes the empty @file a dynamic VHD without blocks, for a disk of @footer->size bytes in blocks
 * of
 * @block_size. Sets the type and the header's place in @footer. */
enum vdisk_status vhd_image_create(struct image_file *file, struct vhd_footer *footer,
                                   uint32_t block_size);

#endif
