/* What an administrator does with files of virtual disks: making, converting, describing and
 * checking them. Thread context. Results that are texts are NULL if all went well, and otherwise
 * say for people what did not. */
#ifndef VENEER_PARENT_VDISK_IMAGE_TOOLS_H
#define VENEER_PARENT_VDISK_IMAGE_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

enum image_kind { IMAGE_RAW, IMAGE_FIXED, IMAGE_DYNAMIC };

/* Called now and then while something takes long; false stops it. */
struct image_progress {
    bool (*step)(void *context, uint64_t done, uint64_t total);
    void *context;
};

#define IMAGE_STOPPED "stopped" /* the text then */

/* Makes a file for a disk of @size bytes, all zeros. A VHD's name has to end in ".vhd", and no
 * other's may. If it fails, there is no file. */
const char *image_create(const char *path, enum image_kind kind, uint64_t size,
                         const struct image_progress *progress);

/* Makes the file @to of what the disk @from (see vdisk_open()) has. */
const char *image_convert(const char *from, const char *to, enum image_kind kind,
                          const struct image_progress *progress);

struct image_description {
    enum image_kind kind;
    uint64_t disk_size, file_size; /* bytes */
    uint8_t identity[16];          /* of a VHD, and the following of a dynamic one */
    uint32_t block_size, blocks, allocated;
    bool footer_damaged; /* the one at the end; the copy at the start is good */

    /* Set by image_check(). */
    bool copy_differs;      /* the footer's copy at the start is not the footer */
    uint32_t orphans;       /* blocks' worth of bytes between others that no entry leads to */
    uint64_t room;          /* bytes behind the last block, which new ones will use */
    uint32_t partly_filled; /* blocks in which some sectors are zeros by their bitmap only */
};

const char *image_describe(const char *path, struct image_description *description);

/* Reads all structures. The result is about the worst that was found; @description is filled in if
 * it is NULL. */
const char *image_check(const char *path, const struct image_progress *progress,
                        struct image_description *description);

#endif
