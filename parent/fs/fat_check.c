/* Checking a whole volume.
 *
 * Two passes: the first only looks. If it found nothing wrong, the second does the same again and
 * tidies up what a power cut leaves behind. Directories that are still to be walked are bits in a
 * map, so that no depth of nesting can be too much. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

struct check {
    struct fat_volume *volume;
    uint64_t *used; /* bit n: cluster n belongs to a file or directory */
    uint64_t *todo; /* bit n: the directory that starts at cluster n is still to be walked */
    bool repairs;   /* this is the second pass */
    struct fat_check_result *result;
};

static size_t map_words(const struct fat_volume *volume)
{
    return ((size_t)volume->cluster_count + FAT_CLUSTER_FIRST + 63) / 64;
}

size_t fat_check_memory(const struct fat_volume *volume)
{
    return 2 * map_words(volume) * sizeof(uint64_t);
}

static bool get_bit(const uint64_t *map, uint32_t cluster)
{
    return (map[cluster / 64] >> (cluster % 64) & 1) != 0;
}

static void set_bit(uint64_t *map, uint32_t cluster)
{
    map[cluster / 64] |= 1ull << (cluster % 64);
}

/* Counts damage, which was reported, and lets the check go on; other errors end it. */
static int count_damage(struct check *check, int error)
{
    if (error != FS_DAMAGED)
        return error;
    check->result->errors++;
    return FS_OK;
}

/* Claims the clusters of a chain from @first on, at most @limit; *@last is the last of them, and
 * *@next what follows: 0 if the chain ends there. FS_DAMAGED if it ends too early or is not a good
 * one. */
static int claim_chain(struct check *check, uint32_t first, uint32_t limit, bool is_file,
                       uint32_t *last, uint32_t *next)
{
    struct fat_volume *volume = check->volume;

    *next = first;
    for (uint32_t i = 0; i < limit && *next != 0; i++) {
        *last = *next;
        if (get_bit(check->used, *last))
            return fat_damage(volume, "cluster %u belongs to more than one file", *last);
        set_bit(check->used, *last);

        uint32_t value;
        int error = fat_table_get(volume, *last, &value);

        if (error != FS_OK)
            return error;
        if (value == FAT_CLUSTER_FREE)
            return fat_damage(volume, "cluster %u belongs to a file and is free", *last);
        /* What follows the last cluster of a file does not matter. */
        if (is_file && i + 1 == limit) {
            *next = value < FAT_CLUSTER_END_FIRST ? value : 0;
            return FS_OK;
        }
        error = fat_table_next(volume, *last, next);
        if (error != FS_OK)
            return error;
        if (is_file && *next == 0)
            return fat_damage(volume, "the chain from cluster %u is shorter than its file", first);
    }
    return FS_OK;
}

/* A file may have more clusters than it needs. */
static int check_file(struct check *check, const struct fat_item *item, uint32_t first)
{
    struct fat_volume *volume = check->volume;
    uint32_t needed =
        (uint32_t)(((uint64_t)item->entry.size + volume->cluster_size - 1) / volume->cluster_size);
    uint32_t last = 0, next = first;
    int error = FS_OK;

    check->result->files++;
    if (needed > 0)
        error = claim_chain(check, first, needed, true, &last, &next);
    if (error != FS_OK || next == 0)
        return error;
    check->result->long_chains++;
    if (!check->repairs)
        return FS_OK;
    if (needed > 0)
        return fat_table_set(volume, last, FAT_CLUSTER_END);

    struct fat_entry entry = item->entry;

    fat_entry_set_cluster(&entry, 0);
    return fat_entry_write(volume, &item->position, &entry);
}

static int check_subdirectory(struct check *check, uint32_t first)
{
    uint32_t last, next;

    check->result->directories++;

    int error = claim_chain(check, first, UINT32_MAX, false, &last, &next);

    if (error == FS_OK)
        set_bit(check->todo, first);
    return error;
}

static int check_item(struct check *check, const struct fat_item *item)
{
    uint32_t first;
    int error = fat_item_cluster(check->volume, item, &first);

    if (error == FS_OK)
        error = (item->entry.attributes & FAT_DIRECTORY) != 0 ? check_subdirectory(check, first)
                                                              : check_file(check, item, first);
    return count_damage(check, error);
}

/* Counts the pieces of long names among the entries from the cursor to index @end, which belong to
 * no file; removes them in the second pass. FS_NOT_FOUND at the end of the directory. */
static int check_orphans(struct check *check, struct fat_cursor *cursor, uint32_t end)
{
    struct fat_volume *volume = check->volume;

    while (cursor->index < end) {
        struct fat_entry entry;
        struct fat_position position;
        int error = fat_cursor_read(volume, cursor, &entry, &position);

        if (error == FS_OK && entry.name[0] == FAT_ENTRY_END)
            error = FS_NOT_FOUND;
        if (error == FS_OK && entry.name[0] != FAT_ENTRY_DELETED &&
            (entry.attributes & FAT_ATTRIBUTE_MASK) == FAT_ATTRIBUTE_LONG) {
            check->result->orphans++;
            entry.name[0] = FAT_ENTRY_DELETED;
            if (check->repairs)
                error = fat_entry_write(volume, &position, &entry);
        }
        if (error == FS_OK)
            error = fat_cursor_advance(volume, cursor);
        if (error != FS_OK)
            return error;
    }
    return FS_OK;
}

static int walk_directory(struct check *check, uint32_t start)
{
    struct fat_volume *volume = check->volume;
    struct fat_cursor cursor, behind; /* the second one follows the first */
    int error = fat_cursor_open(volume, start, &cursor);

    behind = cursor;
    while (error == FS_OK) {
        error = fat_next_item(volume, &cursor, &volume->item);
        if (error == FS_OK)
            error = check_item(check, &volume->item);
        if (error == FS_OK)
            error = check_orphans(check, &behind, volume->item.first_index);
        if (error == FS_OK)
            behind = cursor;
    }
    if (error == FS_NOT_FOUND)
        error = check_orphans(check, &behind, FAT_DIRECTORY_ENTRIES_MAX);
    return error == FS_NOT_FOUND ? FS_OK : count_damage(check, error);
}

/* Walks the directories of the map until there are none; each can add others. */
static int walk_todo(struct check *check)
{
    size_t words = map_words(check->volume);
    size_t idle = 0;

    for (size_t word = 0; idle < words; word = (word + 1) % words) {
        idle = check->todo[word] == 0 ? idle + 1 : 0;
        while (check->todo[word] != 0) {
            uint32_t cluster = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(check->todo[word]);

            check->todo[word] &= check->todo[word] - 1;

            int error = walk_directory(check, cluster);

            if (error != FS_OK)
                return error;
        }
    }
    return FS_OK;
}

/* Finds clusters that belong to nobody, and frees them in the second pass. */
static int sweep(struct check *check)
{
    struct fat_volume *volume = check->volume;

    for (uint32_t i = 0; i < volume->cluster_count; i++) {
        uint32_t cluster = FAT_CLUSTER_FIRST + i, value;
        int error = fat_table_get(volume, cluster, &value);

        if (error != FS_OK)
            return error;
        if (value == FAT_CLUSTER_FREE || value == FAT_CLUSTER_BAD || get_bit(check->used, cluster))
            continue;
        check->result->lost_clusters++;
        if (check->repairs)
            error = fat_table_set(volume, cluster, FAT_CLUSTER_FREE);
        if (error != FS_OK)
            return error;
    }
    return FS_OK;
}

static int run_pass(struct check *check)
{
    struct fat_volume *volume = check->volume;
    uint32_t last, next;
    int error = FS_OK;

    *check->result = (struct fat_check_result){0};
    memset(check->used, 0, fat_check_memory(volume));
    if (volume->root_cluster != 0)
        error = count_damage(
            check, claim_chain(check, volume->root_cluster, UINT32_MAX, false, &last, &next));
    if (error == FS_OK)
        error = walk_directory(check, volume->root_cluster);
    if (error == FS_OK)
        error = walk_todo(check);
    /* Chains are cut, and the device knows it, before what they led to is freed. */
    if (error == FS_OK && check->repairs)
        error = fat_sync(volume);
    return error == FS_OK ? sweep(check) : error;
}

int fat_check(struct fat_volume *volume, void *memory, struct fat_check_result *result)
{
    struct check check = {
        .volume = volume,
        .used = memory,
        .todo = (uint64_t *)memory + map_words(volume),
        .result = result,
    };

    for (unsigned i = 0; i < FAT_OPEN_MAX; i++)
        if (volume->files[i].users > 0)
            return FS_BUSY;

    int error = fat_sync(volume);

    if (error == FS_OK)
        error = run_pass(&check);
    if (error == FS_OK && result->errors > 0)
        return FS_DAMAGED;
    if (error != FS_OK || volume->read_only)
        return error;
    error = fat_begin_change(volume);
    if (error != FS_OK)
        return error;
    check.repairs = true;
    error = run_pass(&check);
    if (error == FS_OK)
        error = fat_sync(volume);
    if (error == FS_OK)
        error = fat_table_equalise(volume);
    if (error == FS_OK)
        error = fat_table_count_free(volume);
    if (error == FS_OK)
        volume->was_dirty = false;
    return error;
}
