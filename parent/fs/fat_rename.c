/* Renaming.
 *
 * If both short entries are in one sector, writing that is one step. If not, there is always a
 * moment at which the device knows the file by both names, which would be a cross link if it
 * lasted, or by none. It is by none; but before, a record is written that says how to complete the
 * renaming, for fat_complete_renaming() at the next mount. The record is a deleted entry of the
 * root directory, so that other systems ignore it. It carries a checksum of itself and of the two
 * entries as they are at that moment: once one of them has changed further, the record means
 * nothing. */
#include "lib/crc32.h"
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

struct rename_record {
    uint8_t deleted; /* FAT_ENTRY_DELETED */
    uint8_t magic;
    uint8_t name[11]; /* the new one */
    uint8_t case_flags;
    uint32_t old_sector, new_sector;
    uint8_t old_index, new_index; /* of the entries in their sectors */
    uint32_t parent; /* for the ".." entry of a directory that moved; or RECORD_NO_PARENT */
    uint32_t
        crc; /* of the fields before, the old entry once it is deleted, and the new one before */
} __attribute__((packed));

_Static_assert(sizeof(struct rename_record) == sizeof(struct fat_entry), "takes its place");

#define RECORD_MAGIC 0x52
#define RECORD_NO_PARENT 0xffffffffu
#define ENTRY_SIZE ((uint32_t)sizeof(struct fat_entry))

static const struct fat_position nowhere;

static uint32_t record_crc(const struct rename_record *record, const struct fat_entry *old_entry,
                           const struct fat_entry *new_entry)
{
    uint32_t crc = crc32(0, record, offsetof(struct rename_record, crc));

    crc = crc32(crc, old_entry, sizeof(*old_entry));
    return crc32(crc, new_entry, sizeof(*new_entry));
}

/* The ".." entry is the second of a directory. */
static int write_parent(struct fat_volume *volume, const struct fat_entry *directory,
                        uint32_t parent)
{
    struct fat_position position = {
        .sector = fat_cluster_sector(volume, fat_entry_cluster(volume, directory)),
        .offset = ENTRY_SIZE,
    };
    struct fat_entry entry;
    int error = fat_entry_read(volume, &position, &entry);

    if (error != FS_OK)
        return error;
    if (memcmp(entry.name, FAT_DOTS_NAME, sizeof(entry.name)) != 0)
        return fat_damage(volume, "the directory in sector %u has no entry for its parent",
                          position.sector);
    fat_entry_set_cluster(&entry, parent);
    return fat_entry_write(volume, &position, &entry);
}

/* The last step of a renaming with a record: the file gets its new name. */
static int write_new_entry(struct fat_volume *volume, const struct rename_record *record,
                           const struct fat_entry *old_entry)
{
    struct fat_position position = {record->new_sector, record->new_index * ENTRY_SIZE};
    struct fat_entry entry = *old_entry;
    int error = FS_OK;

    memcpy(entry.name, record->name, sizeof(entry.name));
    entry.case_flags = record->case_flags;
    if (record->parent != RECORD_NO_PARENT) {
        error = write_parent(volume, &entry, record->parent);
        if (error == FS_OK)
            error = fat_sync(volume);
    }
    if (error == FS_OK)
        error = fat_entry_write(volume, &position, &entry);
    return error == FS_OK ? fat_sync(volume) : error;
}

/* --- At the mount --- */

static bool is_entry_place(const struct fat_volume *volume, uint32_t sector, uint32_t index)
{
    uint32_t first = volume->is_fat32 ? volume->data_start : volume->root_start;

    return sector >= first && sector < volume->sectors_end &&
           index < volume->sector_size / ENTRY_SIZE;
}

static int try_record(struct fat_volume *volume, const struct rename_record *record)
{
    struct fat_position old_position = {record->old_sector, record->old_index * ENTRY_SIZE};
    struct fat_position new_position = {record->new_sector, record->new_index * ENTRY_SIZE};
    struct fat_entry old_entry, new_entry;

    if (record->deleted != FAT_ENTRY_DELETED || record->magic != RECORD_MAGIC ||
        !is_entry_place(volume, record->old_sector, record->old_index) ||
        !is_entry_place(volume, record->new_sector, record->new_index))
        return FS_OK;

    int error = fat_entry_read(volume, &old_position, &old_entry);

    if (error == FS_OK)
        error = fat_entry_read(volume, &new_position, &new_entry);
    if (error != FS_OK || record_crc(record, &old_entry, &new_entry) != record->crc)
        return error;
    /* The checksum says that we wrote this, but not that a cluster number in it is good. */
    if (record->parent != RECORD_NO_PARENT &&
        !fat_is_cluster(volume, fat_entry_cluster(volume, &old_entry)))
        return FS_OK;
    fat_report(volume, volume->read_only ? "a renaming was interrupted; mount the volume for "
                                           "writing to complete it"
                                         : "completing a renaming that was interrupted");
    error = fat_begin_change(volume);
    if (error == FS_READ_ONLY)
        return FS_OK;
    return error == FS_OK ? write_new_entry(volume, record, &old_entry) : error;
}

int fat_complete_renaming(struct fat_volume *volume)
{
    struct fat_cursor cursor;
    int error = fat_cursor_open(volume, volume->root_cluster, &cursor);

    /* Records may also lie behind the entry that ends the directory. */
    while (error == FS_OK) {
        struct rename_record record;
        struct fat_entry entry;
        struct fat_position position;

        error = fat_cursor_read(volume, &cursor, &entry, &position);
        memcpy(&record, &entry, sizeof(record));
        if (error == FS_OK)
            error = try_record(volume, &record);
        if (error == FS_OK)
            error = fat_cursor_advance(volume, &cursor);
    }
    return error == FS_NOT_FOUND ? FS_OK : error;
}

/* --- When asked to rename --- */

/* What is to be done, all of it checked. */
struct renaming {
    uint32_t old_directory;
    const struct fat_item *old;
    struct fat_entry entry;       /* the new one */
    struct fat_position position; /* of the new one */
    uint32_t new_directory;       /* and if it is not that of a file that is replaced: */
    uint32_t first_index;         /* where its name begins in the directory, */
    uint32_t entry_count;         /* and how many entries that has; else 1 */
    uint32_t replaced;            /* first cluster of the file that was there; 0: none */
    uint32_t parent;              /* as in the record */
};

/* Whether of the @count entries of a name, of which the last is at @position, some are in another
 * sector. The short entry is all that a file needs, but a long name that comes later or goes before
 * would let it be seen under its short name. */
static bool spans_sectors(const struct fat_position *position, uint32_t count)
{
    return position->offset < (count - 1) * ENTRY_SIZE;
}

/* One sector gets both changes at once: it stays in the cache between them. A directory stays under
 * its parent: two directories share no sector. */
static int rename_in_sector(struct fat_volume *volume, const struct renaming *renaming)
{
    const struct fat_item *old = renaming->old;
    struct fat_entry deleted = old->entry;
    int error = FS_OK;

    if (spans_sectors(&renaming->position, renaming->entry_count))
        error = fat_sync(volume);
    deleted.name[0] = FAT_ENTRY_DELETED;
    if (error == FS_OK)
        error = fat_entry_write(volume, &renaming->position, &renaming->entry);
    if (error == FS_OK)
        error = fat_entry_write(volume, &old->position, &deleted);
    if (error == FS_OK && spans_sectors(&old->position, old->entry_count))
        error = fat_sync(volume);
    return error == FS_OK ? fat_delete_item(volume, renaming->old_directory, old) : error;
}

static int write_record(struct fat_volume *volume, const struct renaming *renaming,
                        struct rename_record *record, struct fat_position *position)
{
    struct fat_entry deleted = renaming->old->entry, before;
    struct fat_cursor cursor;
    uint32_t index;
    int error = fat_reserve_entries(volume, volume->root_cluster, 1, &renaming->position, &index);

    if (error == FS_OK)
        error = fat_cursor_open(volume, volume->root_cluster, &cursor);
    if (error == FS_OK)
        error = fat_cursor_seek(volume, &cursor, index);
    if (error == FS_OK)
        error = fat_cursor_read(volume, &cursor, &before, position);
    if (error == FS_OK)
        error = fat_entry_read(volume, &renaming->position, &before);
    if (error != FS_OK)
        return error;
    deleted.name[0] = FAT_ENTRY_DELETED;
    *record = (struct rename_record){
        .deleted = FAT_ENTRY_DELETED,
        .magic = RECORD_MAGIC,
        .case_flags = renaming->entry.case_flags,
        .old_sector = renaming->old->position.sector,
        .new_sector = renaming->position.sector,
        .old_index = (uint8_t)(renaming->old->position.offset / ENTRY_SIZE),
        .new_index = (uint8_t)(renaming->position.offset / ENTRY_SIZE),
        .parent = renaming->parent,
    };
    memcpy(record->name, renaming->entry.name, sizeof(record->name));
    record->crc = record_crc(record, &deleted, &before);
    memcpy(&before, record, sizeof(before));
    error = fat_entry_write(volume, position, &before);
    return error == FS_OK ? fat_sync(volume) : error;
}

/* Takes back what was prepared of a new name. That this fails is of no consequence. */
static void remove_new_name(struct fat_volume *volume, const struct renaming *renaming)
{
    struct fat_item *pieces = &volume->item;

    pieces->first_index = renaming->first_index;
    pieces->entry_count = renaming->entry_count - 1;
    fat_delete_item(volume, renaming->new_directory, pieces);
}

static int rename_with_record(struct fat_volume *volume, const struct renaming *renaming)
{
    static const struct fat_entry cleared = {.name = {FAT_ENTRY_DELETED}};
    struct fat_entry deleted = renaming->old->entry;
    struct rename_record record;
    struct fat_position position;
    int error = write_record(volume, renaming, &record, &position);

    if (error != FS_OK) {
        remove_new_name(volume, renaming);
        return error;
    }
    deleted.name[0] = FAT_ENTRY_DELETED;
    error = fat_entry_write(volume, &renaming->old->position, &deleted);
    if (error == FS_OK)
        error = fat_sync(volume);
    if (error == FS_OK)
        error = write_new_entry(volume, &record, &renaming->old->entry);
    if (error == FS_OK)
        error = fat_delete_item(volume, renaming->old_directory, renaming->old);
    if (error == FS_OK)
        error = fat_entry_write(volume, &position, &cleared);
    /* The record is of use only as long as nothing else changes. */
    if (error != FS_OK)
        fat_damage(volume, "a renaming could not be completed; the next mount will do it");
    return error;
}

/* Prepares a new name in the directory of @to. */
static int place_new_name(struct fat_volume *volume, const struct fat_target *to,
                          struct renaming *renaming)
{
    int error = fat_choose_short_name(volume, to->directory, to, &renaming->old->position,
                                      &renaming->entry, &renaming->entry_count);

    if (error == FS_OK)
        error = fat_reserve_entries(volume, to->directory, renaming->entry_count, &nowhere,
                                    &renaming->first_index);
    if (error == FS_OK)
        error =
            fat_write_pieces(volume, to->directory, renaming->first_index, renaming->entry_count,
                             to, renaming->entry.name, &renaming->position);
    return error;
}

/* The new name stands for a file that is replaced. */
static int take_over_name(struct fat_volume *volume, const struct fat_item *replaced,
                          struct renaming *renaming)
{
    if ((replaced->entry.attributes & FAT_DIRECTORY) != 0)
        return FS_EXISTS;
    if ((renaming->old->entry.attributes & FAT_DIRECTORY) != 0)
        return FS_NOT_DIRECTORY;
    if (fat_is_open(volume, &replaced->position))
        return FS_BUSY;
    memcpy(renaming->entry.name, replaced->entry.name, sizeof(renaming->entry.name));
    renaming->entry.case_flags = replaced->entry.case_flags;
    renaming->position = replaced->position;
    return fat_item_cluster(volume, replaced, &renaming->replaced);
}

static bool is_same_entry(const struct fat_item *a, const struct fat_item *b)
{
    return a->position.sector == b->position.sector && a->position.offset == b->position.offset;
}

int fat_rename(struct fat_volume *volume, const char *from_path, const char *to_path)
{
    struct fat_target *from = &volume->target, *to = &volume->second_target;
    struct renaming renaming = {.old = &from->item, .entry_count = 1, .parent = RECORD_NO_PARENT};
    uint32_t cluster, avoid = 0;
    int error = fat_resolve_item(volume, from_path, FS_INVALID, from);

    if (error != FS_OK)
        return error;
    if (fat_is_open(volume, &from->item.position))
        return FS_BUSY;
    error = fat_item_cluster(volume, &from->item, &cluster);
    if (error != FS_OK)
        return error;
    renaming.old_directory = from->directory;
    renaming.entry = from->item.entry;
    if ((from->item.entry.attributes & FAT_DIRECTORY) != 0)
        avoid = cluster;
    error = fat_resolve(volume, to_path, avoid, to);
    if (error != FS_OK)
        return error;
    if (to->is_root)
        return FS_EXISTS;
    renaming.new_directory = to->directory;
    if (avoid != 0 && to->directory != from->directory)
        renaming.parent = fat_parent_cluster(volume, to->directory);
    error = fat_begin_change(volume);
    if (error != FS_OK)
        return error;
    if (to->found && !is_same_entry(&from->item, &to->item))
        error = take_over_name(volume, &to->item, &renaming);
    else
        error = place_new_name(volume, to, &renaming);
    if (error != FS_OK)
        return error;
    if (renaming.position.sector == from->item.position.sector)
        error = rename_in_sector(volume, &renaming);
    else
        error = rename_with_record(volume, &renaming);
    return error == FS_OK && renaming.replaced != 0
               ? fat_release_chain(volume, 0, renaming.replaced)
               : error;
}
