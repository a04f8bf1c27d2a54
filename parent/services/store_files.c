#include "parent/services/store_files.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/services/store.h"

#define TREE_DEPTH 8

static int read_all(struct fat_volume *volume, const char *path, void *buffer, size_t size,
                    size_t *done)
{
    struct fat_file *file;
    int error = fat_open(volume, path, 0, &file);
    if (error != FS_OK)
        return error;
    error = fat_file_size(file) > size ? FS_TOO_LARGE : fat_read(file, 0, buffer, size, done);
    fat_close(file);
    return error;
}

int store_read_file(const char *path, void *buffer, size_t size, size_t *done)
{
    *done = 0;
    struct fat_volume *volume = store_take();
    if (!volume)
        return FS_NOT_FOUND;
    int error = read_all(volume, path, buffer, size, done);
    store_release();
    return error;
}

static int write_all(struct fat_volume *volume, const char *path, const void *data, size_t size)
{
    struct fat_file *file;
    size_t done;
    int error = fat_open(volume, path, FAT_OPEN_CREATE | FAT_OPEN_TRUNCATE, &file);
    if (error != FS_OK)
        return error;
    error = fat_write(file, 0, data, size, &done);
    int closed = fat_close(file);
    return error != FS_OK ? error : closed;
}

/* The new file is on the device, whole, before it gets its name. */
static int replace(struct fat_volume *volume, const char *path, const char *new_path,
                   const void *data, size_t size)
{
    int error = write_all(volume, new_path, data, size);
    if (error == FS_OK)
        error = fat_sync(volume);
    if (error == FS_OK)
        error = fat_rename(volume, new_path, path);
    if (error == FS_OK)
        error = fat_sync(volume);
    return error;
}

int store_replace_file(const char *path, const void *data, size_t size)
{
    char new_path[STORE_PATH_SIZE];
    if ((size_t)snprintf(new_path, sizeof(new_path), "%s.new", path) >= sizeof(new_path))
        return FS_BAD_NAME;
    struct fat_volume *volume = store_take();
    if (!volume)
        return FS_NOT_FOUND;
    int error = replace(volume, path, new_path, data, size);
    if (error != FS_OK)
        fat_remove(volume, new_path);
    store_release();
    return error;
}

/* The path is extended in place for what is below. */
static int remove_tree(struct fat_volume *volume, char path[STORE_PATH_SIZE], unsigned depth)
{
    struct fat_status status;
    struct fat_file *file;
    uint32_t position = 0;
    size_t length = strlen(path);
    int error = fat_open(volume, path, FAT_OPEN_DIRECTORY, &file);
    if (error == FS_NOT_DIRECTORY)
        return fat_remove(volume, path);
    if (error != FS_OK)
        return error;
    if (depth == 0) {
        fat_close(file);
        return FS_TOO_LARGE;
    }
    while (error == FS_OK && fat_read_directory(file, &position, &status) == FS_OK) {
        if (length + 2 + strlen(status.name) > STORE_PATH_SIZE) {
            error = FS_BAD_NAME;
            break;
        }
        path[length] = '/';
        string_copy(path + length + 1, status.name, STORE_PATH_SIZE - length - 1);
        error = remove_tree(volume, path, depth - 1);
        path[length] = '\0';
    }
    fat_close(file);
    return error == FS_OK ? fat_remove_directory(volume, path) : error;
}

int store_remove_tree(struct fat_volume *volume, const char *path)
{
    char own[STORE_PATH_SIZE];
    if (string_copy(own, path, sizeof(own)) >= sizeof(own))
        return FS_BAD_NAME;
    return remove_tree(volume, own, TREE_DEPTH);
}
