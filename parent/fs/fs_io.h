/* What a file system needs from below: the sectors of one volume, and the errors of all operations.
 */
#ifndef VENEER_PARENT_FS_IO_H
#define VENEER_PARENT_FS_IO_H

#include <stdbool.h>
#include <stdint.h>

/* Results of operations: FS_OK or a negative error. */
enum fs_error {
    FS_OK = 0,
    FS_NOT_FOUND = -1,
    FS_EXISTS = -2,
    FS_NOT_DIRECTORY = -3,
    FS_IS_DIRECTORY = -4,
    FS_NOT_EMPTY = -5,
    FS_BUSY = -6, /* the file, directory or volume is open */
    FS_BAD_NAME = -7,
    FS_INVALID = -8, /* an argument makes no sense, like a directory moved into itself */
    FS_NO_SPACE = -9,
    FS_DIRECTORY_FULL = -10,
    FS_TOO_LARGE = -11,
    FS_TOO_MANY_OPEN = -12,
    FS_READ_ONLY = -13,
    FS_DAMAGED = -14,
    FS_UNSUPPORTED = -15, /* not a file system of this kind */
    FS_IO = -16,          /* the device failed */
};

/* What @error means, for people: a few words without full stop. */
const char *fs_error_text(int error);

/* The device below one volume. Sectors are numbered from the start of the volume. All functions
 * return FS_OK or a negative error, which the file system hands on. They return when the work is
 * done; a written sector survives a power cut for sure only after a later flush. */
struct fs_io {
    int (*read)(void *context, uint64_t sector, uint32_t count, void *buffer);
    int (*write)(void *context, uint64_t sector, uint32_t count, const void *buffer);
    int (*flush)(void *context);
    void *context;
    uint32_t sector_size; /* bytes: 512, 1024, 2048 or 4096 */
    uint64_t sector_count;
    bool read_only; /* then write and flush are never called */
};

/* A date and time of day, in whatever zone the volume is to carry. */
struct fs_time {
    uint16_t year;
    uint8_t month, day; /* from 1 */
    uint8_t hour, minute, second;
};

#endif
