/* The order in which changes reach the device (see fat.h and docs/fat.md).
 *
 * FAT values of clusters that were free may be written at any time: nothing on the device leads to
 * them yet. Everything that makes them reachable, or frees what is reachable, is kept back here and
 * in the directory cache. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

uint32_t fat_pending_link(const struct fat_volume *volume, uint32_t tail)
{
    for (unsigned i = 0; i < volume->link_count; i++)
        if (volume->links[i].from == tail)
            return volume->links[i].to;
    return 0;
}

bool fat_has_pending_cut(const struct fat_volume *volume)
{
    for (unsigned i = 0; i < volume->release_count; i++)
        if (volume->releases[i].keep != 0)
            return true;
    return false;
}

int fat_link_chain(struct fat_volume *volume, uint32_t tail, uint32_t first, bool is_fresh)
{
    if (is_fresh)
        return fat_table_set(volume, tail, first);
    if (volume->link_count == FAT_PENDING_MAX) {
        int error = fat_commit(volume);

        if (error != FS_OK)
            return error;
    }
    volume->links[volume->link_count++] = (struct fat_link){tail, first};
    return FS_OK;
}

int fat_release_chain(struct fat_volume *volume, uint32_t keep, uint32_t first)
{
    if (volume->release_count == FAT_PENDING_MAX) {
        int error = fat_commit(volume);

        if (error != FS_OK)
            return error;
    }
    volume->releases[volume->release_count++] = (struct fat_release){keep, first};
    return FS_OK;
}

/* Step 2. Setting a value twice does no harm, so that an error needs no undoing. */
static int write_links(struct fat_volume *volume)
{
    int error = fat_device_flush(volume);

    for (unsigned i = 0; i < volume->link_count && error == FS_OK; i++)
        error = fat_table_set(volume, volume->links[i].from, volume->links[i].to);
    if (error == FS_OK)
        error = fat_table_write(volume);
    if (error == FS_OK)
        volume->link_count = 0;
    return error;
}

/* Step 4: with the chains' ends behind them, the clusters to free are out of reach. */
static int cut_chains(struct fat_volume *volume)
{
    bool has_cuts = false;

    for (unsigned i = 0; i < volume->release_count; i++) {
        if (volume->releases[i].keep == 0)
            continue;
        has_cuts = true;

        int error = fat_table_set(volume, volume->releases[i].keep, FAT_CLUSTER_END);

        if (error != FS_OK)
            return error;
    }
    if (!has_cuts)
        return FS_OK;

    int error = fat_table_write(volume);

    return error == FS_OK ? fat_device_flush(volume) : error;
}

/* Frees one chain; @release keeps what is left of it. Stops, with a report, at what is no chain. */
static int free_chain(struct fat_volume *volume, struct fat_release *release)
{
    while (release->first != 0) {
        uint32_t next;
        int error = fat_table_next(volume, release->first, &next);

        if (error == FS_DAMAGED)
            next = 0;
        else if (error != FS_OK)
            return error;
        if (error == FS_OK) {
            error = fat_table_set(volume, release->first, FAT_CLUSTER_FREE);
            if (error != FS_OK)
                return error;
            volume->free_clusters++;
        }
        release->first = next;
    }
    return FS_OK;
}

/* Step 5. */
static int free_chains(struct fat_volume *volume)
{
    while (volume->release_count > 0) {
        int error = free_chain(volume, &volume->releases[volume->release_count - 1]);

        if (error != FS_OK)
            return error;
        volume->release_count--;
    }
    return FS_OK;
}

int fat_commit(struct fat_volume *volume)
{
    int error = fat_table_write(volume);

    /* From now on the device may know everything that was allocated before. */
    volume->epoch++;
    if (error == FS_OK && volume->link_count > 0)
        error = write_links(volume);
    if (error == FS_OK && fat_cache_is_dirty(&volume->directory_cache)) {
        error = fat_device_flush(volume);
        if (error == FS_OK)
            error = fat_cache_write(volume, &volume->directory_cache, 1, 0);
    }
    if (error == FS_OK && volume->release_count > 0) {
        error = fat_device_flush(volume);
        if (error == FS_OK)
            error = cut_chains(volume);
        if (error == FS_OK)
            error = free_chains(volume);
    }
    return error;
}

int fat_sync(struct fat_volume *volume)
{
    int error = fat_commit(volume);

    if (error == FS_OK)
        error = fat_table_write(volume);
    if (error == FS_OK)
        error = fat_device_flush(volume);
    return error;
}

static int write_boot_state(struct fat_volume *volume, bool is_clean)
{
    struct fat_boot_sector *boot = (struct fat_boot_sector *)volume->sector_buffer;
    uint8_t *state = volume->is_fat32 ? &boot->fat32.state : &boot->fat16.state;
    int error = fat_device_read(volume, 0, 1, volume->sector_buffer);

    if (error != FS_OK)
        return error;
    *state = (uint8_t)((*state & ~FAT_STATE_DIRTY) | (is_clean ? 0 : FAT_STATE_DIRTY));
    return fat_device_write(volume, 0, 1, volume->sector_buffer);
}

static int write_table_state(struct fat_volume *volume, bool is_clean)
{
    uint32_t clean = volume->is_fat32 ? FAT32_CLEAN : FAT16_CLEAN;
    uint32_t value;
    int error = fat_table_get(volume, 1, &value);

    if (error == FS_OK)
        error = fat_table_set(volume, 1, is_clean ? value | clean : value & ~clean);
    return error == FS_OK ? fat_table_write(volume) : error;
}

/* The numbers are hints for others. While changes go on they would be wrong: "unknown". */
static int write_info(struct fat_volume *volume, bool is_clean)
{
    struct fat_info_sector *info = (struct fat_info_sector *)volume->sector_buffer;

    if (volume->info_sector == 0)
        return FS_OK;

    int error = fat_device_read(volume, volume->info_sector, 1, volume->sector_buffer);

    if (error != FS_OK)
        return error;
    info->free_clusters = is_clean ? volume->free_clusters : FAT_INFO_UNKNOWN;
    info->next_free = is_clean ? volume->next_free : FAT_INFO_UNKNOWN;
    return fat_device_write(volume, volume->info_sector, 1, volume->sector_buffer);
}

int fat_write_state(struct fat_volume *volume, bool is_clean)
{
    int error = write_info(volume, is_clean);

    if (error == FS_OK)
        error = write_table_state(volume, is_clean);
    if (error == FS_OK)
        error = write_boot_state(volume, is_clean);
    return error == FS_OK ? fat_device_flush(volume) : error;
}

int fat_begin_change(struct fat_volume *volume)
{
    if (volume->read_only)
        return FS_READ_ONLY;
    if (volume->marked_dirty)
        return FS_OK;

    int error = fat_write_state(volume, false);

    if (error == FS_OK)
        volume->marked_dirty = true;
    return error;
}
