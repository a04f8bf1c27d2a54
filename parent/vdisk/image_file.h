/* Files of the store that hold virtual disks, and where their bytes are on the store's device.
 * Thread context; an image file has one user at a time but for the map (see below). */
#ifndef VENEER_PARENT_VDISK_IMAGE_FILE_H
#define VENEER_PARENT_VDISK_IMAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/fs/fat.h"
#include "parent/include/vdisk.h"
#include "parent/vdisk/disk_map.h"

struct image_file {
    struct fat_file *file;
    struct block_device *device;
    struct disk_map map; /* in sectors of the device; whole clusters */
    uint64_t size;       /* bytes */
    bool read_only;      /* the store is */
};

/* Opens the file at @path. @alone: nobody else has it open, or can open it; else others can, but
 * not to change it. NULL: *@error says why, for people. */
struct image_file *image_file_open(const char *path, bool alone, const char **error);

/* Makes an empty file, alone. */
struct image_file *image_file_create(const char *path, const char **error);

/* Ends the use, and frees @file. */
void image_file_close(struct image_file *file);

/* For new files: makes room for @size bytes, and appends some. The map does not have them. */
enum vdisk_status image_file_reserve(struct image_file *file, uint64_t size);
enum vdisk_status image_file_append(struct image_file *file, const void *buffer, size_t size);

/* All files are durable, with their sizes. */
enum vdisk_status image_file_sync(void);

/* Reads bytes that are in the file. */
enum vdisk_status image_file_read(struct image_file *file, uint64_t offset, void *buffer,
                                  size_t size);

/* Writes whole sectors of the device, inside of the file: to the device's cache at least. */
enum vdisk_status image_file_write(struct image_file *file, uint64_t offset, const void *buffer,
                                   size_t size);
enum vdisk_status image_file_zero(struct image_file *file, uint64_t offset, uint64_t size);

/* All that was written to the file is durable, by whatever way. */
enum vdisk_status image_file_flush(struct image_file *file);

/* Makes the file @size bytes long, not less than before, the last @tail_size of them those at
 * @tail, and durable; the others are what the device has there: for who writes them before they are
 * read. The tail is on the device before the new size. *@map, which is empty, becomes that of the
 * longer file, for image_file_swap_map(): under the lock of those who look at file->map meanwhile.
 * VDISK_ERROR_NO_SPACE: nothing has changed. */
enum vdisk_status image_file_grow(struct image_file *file, uint64_t size, const void *tail,
                                  size_t tail_size, struct disk_map *map);

/* Exchanges file->map with *@map. Any context. */
void image_file_swap_map(struct image_file *file, struct disk_map *map);

/* Makes the file shorter; durable. No request may be under way behind @size. */
enum vdisk_status image_file_cut(struct image_file *file, uint64_t size);

#endif
