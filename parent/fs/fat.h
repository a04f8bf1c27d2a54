/* FAT16 and FAT32 with long names (Microsoft FAT specification, August 2005).
 *
 * Pure logic above struct fs_io. Nothing here locks: the caller lets one call at a time into a
 * volume, its files included. No memory is allocated: a volume is one block of fat_volume_size()
 * bytes that the caller provides, and holds caches of fixed size. Functions return FS_OK or a
 * negative enum fs_error.
 *
 * Paths are UTF-8, from the root, with "/" between names (leading, trailing and double ones do not
 * matter). Names are compared regardless of case; "." and ".." are not names. A name has 1 to 255
 * units of UTF-16, no control characters, none of "*:<>?|\ and no space or full stop at its end.
 *
 * Safety. What the disk holds is never trusted: a chain that loops, leaves the volume or ends
 * early, an entry that points nowhere, give FS_DAMAGED, are reported, and make the volume
 * read-only. No I/O ever leaves the volume.
 *
 * A power cut. Data goes to the device at once, FAT and directories through caches. They are
 * written (by fat_sync(), or when a cache is full) in this order, with a flush of the device
 * between the steps, so that each state in between is good:
 *   1. chains of newly allocated clusters in the FAT;
 *   2. links from the end of chains that were on disk before to new ones;
 *   3. directory entries: new names, sizes, and deletions;
 *   4. the end marks of chains that were cut;
 *   5. clusters that are free from now on. They are not used before.
 * A cut at any point loses at most what was done since the last fat_sync(), and may leave clusters
 * that belong to nobody (fat_check() frees them), pieces of long names without a file, and a chain
 * longer than its file: never a cluster in two files, nor an entry that points to a free one.
 * A file that is being renamed has its old or its new name; see fat_rename(). docs/fat.md has the
 * reasons. The mark "not cleanly unmounted" is on the device from before the first change to
 * fat_unmount(). */
#ifndef VENEER_PARENT_FS_FAT_H
#define VENEER_PARENT_FS_FAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/fs/fs_io.h"

#define FAT_FILE_SIZE_MAX 0xffffffffu
#define FAT_NAME_UNITS 255                     /* of UTF-16, at most */
#define FAT_NAME_SIZE (FAT_NAME_UNITS * 3 + 1) /* bytes of UTF-8 with the NUL */
#define FAT_LABEL_SIZE (11 * 3 + 1)
#define FAT_OPEN_MAX 128 /* different files and directories open at a time, per volume */

struct fat_volume;
/* An open file or directory: one object for all who have opened it. */
struct fat_file;

/* What a volume asks of its surroundings. */
struct fat_host {
    struct fs_time (*now)(void *context);
    /* Tells a person something about the volume: one sentence, without full stop or newline. */
    void (*report)(void *context, const char *text);
    void *context;
};

struct fat_info {
    char label[FAT_LABEL_SIZE]; /* UTF-8; empty: none */
    uint32_t serial;
    unsigned fat_bits;     /* 16 or 32 */
    uint32_t cluster_size; /* bytes */
    uint32_t cluster_count;
    uint32_t free_clusters;
    bool read_only;
    bool damaged;   /* since the mount something was found that cannot be right */
    bool was_dirty; /* not cleanly unmounted before, and not checked since */
};

enum fat_attribute {
    FAT_READ_ONLY = 0x01, /* informative: nothing here refuses to change such a file */
    FAT_HIDDEN = 0x02,
    FAT_SYSTEM = 0x04,
    FAT_DIRECTORY = 0x10,
    FAT_ARCHIVE = 0x20,
};

struct fat_status {
    char name[FAT_NAME_SIZE];         /* the long one if there is one; "/" for the root */
    uint32_t attributes;              /* of enum fat_attribute */
    uint32_t size;                    /* bytes; 0 for a directory */
    struct fs_time created, modified; /* all 0 if the volume does not say */
};

/* --- Volumes --- */

/* Bytes of a struct fat_volume; its alignment is that of any type. */
size_t fat_volume_size(void);

/* Makes the volume that @io gives access to usable through @volume. Both structures are copied.
 * FS_UNSUPPORTED: no FAT16 or FAT32, FS_DAMAGED: its description contradicts itself or the size of
 * the device (each with a report that says why); or the error of the device. If a power cut
 * interrupted a renaming, completes it. */
int fat_mount(struct fat_volume *volume, const struct fs_io *io, const struct fat_host *host);

/* Writes everything and marks the volume clean (unless it was not at the mount and fat_check() has
 * not been called); afterwards the memory is the caller's. FS_BUSY if a file is open. After an
 * error of the device the volume is as before, and the caller may try again, or give it up. */
int fat_unmount(struct fat_volume *volume);

/* Returns when all changes so far would survive a power cut. */
int fat_sync(struct fat_volume *volume);

void fat_get_info(const struct fat_volume *volume, struct fat_info *info);

/* --- Names --- */

int fat_get_status(struct fat_volume *volume, const char *path, struct fat_status *status);

/* Removes a file. FS_BUSY if it is open, FS_IS_DIRECTORY. */
int fat_remove(struct fat_volume *volume, const char *path);

int fat_make_directory(struct fat_volume *volume, const char *path);

/* Removes an empty directory. FS_BUSY if it is open, FS_NOT_EMPTY; FS_INVALID for the root. */
int fat_remove_directory(struct fat_volume *volume, const char *path);

/* Gives the file or directory @from the path @to. A file at @to is replaced, and a power cut leaves
 * either it or the new one there; a directory at @to is FS_EXISTS. FS_BUSY if one of the two is
 * open; FS_INVALID: a directory cannot become part of itself. If the two entries share no sector,
 * this writes everything that is not yet on the device first, flushes three or four times, and
 * needs a free entry in the root directory for a moment (FS_DIRECTORY_FULL, FS_NO_SPACE). */
int fat_rename(struct fat_volume *volume, const char *from, const char *to);

/* --- Files --- */

enum fat_open_flags {
    FAT_OPEN_CREATE = 1,    /* make an empty file if there is none; needs a volume to write to */
    FAT_OPEN_EXCLUSIVE = 2, /* with CREATE: FS_EXISTS if there is one */
    FAT_OPEN_TRUNCATE = 4,  /* make it empty; FS_BUSY if it is open already */
    FAT_OPEN_DIRECTORY = 8, /* a directory, for fat_read_directory(); without other flags */
    FAT_OPEN_ALONE = 16,    /* for one user: FS_BUSY if it is open, and for others while it is */
};

/* Opens a file or directory; *@file is to be closed with fat_close(). An open file can be neither
 * removed nor renamed. FS_IS_DIRECTORY and FS_NOT_DIRECTORY if it is not of the kind asked for. */
int fat_open(struct fat_volume *volume, const char *path, unsigned flags, struct fat_file **file);

/* Closes for one of those who have opened it; the last frees what was preallocated and not used.
 * The file is closed in any case: an error only says that this freeing failed. */
int fat_close(struct fat_file *file);

/* Bytes; 0 for a directory. */
uint32_t fat_file_size(const struct fat_file *file);

/* Reads @size bytes from byte @offset; *@done says how many there were: fewer at the end of the
 * file or after an error. */
int fat_read(struct fat_file *file, uint64_t offset, void *buffer, size_t size, size_t *done);

/* Writes @size bytes from byte @offset. Extends the file if necessary; a gap becomes zeros. On
 * FS_NO_SPACE and FS_TOO_LARGE nothing was written; on an error of the device *@done bytes were. */
int fat_write(struct fat_file *file, uint64_t offset, const void *buffer, size_t size,
              size_t *done);

/* As fat_write(), but a gap between the file's end and @offset keeps what the device has there: for
 * who writes it by its extents before anybody reads it. */
int fat_write_unfilled(struct fat_file *file, uint64_t offset, const void *buffer, size_t size,
                       size_t *done);

/* Cuts the file, or extends it by zeros. After an error of the device it may have a size in
 * between. */
int fat_set_size(struct fat_file *file, uint64_t size);

/* Reserves clusters so that writing up to @size bytes needs no more: if @contiguous, those that
 * are missing are in one piece, right behind the present last one where that is possible. The size
 * does not change. FS_NO_SPACE: nothing was reserved. */
int fat_preallocate(struct fat_file *file, uint64_t size, bool contiguous);

/* A part of a file that is in one piece on the device. */
struct fat_extent {
    uint32_t file_offset; /* bytes; a multiple of the cluster size */
    uint32_t sector_count;
    uint64_t sector; /* of the volume, in sectors of the device */
};

/* Lists the parts of the file from the cluster of byte @offset to its end (the last may go beyond
 * it): at most @limit of them at @extents, their number in *@count, 0 if @offset is at or behind
 * the end. They stay where they are while the file is open and not cut. Whoever writes there
 * directly has to flush the device itself. */
int fat_get_extents(struct fat_file *file, uint32_t offset, struct fat_extent *extents,
                    unsigned limit, unsigned *count);

/* Describes the next entry of an open directory; *@position is 0 for the first. FS_NOT_FOUND after
 * the last. Entries that come and go meanwhile may be missed, others not. */
int fat_read_directory(struct fat_file *file, uint32_t *position, struct fat_status *status);

/* --- Checking --- */

struct fat_check_result {
    uint32_t files, directories;
    uint32_t lost_clusters; /* belonged to nobody, were freed if the volume could be written */
    uint32_t
        long_chains;  /* files with more clusters than their size needs; the surplus was freed */
    uint32_t orphans; /* pieces of long names without a file; they were removed */
    uint32_t errors;  /* things that cannot be right, each reported (the first 20) */
};

/* Bytes of memory that fat_check() needs: two bits per cluster. */
size_t fat_check_memory(const struct fat_volume *volume);

/* Walks all directories and chains of a volume on which nothing is open (else FS_BUSY), with
 * @memory of that size and 8-byte alignment. Without errors, what a power cut left behind is
 * freed and the volume counts as clean. With errors nothing is changed, the volume becomes
 * read-only, and the result is FS_DAMAGED. */
int fat_check(struct fat_volume *volume, void *memory, struct fat_check_result *result);

#endif
