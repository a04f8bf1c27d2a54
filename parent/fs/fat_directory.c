/* Directories as sequences of entries, and as files and directories with names. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

#define ENTRY_SIZE ((uint32_t)sizeof(struct fat_entry))

/* --- Entries --- */

static uint32_t entries_per_cluster(const struct fat_volume *volume)
{
    return volume->cluster_size / ENTRY_SIZE;
}

static uint32_t root_entries(const struct fat_volume *volume)
{
    return volume->root_sectors * (volume->sector_size / ENTRY_SIZE);
}

int fat_cursor_open(struct fat_volume *volume, uint32_t start, struct fat_cursor *cursor)
{
    uint32_t value;

    *cursor = (struct fat_cursor){.start = start, .cluster = start};
    if (start == 0 && !volume->is_fat32)
        return FS_OK;
    if (!fat_is_cluster(volume, start))
        return fat_damage(volume, "a directory is said to start at cluster %u", start);

    int error = fat_table_get(volume, start, &value);

    if (error == FS_OK && value == FAT_CLUSTER_FREE)
        return fat_damage(volume, "a directory starts at the free cluster %u", start);
    return error;
}

int fat_cursor_advance(struct fat_volume *volume, struct fat_cursor *cursor)
{
    uint32_t next;

    cursor->index++;
    if (cursor->start == 0) {
        cursor->at_end = cursor->index >= root_entries(volume);
        return FS_OK;
    }
    if (cursor->index % entries_per_cluster(volume) != 0)
        return FS_OK;

    int error = fat_table_next(volume, cursor->cluster, &next);

    if (error != FS_OK)
        return error;
    if (next == 0)
        cursor->at_end = true;
    else if (cursor->index >= FAT_DIRECTORY_ENTRIES_MAX)
        return fat_damage(volume, "the directory at cluster %u does not end", cursor->start);
    else
        cursor->cluster = next;
    return FS_OK;
}

int fat_cursor_seek(struct fat_volume *volume, struct fat_cursor *cursor, uint32_t index)
{
    uint32_t per_cluster = entries_per_cluster(volume);

    if (cursor->start == 0) {
        cursor->index = index;
        cursor->at_end = index >= root_entries(volume);
    }
    while (cursor->index != index && !cursor->at_end) {
        /* To the wanted entry, or over the end of this cluster. */
        uint32_t last = cursor->index - cursor->index % per_cluster + per_cluster - 1;

        if (index <= last) {
            cursor->index = index;
        } else {
            cursor->index = last;

            int error = fat_cursor_advance(volume, cursor);

            if (error != FS_OK)
                return error;
        }
    }
    return cursor->at_end ? FS_NOT_FOUND : FS_OK;
}

/* The block of the directory cache that has the sector: blocks divide a cluster, or the root area.
 */
static int get_block(struct fat_volume *volume, uint32_t sector, uint8_t **data,
                     uint32_t *block_sector)
{
    uint32_t size = FAT_BLOCK_SIZE / volume->sector_size;
    uint32_t area = volume->data_start, area_end = volume->sectors_end;

    if (sector < volume->data_start) {
        area = volume->root_start;
        area_end = volume->data_start;
    } else if (volume->cluster_sectors < size) {
        size = volume->cluster_sectors;
    }
    *block_sector = area + (sector - area) / size * size;
    if (size > area_end - *block_sector)
        size = area_end - *block_sector;
    return fat_cache_get(volume, &volume->directory_cache, *block_sector, size, data);
}

int fat_entry_read(struct fat_volume *volume, const struct fat_position *position,
                   struct fat_entry *entry)
{
    uint8_t *data;
    uint32_t first;
    int error = get_block(volume, position->sector, &data, &first);

    if (error == FS_OK)
        memcpy(entry, data + (position->sector - first) * volume->sector_size + position->offset,
               sizeof(*entry));
    return error;
}

int fat_entry_write(struct fat_volume *volume, const struct fat_position *position,
                    const struct fat_entry *entry)
{
    uint8_t *data;
    uint32_t first;
    int error = get_block(volume, position->sector, &data, &first);

    if (error != FS_OK)
        return error;
    memcpy(data + (position->sector - first) * volume->sector_size + position->offset, entry,
           sizeof(*entry));
    fat_cache_mark(&volume->directory_cache, position->sector);
    return FS_OK;
}

int fat_cursor_read(struct fat_volume *volume, const struct fat_cursor *cursor,
                    struct fat_entry *entry, struct fat_position *position)
{
    uint32_t offset = cursor->index;
    uint32_t area = volume->root_start;

    if (cursor->at_end)
        return FS_NOT_FOUND;
    if (cursor->start != 0) {
        offset %= entries_per_cluster(volume);
        area = fat_cluster_sector(volume, cursor->cluster);
    }
    offset *= ENTRY_SIZE;
    position->sector = area + offset / volume->sector_size;
    position->offset = offset % volume->sector_size;
    return fat_entry_read(volume, position, entry);
}

/* --- Files and directories --- */

/* The pieces of a long name seen so far. */
struct long_name {
    unsigned pieces;  /* that it has; 0: none seen */
    unsigned missing; /* that are still to come */
    uint32_t first_index;
    uint8_t checksum;
};

/* Takes the next piece; pieces out of order begin nothing, they are what is left of another name.
 */
static void add_piece(struct long_name *name, const struct fat_long_entry *piece, uint32_t index,
                      uint16_t units[FAT_NAME_UNITS])
{
    unsigned order = piece->order & ~FAT_LONG_LAST;
    uint16_t text[FAT_LONG_UNITS];

    if ((piece->order & FAT_LONG_LAST) != 0 && order >= 1 && order <= FAT_LONG_PIECES_MAX) {
        *name = (struct long_name){order, order, index, piece->checksum};
    } else if (order == 0 || order != name->missing || piece->checksum != name->checksum) {
        name->pieces = 0;
        name->missing = 0;
        return;
    }
    memcpy(text, piece->units1, sizeof(piece->units1));
    memcpy(text + 5, piece->units2, sizeof(piece->units2));
    memcpy(text + 11, piece->units3, sizeof(piece->units3));
    name->missing = order - 1;

    unsigned at = name->missing * FAT_LONG_UNITS;
    unsigned room = FAT_NAME_UNITS - at;

    memcpy(units + at, text, (room < FAT_LONG_UNITS ? room : FAT_LONG_UNITS) * sizeof(text[0]));
}

/* Whether the pieces are the whole name of the short entry, and how long it is. */
static unsigned long_name_length(const struct long_name *name, const struct fat_entry *entry,
                                 const uint16_t units[FAT_NAME_UNITS])
{
    unsigned limit = name->pieces * FAT_LONG_UNITS;
    unsigned length = 0;

    if (name->pieces == 0 || name->missing != 0 ||
        name->checksum != fat_short_checksum(entry->name))
        return 0;
    if (limit > FAT_NAME_UNITS)
        limit = FAT_NAME_UNITS;
    while (length < limit && units[length] != 0)
        length++;
    /* The NUL, if there is one, is in the last piece. */
    if (length <= (name->pieces - 1) * FAT_LONG_UNITS || !fat_name_is_valid(units, length))
        return 0;
    return length;
}

static bool is_dot_entry(const struct fat_entry *entry)
{
    return memcmp(entry->name, FAT_DOT_NAME, 11) == 0 ||
           memcmp(entry->name, FAT_DOTS_NAME, 11) == 0;
}

/* Sorts one entry: true if it completes a file or directory. */
static bool take_entry(struct fat_item *item, struct long_name *name, uint32_t index)
{
    const struct fat_entry *entry = &item->entry;

    if (entry->name[0] != FAT_ENTRY_DELETED &&
        (entry->attributes & FAT_ATTRIBUTE_MASK) == FAT_ATTRIBUTE_LONG) {
        struct fat_long_entry piece;

        memcpy(&piece, entry, sizeof(piece));
        add_piece(name, &piece, index, item->long_name);
        return false;
    }
    if (entry->name[0] == FAT_ENTRY_DELETED || (entry->attributes & FAT_ATTRIBUTE_VOLUME) != 0 ||
        is_dot_entry(entry)) {
        *name = (struct long_name){0};
        return false;
    }
    item->long_length = long_name_length(name, entry, item->long_name);
    item->first_index = item->long_length > 0 ? name->first_index : index;
    item->entry_count = index - item->first_index + 1;
    return true;
}

int fat_next_item(struct fat_volume *volume, struct fat_cursor *cursor, struct fat_item *item)
{
    struct long_name name = {0};

    while (true) {
        int error = fat_cursor_read(volume, cursor, &item->entry, &item->position);

        if (error == FS_OK && item->entry.name[0] == FAT_ENTRY_END)
            error = FS_NOT_FOUND;
        if (error != FS_OK)
            return error;

        bool is_item = take_entry(item, &name, cursor->index);

        error = fat_cursor_advance(volume, cursor);
        if (error != FS_OK)
            return error;
        if (is_item)
            return FS_OK;
    }
}

static bool item_has_name(const struct fat_item *item, const uint16_t *name, unsigned length)
{
    uint16_t units[FAT_SHORT_UNITS];

    return fat_names_equal(item->long_name, item->long_length, name, length) ||
           fat_names_equal(units, fat_short_name(&item->entry, units), name, length);
}

int fat_find_item(struct fat_volume *volume, uint32_t directory, const uint16_t *name,
                  unsigned length, struct fat_item *item)
{
    struct fat_cursor cursor;
    int error = fat_cursor_open(volume, directory, &cursor);

    while (error == FS_OK) {
        error = fat_next_item(volume, &cursor, item);
        if (error == FS_OK && item_has_name(item, name, length))
            return FS_OK;
    }
    return error;
}

int fat_directory_is_empty(struct fat_volume *volume, uint32_t directory)
{
    struct fat_cursor cursor;
    int error = fat_cursor_open(volume, directory, &cursor);

    if (error == FS_OK)
        error = fat_next_item(volume, &cursor, &volume->item);
    if (error == FS_NOT_FOUND)
        return FS_OK;
    return error == FS_OK ? FS_NOT_EMPTY : error;
}
