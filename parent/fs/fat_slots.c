/* Adding entries to directories and removing them. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

#define CANDIDATES 8 /* short names tried in one pass through the directory */
#define CANDIDATES_MAX 4096

/* --- Short names --- */

/* Which of the names (bit n: number n) entries of the directory have, those at @ignored excepted.
 */
static int find_taken(struct fat_volume *volume, uint32_t directory, uint8_t names[][11],
                      const struct fat_position *ignored, uint32_t *taken)
{
    struct fat_cursor cursor;
    int error = fat_cursor_open(volume, directory, &cursor);

    *taken = 0;
    while (error == FS_OK) {
        struct fat_item *item = &volume->item;

        error = fat_next_item(volume, &cursor, item);
        if (error != FS_OK ||
            (item->position.sector == ignored->sector && item->position.offset == ignored->offset))
            continue;
        for (unsigned i = 0; i < CANDIDATES; i++)
            if (memcmp(names[i], item->entry.name, 11) == 0)
                *taken |= 1u << i;
    }
    return error == FS_NOT_FOUND ? FS_OK : error;
}

int fat_choose_short_name(struct fat_volume *volume, uint32_t directory,
                          const struct fat_target *target, const struct fat_position *ignored,
                          struct fat_entry *entry, uint32_t *entry_count)
{
    uint8_t names[CANDIDATES][11];

    *entry_count = 1;
    if (fat_name_to_short(target->name, target->name_length, entry))
        return FS_OK;
    *entry_count += (target->name_length + FAT_LONG_UNITS - 1) / FAT_LONG_UNITS;
    entry->case_flags = 0;
    /* Nothing else can have it, else it would have been found under this name. */
    if (fat_name_to_short_upper(target->name, target->name_length, entry->name))
        return FS_OK;
    for (unsigned attempt = 0; attempt < CANDIDATES_MAX; attempt += CANDIDATES) {
        uint32_t taken;

        for (unsigned i = 0; i < CANDIDATES; i++)
            fat_short_candidate(target->name, target->name_length, attempt + i, names[i]);

        int error = find_taken(volume, directory, names, ignored, &taken);

        if (error != FS_OK)
            return error;
        for (unsigned i = 0; i < CANDIDATES; i++) {
            if ((taken >> i & 1) == 0) {
                memcpy(entry->name, names[i], sizeof(entry->name));
                return FS_OK;
            }
        }
    }
    return FS_DIRECTORY_FULL;
}

/* --- Free entries --- */

static bool is_at(const struct fat_position *position, const struct fat_position *other)
{
    return position->sector == other->sector && position->offset == other->offset;
}

/* What a search for free entries found. */
struct free_entries {
    uint32_t first;     /* index */
    uint32_t count;     /* so many of the wanted ones are there in one piece */
    uint32_t end_index; /* of the entry that ends the directory; where there is none, of the first
                         * behind its clusters */
    struct fat_cursor cursor; /* at the last entry looked at, or at the end */
};

static int find_free_entries(struct fat_volume *volume, uint32_t directory, uint32_t wanted,
                             const struct fat_position *excluded, struct free_entries *found)
{
    bool is_past_end = false;
    int error = fat_cursor_open(volume, directory, &found->cursor);

    found->count = 0;
    while (error == FS_OK && found->count < wanted) {
        struct fat_entry entry;
        struct fat_position position;

        error = fat_cursor_read(volume, &found->cursor, &entry, &position);
        if (error != FS_OK)
            break;
        if (!is_past_end && entry.name[0] == FAT_ENTRY_END) {
            is_past_end = true;
            found->end_index = found->cursor.index;
        }
        if ((is_past_end || entry.name[0] == FAT_ENTRY_DELETED) && !is_at(&position, excluded)) {
            if (found->count++ == 0)
                found->first = found->cursor.index;
        } else {
            found->count = 0;
        }
        error = fat_cursor_advance(volume, &found->cursor);
    }
    if (error != FS_OK && error != FS_NOT_FOUND)
        return error;
    if (found->count == 0)
        found->first = found->cursor.index;
    if (!is_past_end)
        found->end_index = found->cursor.index;
    return FS_OK;
}

/* Appends an empty cluster to the directory whose last one is @tail. */
static int grow_directory(struct fat_volume *volume, uint32_t *tail)
{
    uint32_t cluster, count;
    int error = fat_table_allocate(volume, *tail + 1, 1, &cluster, &count);

    if (error == FS_OK)
        error = fat_clear_cluster(volume, cluster);
    if (error == FS_OK)
        error = fat_link_chain(volume, *tail, cluster, false);
    *tail = cluster;
    return error;
}

int fat_clear_cluster(struct fat_volume *volume, uint32_t cluster)
{
    uint32_t sector = fat_cluster_sector(volume, cluster);

    fat_cache_drop(&volume->directory_cache, sector, volume->cluster_sectors);
    return fat_device_zero(volume, sector, volume->cluster_sectors);
}

/* Makes sure that the entries from the old end of the directory to the new one show nothing when
 * the end moves behind them: other systems may leave anything there. Entries first to end - 1 are
 * about to be used, entry @end ends the directory if it has one. */
static int clear_behind_end(struct fat_volume *volume, uint32_t directory, uint32_t first,
                            uint32_t end)
{
    struct fat_cursor cursor;
    bool has_cleared = false;
    int error = fat_cursor_open(volume, directory, &cursor);

    if (error == FS_OK)
        error = fat_cursor_seek(volume, &cursor, first);
    while (error == FS_OK && cursor.index <= end) {
        struct fat_entry entry;
        struct fat_position position;

        error = fat_cursor_read(volume, &cursor, &entry, &position);
        if (error == FS_OK && entry.name[0] != FAT_ENTRY_END) {
            memset(&entry, 0, sizeof(entry));
            has_cleared = true;
            error = fat_entry_write(volume, &position, &entry);
        }
        if (error == FS_OK)
            error = fat_cursor_advance(volume, &cursor);
    }
    if (error == FS_NOT_FOUND)
        error = FS_OK;
    return error == FS_OK && has_cleared ? fat_sync(volume) : error;
}

int fat_reserve_entries(struct fat_volume *volume, uint32_t directory, uint32_t count,
                        const struct fat_position *excluded, uint32_t *first)
{
    struct free_entries found;
    int error = find_free_entries(volume, directory, count, excluded, &found);

    if (error != FS_OK)
        return error;
    *first = found.first;
    if (found.count < count && (directory == 0 || found.first > FAT_DIRECTORY_ENTRIES_MAX - count))
        return FS_DIRECTORY_FULL;
    for (uint32_t have = found.count; have < count;
         have += volume->cluster_size / (uint32_t)sizeof(struct fat_entry)) {
        error = grow_directory(volume, &found.cursor.cluster);
        if (error != FS_OK)
            return error;
    }
    if (found.first + count <= found.end_index)
        return FS_OK;
    return clear_behind_end(volume, directory,
                            found.first > found.end_index ? found.first : found.end_index,
                            found.first + count);
}

/* --- Writing --- */

/* Piece @order (from 1) of a long name. */
static void make_piece(const uint16_t *units, unsigned length, unsigned order, uint8_t checksum,
                       struct fat_entry *entry)
{
    struct fat_long_entry piece = {.attributes = FAT_ATTRIBUTE_LONG, .checksum = checksum};
    uint16_t text[FAT_LONG_UNITS];

    for (unsigned i = 0; i < FAT_LONG_UNITS; i++) {
        unsigned at = (order - 1) * FAT_LONG_UNITS + i;

        text[i] = at < length ? units[at] : at == length ? 0 : 0xffff;
    }
    memcpy(piece.units1, text, sizeof(piece.units1));
    memcpy(piece.units2, text + 5, sizeof(piece.units2));
    memcpy(piece.units3, text + 11, sizeof(piece.units3));
    piece.order = (uint8_t)order;
    if (order * FAT_LONG_UNITS >= length)
        piece.order |= FAT_LONG_LAST;
    memcpy(entry, &piece, sizeof(piece));
}

int fat_write_pieces(struct fat_volume *volume, uint32_t directory, uint32_t first,
                     uint32_t entry_count, const struct fat_target *target,
                     const uint8_t short_name[11], struct fat_position *position)
{
    struct fat_cursor cursor;
    struct fat_entry entry;
    uint8_t checksum = fat_short_checksum(short_name);
    int error = fat_cursor_open(volume, directory, &cursor);

    if (error == FS_OK)
        error = fat_cursor_seek(volume, &cursor, first);
    for (uint32_t order = entry_count - 1; order > 0 && error == FS_OK; order--) {
        error = fat_cursor_read(volume, &cursor, &entry, position);
        if (error != FS_OK)
            break;
        make_piece(target->name, target->name_length, order, checksum, &entry);
        error = fat_entry_write(volume, position, &entry);
        if (error == FS_OK)
            error = fat_cursor_advance(volume, &cursor);
    }
    return error == FS_OK ? fat_cursor_read(volume, &cursor, &entry, position) : error;
}

int fat_add_item(struct fat_volume *volume, const struct fat_target *target,
                 struct fat_entry *entry, struct fat_position *position)
{
    static const struct fat_position nowhere = {0};
    uint32_t count, first;
    int error = fat_choose_short_name(volume, target->directory, target, &nowhere, entry, &count);

    if (error == FS_OK)
        error = fat_reserve_entries(volume, target->directory, count, &nowhere, &first);
    if (error == FS_OK)
        error = fat_write_pieces(volume, target->directory, first, count, target, entry->name,
                                 position);
    return error == FS_OK ? fat_entry_write(volume, position, entry) : error;
}

int fat_delete_item(struct fat_volume *volume, uint32_t directory, const struct fat_item *item)
{
    struct fat_cursor cursor;
    int error = fat_cursor_open(volume, directory, &cursor);

    if (error == FS_OK)
        error = fat_cursor_seek(volume, &cursor, item->first_index);
    for (uint32_t i = 0; i < item->entry_count && error == FS_OK; i++) {
        struct fat_entry entry;
        struct fat_position position;

        error = fat_cursor_read(volume, &cursor, &entry, &position);
        if (error != FS_OK)
            break;
        entry.name[0] = FAT_ENTRY_DELETED;
        error = fat_entry_write(volume, &position, &entry);
        if (error == FS_OK)
            error = fat_cursor_advance(volume, &cursor);
    }
    return error;
}
