/* Open files: their objects, sizes and data. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

/* --- Opening and closing --- */

static struct fat_file *find_open(struct fat_volume *volume, const struct fat_position *position)
{
    for (unsigned i = 0; i < FAT_OPEN_MAX; i++) {
        struct fat_file *file = &volume->files[i];

        if (file->users > 0 && file->position.sector == position->sector &&
            file->position.offset == position->offset)
            return file;
    }
    return NULL;
}

bool fat_is_open(struct fat_volume *volume, const struct fat_position *position)
{
    return find_open(volume, position) != NULL;
}

static struct fat_file *find_unused(struct fat_volume *volume)
{
    for (unsigned i = 0; i < FAT_OPEN_MAX; i++)
        if (volume->files[i].users == 0)
            return &volume->files[i];
    return NULL;
}

static int create(struct fat_volume *volume, const struct fat_target *target, struct fat_file *file)
{
    struct fat_entry entry;
    int error = fat_begin_change(volume);

    if (error != FS_OK)
        return error;
    fat_entry_create(volume, &entry, FAT_ARCHIVE);
    return fat_add_item(volume, target, &entry, &file->position);
}

/* Fills in a new object for what is there. */
static int open_item(struct fat_volume *volume, const struct fat_item *item, unsigned flags,
                     struct fat_file *file)
{
    int error = fat_item_cluster(volume, item, &file->first_cluster);

    file->position = item->position;
    file->is_directory = (item->entry.attributes & FAT_DIRECTORY) != 0;
    file->size = file->is_directory ? 0 : item->entry.size;
    if (error == FS_OK && (flags & FAT_OPEN_TRUNCATE) != 0)
        error = fat_set_size(file, 0);
    return error;
}

/* The object for the target: one that is open already, or a new one. */
static int open_target(struct fat_volume *volume, const struct fat_target *target, unsigned flags,
                       struct fat_file **file)
{
    static const struct fat_position root = {0};

    *file = find_open(volume, target->is_root ? &root : &target->item.position);
    if (*file != NULL && ((*file)->alone || (flags & (FAT_OPEN_TRUNCATE | FAT_OPEN_ALONE)) != 0))
        return FS_BUSY;
    if (*file != NULL)
        return FS_OK;
    *file = find_unused(volume);
    if (*file == NULL)
        return FS_TOO_MANY_OPEN;
    **file = (struct fat_file){.volume = volume, .alone = (flags & FAT_OPEN_ALONE) != 0};
    if (!target->is_root)
        return open_item(volume, &target->item, flags, *file);
    (*file)->is_directory = true;
    (*file)->first_cluster = volume->root_cluster;
    return FS_OK;
}

int fat_open(struct fat_volume *volume, const char *path, unsigned flags, struct fat_file **file)
{
    struct fat_target *target = &volume->target;
    bool wants_directory = (flags & FAT_OPEN_DIRECTORY) != 0;
    int error;

    if (wants_directory && flags != FAT_OPEN_DIRECTORY)
        return FS_INVALID;
    error = fat_resolve(volume, path, 0, target);
    if (error != FS_OK)
        return error;
    if (!target->is_root && !target->found) {
        if ((flags & FAT_OPEN_CREATE) == 0)
            return FS_NOT_FOUND;
        *file = find_unused(volume);
        if (*file == NULL)
            return FS_TOO_MANY_OPEN;
        **file = (struct fat_file){.volume = volume, .alone = (flags & FAT_OPEN_ALONE) != 0};
        error = create(volume, target, *file);
    } else {
        bool is_directory = target->is_root || (target->item.entry.attributes & FAT_DIRECTORY) != 0;

        if ((flags & FAT_OPEN_EXCLUSIVE) != 0)
            return FS_EXISTS;
        if (is_directory != wants_directory)
            return is_directory ? FS_IS_DIRECTORY : FS_NOT_DIRECTORY;
        error = open_target(volume, target, flags, file);
    }
    if (error == FS_OK)
        (*file)->users++;
    return error;
}

static uint32_t clusters_of(const struct fat_volume *volume, uint32_t size)
{
    return (uint32_t)(((uint64_t)size + volume->cluster_size - 1) / volume->cluster_size);
}

int fat_close(struct fat_file *file)
{
    int error = FS_OK;

    if (file->users == 1 && file->surplus && !file->volume->read_only)
        error = fat_chain_cut(file, clusters_of(file->volume, file->size));
    file->users--;
    return error;
}

uint32_t fat_file_size(const struct fat_file *file)
{
    return file->size;
}

/* --- Data --- */

enum transfer { TRANSFER_READ, TRANSFER_WRITE, TRANSFER_ZEROS };

/* A part of one sector, by way of the buffer for that. */
static int transfer_part(struct fat_volume *volume, enum transfer transfer, uint32_t sector,
                         uint32_t offset, uint8_t *data, uint32_t size)
{
    uint8_t *part = volume->sector_buffer + offset;
    int error = fat_device_read(volume, sector, 1, volume->sector_buffer);

    if (error != FS_OK)
        return error;
    if (transfer == TRANSFER_READ) {
        memcpy(data, part, size);
        return FS_OK;
    }
    if (transfer == TRANSFER_WRITE)
        memcpy(part, data, size);
    else
        memset(part, 0, size);
    return fat_device_write(volume, sector, 1, volume->sector_buffer);
}

static int transfer_sectors(struct fat_volume *volume, enum transfer transfer, uint32_t sector,
                            uint8_t *data, uint32_t count)
{
    if (transfer == TRANSFER_READ)
        return fat_device_read(volume, sector, count, data);
    if (transfer == TRANSFER_WRITE)
        return fat_device_write(volume, sector, count, data);
    return fat_device_zero(volume, sector, count);
}

/* Devices take memory at even addresses only (block.h). */
static bool is_even(const uint8_t *data)
{
    return (uintptr_t)data % 2 == 0;
}

/* Bytes that are in one piece on the device, from byte @offset of sector @sector on; *@done of them
 * are done in this call: a part of one sector, or all whole ones. */
static int transfer_some(struct fat_volume *volume, enum transfer transfer, uint32_t sector,
                         uint32_t offset, uint8_t *data, uint64_t size, uint32_t *done)
{
    uint32_t sector_size = volume->sector_size;
    uint32_t inside = offset % sector_size;
    uint32_t count = (uint32_t)(size / sector_size);

    sector += offset / sector_size;
    if (inside == 0 && count > 0 && is_even(data)) {
        *done = count * sector_size;
        return transfer_sectors(volume, transfer, sector, data, count);
    }
    *done = sector_size - inside;
    if (*done > size)
        *done = (uint32_t)size;
    return transfer_part(volume, transfer, sector, inside, data, *done);
}

/* Bytes @offset to @offset + @size of the file, all of which have clusters. *@done counts them. */
static int transfer_bytes(struct fat_file *file, enum transfer transfer, uint32_t offset,
                          uint8_t *data, uint64_t size, uint64_t *done)
{
    struct fat_volume *volume = file->volume;

    *done = 0;
    while (*done < size) {
        uint32_t position = (uint32_t)(offset + *done);
        uint32_t inside = position % volume->cluster_size;
        uint64_t left = size - *done;
        uint32_t cluster, count, some;
        int error = fat_chain_find(
            file, position / volume->cluster_size,
            (uint32_t)((inside + left + volume->cluster_size - 1) / volume->cluster_size), &cluster,
            &count);

        if (error != FS_OK)
            return error;
        if (left > (uint64_t)count * volume->cluster_size - inside)
            left = (uint64_t)count * volume->cluster_size - inside;
        error = transfer_some(volume, transfer, fat_cluster_sector(volume, cluster), inside,
                              transfer == TRANSFER_ZEROS ? NULL : data + *done, left, &some);
        if (error != FS_OK)
            return error;
        *done += some;
    }
    return FS_OK;
}

int fat_read(struct fat_file *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    uint64_t bytes;
    int error;

    *done = 0;
    if (file->is_directory)
        return FS_IS_DIRECTORY;
    if (offset >= file->size)
        return FS_OK;
    if (size > file->size - offset)
        size = (size_t)(file->size - offset);
    error = transfer_bytes(file, TRANSFER_READ, (uint32_t)offset, buffer, size, &bytes);
    *done = (size_t)bytes;
    return error;
}

/* Brings the entry of the file up to date, in the cache. */
static int update_entry(struct fat_file *file)
{
    struct fat_entry entry;
    int error = fat_entry_read(file->volume, &file->position, &entry);

    if (error != FS_OK)
        return error;
    entry.size = file->size;
    fat_entry_set_cluster(&entry, file->size > 0 ? file->first_cluster : 0);
    fat_entry_modify(file->volume, &entry);
    return fat_entry_write(file->volume, &file->position, &entry);
}

/* Lets the file have @size bytes, more than before, the new ones zeros. */
static int extend(struct fat_file *file, uint32_t size)
{
    uint64_t done;
    int error = fat_chain_extend(file, clusters_of(file->volume, size), false);

    if (error != FS_OK)
        return error;
    error = transfer_bytes(file, TRANSFER_ZEROS, file->size, NULL, size - file->size, &done);
    file->size += (uint32_t)done;
    return error;
}

static int write_bytes(struct fat_file *file, uint64_t offset, const void *buffer, size_t size,
                       size_t *done, bool fill_gap)
{
    uint64_t bytes = 0;
    uint32_t old_size = file->size;
    int error;

    *done = 0;
    if (file->is_directory)
        return FS_IS_DIRECTORY;
    if (size == 0)
        return FS_OK;
    if (offset > FAT_FILE_SIZE_MAX || size > FAT_FILE_SIZE_MAX - offset)
        return FS_TOO_LARGE;
    error = fat_begin_change(file->volume);
    if (error == FS_OK && offset + size > file->size)
        error = fat_chain_extend(file, clusters_of(file->volume, (uint32_t)(offset + size)), false);
    if (error == FS_OK && offset > file->size && fill_gap)
        error = extend(file, (uint32_t)offset);
    if (error == FS_OK)
        error =
            transfer_bytes(file, TRANSFER_WRITE, (uint32_t)offset, (uint8_t *)buffer, size, &bytes);
    *done = (size_t)bytes;
    if (bytes > 0 && offset + bytes > file->size)
        file->size = (uint32_t)(offset + bytes);
    if (bytes == 0 && file->size == old_size)
        return error;

    int entry_error = update_entry(file);

    return error == FS_OK ? entry_error : error;
}

int fat_write(struct fat_file *file, uint64_t offset, const void *buffer, size_t size, size_t *done)
{
    return write_bytes(file, offset, buffer, size, done, true);
}

int fat_write_unfilled(struct fat_file *file, uint64_t offset, const void *buffer, size_t size,
                       size_t *done)
{
    return write_bytes(file, offset, buffer, size, done, false);
}

int fat_set_size(struct fat_file *file, uint64_t size)
{
    uint32_t old_size = file->size;
    int error;

    if (file->is_directory)
        return FS_IS_DIRECTORY;
    if (size > FAT_FILE_SIZE_MAX)
        return FS_TOO_LARGE;
    error = fat_begin_change(file->volume);
    if (error != FS_OK)
        return error;
    if (size > old_size)
        error = extend(file, (uint32_t)size);
    else
        file->size = (uint32_t)size;
    if (file->size != old_size) {
        int entry_error = update_entry(file);

        if (error == FS_OK)
            error = entry_error;
    }
    if (error == FS_OK && size < old_size)
        error = fat_chain_cut(file, clusters_of(file->volume, (uint32_t)size));
    return error;
}

int fat_preallocate(struct fat_file *file, uint64_t size, bool contiguous)
{
    int error;

    if (file->is_directory)
        return FS_IS_DIRECTORY;
    if (size > FAT_FILE_SIZE_MAX)
        return FS_TOO_LARGE;
    error = fat_begin_change(file->volume);
    if (error != FS_OK)
        return error;
    return fat_chain_extend(file, clusters_of(file->volume, (uint32_t)size), contiguous);
}

int fat_get_extents(struct fat_file *file, uint32_t offset, struct fat_extent *extents,
                    unsigned limit, unsigned *count)
{
    struct fat_volume *volume = file->volume;
    uint32_t end = clusters_of(volume, file->size);
    uint32_t index = offset / volume->cluster_size;

    *count = 0;
    if (file->is_directory)
        return FS_IS_DIRECTORY;
    while (offset < file->size && index < end && *count < limit) {
        uint32_t cluster, clusters;
        int error = fat_chain_find(file, index, end - index, &cluster, &clusters);

        if (error != FS_OK)
            return error;
        extents[(*count)++] = (struct fat_extent){
            .file_offset = index * volume->cluster_size,
            .sector_count = clusters * volume->cluster_sectors,
            .sector = fat_cluster_sector(volume, cluster),
        };
        index += clusters;
    }
    return FS_OK;
}

int fat_read_directory(struct fat_file *file, uint32_t *position, struct fat_status *status)
{
    struct fat_volume *volume = file->volume;
    struct fat_cursor cursor;
    int error;

    if (!file->is_directory)
        return FS_NOT_DIRECTORY;
    error = fat_cursor_open(volume, file->first_cluster, &cursor);
    if (error == FS_OK && file->seek_cluster != 0 && file->seek_index <= *position) {
        cursor.index = file->seek_index;
        cursor.cluster = file->seek_cluster;
    }
    if (error == FS_OK)
        error = fat_cursor_seek(volume, &cursor, *position);
    if (error == FS_OK)
        error = fat_next_item(volume, &cursor, &volume->item);
    if (error != FS_OK)
        return error;
    *position = cursor.index;
    if (!cursor.at_end) {
        file->seek_index = cursor.index;
        file->seek_cluster = cursor.cluster;
    }
    fat_item_status(&volume->item, status);
    return FS_OK;
}
