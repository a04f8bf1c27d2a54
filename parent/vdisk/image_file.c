#include "parent/vdisk/image_file.h"

#include "parent/include/memory.h"
#include "parent/services/store.h"
#include "parent/vdisk/mapped.h"

#define EXTENTS 64u /* asked for at once */
#define NO_MEMORY 1 /* beside enum fs_error, whose errors are negative */

static enum vdisk_status status_of(int error)
{
    switch (error) {
    case FS_OK:
        return VDISK_OK;
    case FS_NO_SPACE:
    case FS_TOO_LARGE:
        return VDISK_ERROR_NO_SPACE;
    case FS_READ_ONLY:
        return VDISK_ERROR_READ_ONLY;
    case NO_MEMORY:
        return VDISK_ERROR_MEMORY;
    default:
        return VDISK_ERROR_MEDIUM;
    }
}

static const char *error_text(int error)
{
    if (error == NO_MEMORY)
        return vdisk_status_text(VDISK_ERROR_MEMORY);
    return error == FS_BUSY ? "it is in use" : fs_error_text(error);
}

/* Appends to @map, which has the file's clusters up to some one, those that follow. The store is
 * taken. */
static int add_extents(struct fat_file *file, uint32_t sector_size, struct disk_map *map)
{
    static struct fat_extent extents[EXTENTS]; /* the store is taken */
    unsigned count;
    do {
        uint64_t offset = map->sectors * sector_size;
        if (offset >= fat_file_size(file))
            return FS_OK;
        int error = fat_get_extents(file, (uint32_t)offset, extents, EXTENTS, &count);
        if (error != FS_OK)
            return error;
        for (unsigned i = 0; i < count; i++)
            if (!disk_map_add(map, extents[i].sector, extents[i].sector_count))
                return NO_MEMORY;
    } while (count > 0);
    return FS_OK;
}

/* The store is taken. */
static int fill_in(struct image_file *image, struct fat_volume *volume, const char *path,
                   unsigned flags)
{
    struct fat_info info;
    int error = fat_open(volume, path, flags, &image->file);
    if (error != FS_OK)
        return error;
    fat_get_info(volume, &info);
    image->device = store_device();
    image->size = fat_file_size(image->file);
    image->read_only = info.read_only || image->device->read_only;
    error = add_extents(image->file, image->device->sector_size, &image->map);
    if (error == FS_OK)
        return FS_OK;
    disk_map_free(&image->map);
    fat_close(image->file);
    return error;
}

static struct image_file *open_file(const char *path, unsigned flags, const char **error)
{
    struct image_file *image = heap_allocate(sizeof(*image));
    *error = "no memory is left";
    if (!image)
        return NULL;
    struct fat_volume *volume = store_take();
    *error = "there is no store";
    int result = FS_NOT_FOUND;
    if (volume) {
        result = fill_in(image, volume, path, flags);
        *error = error_text(result);
        store_release();
    }
    if (result == FS_OK)
        return image;
    heap_free(image);
    return NULL;
}

struct image_file *image_file_open(const char *path, bool alone, const char **error)
{
    return open_file(path, alone ? FAT_OPEN_ALONE : 0, error);
}

struct image_file *image_file_create(const char *path, const char **error)
{
    return open_file(path, FAT_OPEN_CREATE | FAT_OPEN_EXCLUSIVE | FAT_OPEN_ALONE, error);
}

/* Room for the file to grow, better in one piece. The store is taken. */
static int reserve(struct fat_file *file, uint64_t size)
{
    int error = fat_preallocate(file, size, true);
    return error == FS_NO_SPACE ? fat_preallocate(file, size, false) : error;
}

enum vdisk_status image_file_reserve(struct image_file *image, uint64_t size)
{
    if (!store_take())
        return VDISK_ERROR_NO_MEDIUM;
    int error = reserve(image->file, size);
    store_release();
    return status_of(error);
}

enum vdisk_status image_file_append(struct image_file *image, const void *buffer, size_t size)
{
    size_t done;
    if (!store_take())
        return VDISK_ERROR_NO_MEDIUM;
    int error = fat_write(image->file, image->size, buffer, size, &done);
    image->size = fat_file_size(image->file);
    store_release();
    return status_of(error);
}

enum vdisk_status image_file_sync(void)
{
    struct fat_volume *volume = store_take();
    if (!volume)
        return VDISK_ERROR_NO_MEDIUM;
    int error = fat_sync(volume);
    store_release();
    return status_of(error);
}

void image_file_close(struct image_file *image)
{
    if (store_take()) {
        fat_close(image->file);
        store_release();
    }
    disk_map_free(&image->map);
    heap_free(image);
}

enum vdisk_status image_file_read(struct image_file *image, uint64_t offset, void *buffer,
                                  size_t size)
{
    size_t done = 0;
    if (!store_take())
        return VDISK_ERROR_NO_MEDIUM;
    int error = fat_read(image->file, offset, buffer, size, &done);
    store_release();
    if (error == FS_OK && done != size)
        return VDISK_ERROR_DAMAGED;
    return status_of(error);
}

enum vdisk_status image_file_write(struct image_file *image, uint64_t offset, const void *buffer,
                                   size_t size)
{
    uint32_t sector_size = image->device->sector_size;
    const uint8_t *data = buffer;
    uint64_t sector = offset / sector_size, left = size / sector_size;
    while (left > 0) {
        uint64_t count, place = disk_map_find(&image->map, sector, &count);
        if (count > left)
            count = left;
        enum block_status status = block_write(image->device, place, (uint32_t)count, data);
        if (status != BLOCK_OK)
            return vdisk_status_of(status);
        data += count * sector_size;
        sector += count;
        left -= count;
    }
    return VDISK_OK;
}

enum vdisk_status image_file_zero(struct image_file *image, uint64_t offset, uint64_t size)
{
    while (size > 0) {
        size_t now = size < MAPPED_ZEROS_SIZE ? (size_t)size : MAPPED_ZEROS_SIZE;
        enum vdisk_status status = image_file_write(image, offset, mapped_zeros, now);
        if (status != VDISK_OK)
            return status;
        offset += now;
        size -= now;
    }
    return VDISK_OK;
}

enum vdisk_status image_file_flush(struct image_file *image)
{
    return vdisk_status_of(block_flush(image->device));
}

/* The store is taken. */
static int grow(struct image_file *image, struct fat_volume *volume, uint64_t size,
                const void *tail, size_t tail_size, struct disk_map *map)
{
    size_t done;
    int error = reserve(image->file, size);
    if (error == FS_OK)
        error = fat_write_unfilled(image->file, size - tail_size, tail, tail_size, &done);
    image->size = fat_file_size(image->file);
    if (error == FS_OK)
        error = fat_sync(volume);
    if (error == FS_OK)
        error = add_extents(image->file, image->device->sector_size, map);
    return error;
}

enum vdisk_status image_file_grow(struct image_file *image, uint64_t size, const void *tail,
                                  size_t tail_size, struct disk_map *map)
{
    if (!disk_map_copy(&image->map, map))
        return VDISK_ERROR_MEMORY;
    struct fat_volume *volume = store_take();
    if (!volume) {
        disk_map_free(map);
        return VDISK_ERROR_NO_MEDIUM;
    }
    int error = grow(image, volume, size, tail, tail_size, map);
    store_release();
    if (error != FS_OK)
        disk_map_free(map);
    return status_of(error);
}

void image_file_swap_map(struct image_file *image, struct disk_map *map)
{
    struct disk_map old = image->map;
    image->map = *map;
    *map = old;
}

enum vdisk_status image_file_cut(struct image_file *image, uint64_t size)
{
    struct fat_volume *volume = store_take();
    if (!volume)
        return VDISK_ERROR_NO_MEDIUM;
    int error = fat_set_size(image->file, size);
    if (error == FS_OK)
        error = fat_sync(volume);
    image->size = fat_file_size(image->file);
    store_release();
    return status_of(error);
}
