/* What the files of the FAT driver know of each other. The layers, from below: device, cache, table
 * (chains in the FAT), commit (the order of writing), directory and name, path, file, mount.
 *
 * Sectors are those of the device, numbered from the start of the volume; they fit 32 bits, which
 * the mount checks. Functions return FS_OK or a negative enum fs_error. */
#ifndef VENEER_PARENT_FS_FAT_INTERNAL_H
#define VENEER_PARENT_FS_FAT_INTERNAL_H

#include "parent/fs/fat.h"
#include "parent/fs/fat_format.h"

/* --- fat_cache.c: blocks of sectors --- */

#define FAT_BLOCK_SIZE 4096 /* bytes; not less than a sector */
#define FAT_CACHE_BLOCKS 24

struct fat_block {
    uint32_t sector;    /* first */
    uint32_t count;     /* sectors; 0: unused */
    uint32_t dirty;     /* bit n: sector + n is not yet on the device */
    uint64_t last_used; /* in the cache's clock */
};

/* All blocks of one cache come from one partition of the volume's sectors into blocks, so that no
 * sector is in two of them. */
struct fat_cache {
    uint64_t clock;
    struct fat_block blocks[FAT_CACHE_BLOCKS];
    uint8_t data[FAT_CACHE_BLOCKS][FAT_BLOCK_SIZE];
};

/* --- fat_directory.c: entries --- */

/* Where a directory entry is. Sector 0 holds none, and stands for the root directory's. */
struct fat_position {
    uint32_t sector;
    uint32_t offset; /* bytes */
};

/* Goes through the entries of a directory. */
struct fat_cursor {
    uint32_t start;   /* first cluster; 0: the root directory of FAT16 */
    uint32_t cluster; /* that entry @index is in; 0 in the root directory of FAT16 */
    uint32_t index;
    bool at_end; /* entry @index would be behind the last cluster, which @cluster then is */
};

/* A file or directory as its entries describe it. */
struct fat_item {
    struct fat_entry entry;       /* the short one */
    struct fat_position position; /* of the short one */
    uint32_t first_index;         /* in the directory, of the first piece of the long name */
    uint32_t entry_count;         /* with the pieces of the long name */
    uint16_t long_name[FAT_NAME_UNITS];
    unsigned long_length; /* 0: only a short name */
};

/* --- fat_path.c: what a path leads to --- */

struct fat_target {
    bool is_root;
    uint32_t directory; /* first cluster of the directory that the last name is in */
    uint16_t name[FAT_NAME_UNITS];
    unsigned name_length;
    bool found; /* and then described by: */
    struct fat_item item;
};

/* --- fat_commit.c: changes that have to wait for others --- */

#define FAT_PENDING_MAX 64

/* The FAT value of cluster @from, the end of a chain so far, will be @to. */
struct fat_link {
    uint32_t from, to;
};

/* The chain from @first will be free; if @keep is not 0, it is cut off behind that cluster. */
struct fat_release {
    uint32_t keep, first;
};

/* --- fat_file.c --- */

struct fat_file {
    struct fat_volume *volume;
    unsigned users; /* 0: this object is free */
    bool is_directory;
    bool alone;                   /* opened for one user */
    struct fat_position position; /* of its entry; never changes while it is open */
    uint32_t first_cluster;       /* 0: none; or the root directory of FAT16 */
    uint32_t size;
    bool surplus;        /* there may be more clusters than the size needs */
    uint64_t tail_epoch; /* when its last cluster was appended; 0: before it was opened */
    /* A place in the chain that is known, to go on from: the number of a cluster, or of an entry
     * in a directory, and the cluster; 0: none is known. */
    uint32_t seek_index, seek_cluster;
};

/* --- The volume --- */

struct fat_volume {
    struct fs_io io;
    struct fat_host host;

    /* Geometry; constant after the mount. */
    bool is_fat32;
    uint32_t sector_size;  /* bytes */
    uint32_t cluster_size; /* bytes */
    uint32_t cluster_sectors;
    uint32_t cluster_count;            /* clusters are 2 to cluster_count + 1 */
    uint32_t table_start;              /* first sector of the FAT that counts */
    uint32_t table_sectors;            /* of one FAT */
    uint32_t table_copies;             /* FATs from table_start on that are kept in step */
    uint32_t root_start, root_sectors; /* FAT16 */
    uint32_t root_cluster;             /* FAT32; 0 on FAT16 */
    uint32_t data_start;               /* sector of cluster 2 */
    uint32_t sectors_end;              /* sectors of the volume */
    uint32_t info_sector;              /* 0: none */
    uint32_t serial;
    char label[FAT_LABEL_SIZE];

    bool read_only, damaged;
    bool was_dirty;    /* at the mount */
    bool marked_dirty; /* by us, on the device */
    bool unflushed;    /* something was written since the last flush */
    unsigned reports;  /* of damage so far */

    uint32_t free_clusters; /* exact, if the hint of a clean volume was */
    uint32_t next_free;     /* where to look first */

    uint64_t epoch; /* number of the present commit interval, from 1 */
    struct fat_link links[FAT_PENDING_MAX];
    unsigned link_count;
    struct fat_release releases[FAT_PENDING_MAX];
    unsigned release_count;

    struct fat_file files[FAT_OPEN_MAX];
    struct fat_target target, second_target; /* scratch of one call of the interface */
    struct fat_item item;                    /* scratch of searches */
    uint8_t sector_buffer[FAT_BLOCK_SIZE];   /* scratch for partly read or written sectors */
    struct fat_cache table_cache, directory_cache;
};

/* --- fat_device.c --- */

/* Sectors of the volume; checked to be inside of it. Errors of the device are reported. */
int fat_device_read(struct fat_volume *volume, uint32_t sector, uint32_t count, void *buffer);
int fat_device_write(struct fat_volume *volume, uint32_t sector, uint32_t count,
                     const void *buffer);

/* Fills @count sectors with zeros. */
int fat_device_zero(struct fat_volume *volume, uint32_t sector, uint32_t count);

/* Returns when everything written is durable; does nothing if that is already so. */
int fat_device_flush(struct fat_volume *volume);

void fat_report(struct fat_volume *volume, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reports what cannot be right, makes the volume read-only, returns FS_DAMAGED. */
int fat_damage(struct fat_volume *volume, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- fat_cache.c --- */

/* Gives the block of @count sectors from @sector in *@data, read if necessary. Valid until the next
 * call for this cache. To get room, dirty blocks may be written: of the directory cache by a
 * commit. */
int fat_cache_get(struct fat_volume *volume, struct fat_cache *cache, uint32_t sector,
                  uint32_t count, uint8_t **data);

/* Says that sector @sector was changed in its block, which was the last that fat_cache_get() gave.
 */
void fat_cache_mark(struct fat_cache *cache, uint32_t sector);

bool fat_cache_is_dirty(const struct fat_cache *cache);

/* Forgets what is cached of the sectors; also changes. */
void fat_cache_drop(struct fat_cache *cache, uint32_t sector, uint32_t count);

/* Writes all dirty sectors, in ascending order, @copies times, the next @distance sectors further.
 */
int fat_cache_write(struct fat_volume *volume, struct fat_cache *cache, uint32_t copies,
                    uint32_t distance);

/* --- fat_table.c --- */

bool fat_is_cluster(const struct fat_volume *volume, uint32_t cluster);
uint32_t fat_cluster_sector(const struct fat_volume *volume, uint32_t cluster);

/* The value that the FAT has for an entry, in the form of FAT32. @cluster may be 1 (the flags). */
int fat_table_get(struct fat_volume *volume, uint32_t cluster, uint32_t *value);
int fat_table_set(struct fat_volume *volume, uint32_t cluster, uint32_t value);
int fat_table_write(struct fat_volume *volume);

/* Makes the other FATs equal to the first. */
int fat_table_equalise(struct fat_volume *volume);

/* The cluster behind @cluster in its chain, links that are not yet in the FAT included; 0 at the
 * end. Anything but a chain is damage. */
int fat_table_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next);

/* Takes a run of at most @limit free clusters, the first found from @hint on (0: anywhere), and
 * makes a chain of it. FS_NO_SPACE if there is none, even after pending releases were made. */
int fat_table_allocate(struct fat_volume *volume, uint32_t hint, uint32_t limit, uint32_t *first,
                       uint32_t *count);

/* The same for exactly @count clusters in one piece. */
int fat_table_allocate_run(struct fat_volume *volume, uint32_t hint, uint32_t count,
                           uint32_t *first);

/* Counts the free clusters in the FAT, and finds a first one. */
int fat_table_count_free(struct fat_volume *volume);

/* --- fat_commit.c --- */

/* Must precede each change of the volume: FS_READ_ONLY if it cannot be; sets the dirty mark first.
 */
int fat_begin_change(struct fat_volume *volume);

/* Hands all changes to the device in the order that fat.h describes. The last step's writes stay in
 * the table cache. After an error all that was not done is still pending. */
int fat_commit(struct fat_volume *volume);

/* Appends the chain @first to the chain that ends with @tail. If the device may know @tail
 * already (not @is_fresh), this becomes step 2 of the next commit. */
int fat_link_chain(struct fat_volume *volume, uint32_t tail, uint32_t first, bool is_fresh);

/* Where the pending link of @tail leads; 0: there is none. */
uint32_t fat_pending_link(const struct fat_volume *volume, uint32_t tail);

/* Whether a chain has still to be cut: it must not grow before. */
bool fat_has_pending_cut(const struct fat_volume *volume);

/* Frees the chain from @first, cut off behind @keep if that is not 0, in the next commit. The
 * directory entry that does not need it any more must have been changed before (in the cache). */
int fat_release_chain(struct fat_volume *volume, uint32_t keep, uint32_t first);

/* Writes "clean" or "dirty" into the boot sector and the FAT, and the hints. */
int fat_write_state(struct fat_volume *volume, bool is_clean);

/* --- fat_name.c --- */

/* Converts and checks a name. FS_BAD_NAME. */
int fat_name_parse(const char *text, size_t size, uint16_t units[FAT_NAME_UNITS], unsigned *length);

bool fat_names_equal(const uint16_t *a, unsigned a_length, const uint16_t *b, unsigned b_length);

/* Whether the units can be (part of) a long name. */
bool fat_name_is_valid(const uint16_t *units, unsigned length);

#define FAT_SHORT_UNITS 12 /* with the full stop */

/* The short name as it is to be shown; returns its length. */
unsigned fat_short_name(const struct fat_entry *entry, uint16_t units[FAT_SHORT_UNITS]);

uint8_t fat_short_checksum(const uint8_t name[11]);

/* Puts the name into @entry's name and case flags if a short entry can say it all, capital and
 * small letters included; false if not. */
bool fat_name_to_short(const uint16_t *units, unsigned length, struct fat_entry *entry);

/* The name in capitals as a short one, if only the case of letters is lost; false if not. */
bool fat_name_to_short_upper(const uint16_t *units, unsigned length, uint8_t name[11]);

/* The short name that stands for a long one, number @attempt from 0. */
void fat_short_candidate(const uint16_t *units, unsigned length, unsigned attempt,
                         uint8_t name[11]);

/* A text of an on-disk code page (437) with trailing spaces as UTF-8. */
void fat_oem_to_utf8(const uint8_t *text, unsigned length, char *utf8, size_t size);

/* --- fat_entry.c --- */

/* The first cluster that an entry names. */
uint32_t fat_entry_cluster(const struct fat_volume *volume, const struct fat_entry *entry);
void fat_entry_set_cluster(struct fat_entry *entry, uint32_t cluster);

/* An entry without name, cluster and size, created now. */
void fat_entry_create(struct fat_volume *volume, struct fat_entry *entry, uint8_t attributes);

/* Notes that the file was changed now. */
void fat_entry_modify(struct fat_volume *volume, struct fat_entry *entry);

void fat_item_status(const struct fat_item *item, struct fat_status *status);

/* --- fat_directory.c --- */

/* Sets a cursor to the first entry of the directory that starts at cluster @start. */
int fat_cursor_open(struct fat_volume *volume, uint32_t start, struct fat_cursor *cursor);

/* Reads the entry that the cursor is at. FS_NOT_FOUND behind the last. */
int fat_cursor_read(struct fat_volume *volume, const struct fat_cursor *cursor,
                    struct fat_entry *entry, struct fat_position *position);
int fat_cursor_advance(struct fat_volume *volume, struct fat_cursor *cursor);

/* Goes forward to entry @index. FS_NOT_FOUND: there is none. */
int fat_cursor_seek(struct fat_volume *volume, struct fat_cursor *cursor, uint32_t index);

int fat_entry_read(struct fat_volume *volume, const struct fat_position *position,
                   struct fat_entry *entry);
/* In the cache; the caller has begun a change. */
int fat_entry_write(struct fat_volume *volume, const struct fat_position *position,
                    const struct fat_entry *entry);

/* The next file or directory from the cursor on, which then is behind it. FS_NOT_FOUND: none. */
int fat_next_item(struct fat_volume *volume, struct fat_cursor *cursor, struct fat_item *item);

/* Looks for a name, long or short. FS_NOT_FOUND. */
int fat_find_item(struct fat_volume *volume, uint32_t directory, const uint16_t *name,
                  unsigned length, struct fat_item *item);

/* FS_OK if the directory has no entries, FS_NOT_EMPTY, or another error. */
int fat_directory_is_empty(struct fat_volume *volume, uint32_t directory);

/* --- fat_slots.c; the caller has begun a change --- */

/* Gives @entry the short name that the target's name has or gets, which no entry of @directory has
 * but perhaps that at @ignored. *@entry_count: how many entries the whole name takes. */
int fat_choose_short_name(struct fat_volume *volume, uint32_t directory,
                          const struct fat_target *target, const struct fat_position *ignored,
                          struct fat_entry *entry, uint32_t *entry_count);

/* Finds @count free entries in a row, that at @excluded not among them; the directory grows if
 * necessary. They are free to use from index *@first on. FS_DIRECTORY_FULL, FS_NO_SPACE. */
int fat_reserve_entries(struct fat_volume *volume, uint32_t directory, uint32_t count,
                        const struct fat_position *excluded, uint32_t *first);

/* Writes the pieces of the target's long name to the reserved entries, and says where the short
 * entry belongs, which is not written. */
int fat_write_pieces(struct fat_volume *volume, uint32_t directory, uint32_t first,
                     uint32_t entry_count, const struct fat_target *target,
                     const uint8_t short_name[11], struct fat_position *position);

/* All of that, and the short entry. After an error no short entry was written. */
int fat_add_item(struct fat_volume *volume, const struct fat_target *target,
                 struct fat_entry *entry, struct fat_position *position);

/* Removes all entries of an item; its clusters stay. */
int fat_delete_item(struct fat_volume *volume, uint32_t directory, const struct fat_item *item);

/* Writes zeros to a cluster that is to become part of a directory, at once. */
int fat_clear_cluster(struct fat_volume *volume, uint32_t cluster);

/* --- fat_path.c --- */

/* Finds out what a path leads to: all but the last name must be directories (FS_NOT_FOUND,
 * FS_NOT_DIRECTORY, FS_BAD_NAME), and none the one that starts at cluster @avoid (FS_INVALID). */
int fat_resolve(struct fat_volume *volume, const char *path, uint32_t avoid,
                struct fat_target *target);

/* As fat_resolve(), for a path that must lead to something other than the root: @root_error if to
 * the root, FS_NOT_FOUND if to nothing. */
int fat_resolve_item(struct fat_volume *volume, const char *path, int root_error,
                     struct fat_target *target);

/* The first cluster of a file (0: none) or directory; checked. */
int fat_item_cluster(struct fat_volume *volume, const struct fat_item *item, uint32_t *cluster);

/* What an entry for the parent holds: 0 for the root directory. */
uint32_t fat_parent_cluster(const struct fat_volume *volume, uint32_t directory);

/* --- fat_rename.c --- */

/* At the mount of a volume that is not clean. */
int fat_complete_renaming(struct fat_volume *volume);

/* --- fat_file.c --- */

bool fat_is_open(struct fat_volume *volume, const struct fat_position *position);

/* --- fat_chain.c --- */

/* The cluster of byte @index * cluster_size of a file, and how many of the next @limit clusters
 * from there are in one piece. FS_DAMAGED if the chain ends before. */
int fat_chain_find(struct fat_file *file, uint32_t index, uint32_t limit, uint32_t *cluster,
                   uint32_t *count);

/* Makes the chain at least @clusters long. FS_NO_SPACE: then it is as it was. */
int fat_chain_extend(struct fat_file *file, uint32_t clusters, bool contiguous);

/* Releases all but the first @clusters of the chain. The file's entry must not need them any more.
 */
int fat_chain_cut(struct fat_file *file, uint32_t clusters);

#endif
