/* Whole files and folders on the store. Results are FS_OK or a negative enum fs_error. Thread. */
#ifndef VENEER_PARENT_SERVICES_STORE_FILES_H
#define VENEER_PARENT_SERVICES_STORE_FILES_H

#include <stddef.h>

#include "parent/fs/fat.h"

#define STORE_PATH_SIZE 512

/* Reads the file at @path into @buffer of @size bytes; *@done says how many there were.
 * FS_TOO_LARGE: it has more. FS_NOT_FOUND also if there is no store. */
int store_read_file(const char *path, void *buffer, size_t size, size_t *done);

/* Makes the file at @path one of these @size bytes: after a power cut it is the old or the new one,
 * and when this returns, the new one. The path with ".new" behind is used meanwhile. */
int store_replace_file(const char *path, const void *data, size_t size);

/* Removes @path and what is below it, for who has taken the store. FS_TOO_LARGE: it is nested too
 * deep. After an error a part may be gone. */
int store_remove_tree(struct fat_volume *volume, const char *path);

#endif
