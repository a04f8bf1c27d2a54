/* The file allocation table: its values, chains of clusters, and free clusters. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

bool fat_is_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    return cluster >= FAT_CLUSTER_FIRST && cluster - FAT_CLUSTER_FIRST < volume->cluster_count;
}

uint32_t fat_cluster_sector(const struct fat_volume *volume, uint32_t cluster)
{
    return volume->data_start + (cluster - FAT_CLUSTER_FIRST) * volume->cluster_sectors;
}

/* Gives block number @index of the table in the cache, and its first sector and their number. */
static int get_block(struct fat_volume *volume, uint32_t index, uint8_t **data, uint32_t *sector,
                     uint32_t *count)
{
    uint32_t block_sectors = FAT_BLOCK_SIZE / volume->sector_size;
    uint32_t first = index * block_sectors;

    *sector = volume->table_start + first;
    *count = volume->table_sectors - first;
    if (*count > block_sectors)
        *count = block_sectors;
    return fat_cache_get(volume, &volume->table_cache, *sector, *count, data);
}

/* Gives the place of a value in the cache, and its sector. */
static int find_value(struct fat_volume *volume, uint32_t cluster, uint8_t **place,
                      uint32_t *sector)
{
    uint64_t offset = (uint64_t)cluster * (volume->is_fat32 ? 4 : 2);
    uint32_t count;
    int error = get_block(volume, (uint32_t)(offset / FAT_BLOCK_SIZE), place, sector, &count);

    if (error != FS_OK)
        return error;
    *place += offset % FAT_BLOCK_SIZE;
    *sector += offset % FAT_BLOCK_SIZE / volume->sector_size;
    return FS_OK;
}

int fat_table_get(struct fat_volume *volume, uint32_t cluster, uint32_t *value)
{
    uint8_t *place;
    uint32_t sector;
    int error = find_value(volume, cluster, &place, &sector);

    if (error != FS_OK)
        return error;
    if (volume->is_fat32) {
        memcpy(value, place, 4);
        *value &= FAT32_VALUE_MASK;
    } else {
        uint16_t narrow;

        memcpy(&narrow, place, 2);
        *value = narrow >= FAT16_BAD ? narrow | (FAT_CLUSTER_BAD & ~0xffffu) : narrow;
    }
    return FS_OK;
}

int fat_table_set(struct fat_volume *volume, uint32_t cluster, uint32_t value)
{
    uint8_t *place;
    uint32_t sector;
    int error = find_value(volume, cluster, &place, &sector);

    if (error != FS_OK)
        return error;
    if (volume->is_fat32) {
        uint32_t old;

        memcpy(&old, place, 4);
        value = (old & ~FAT32_VALUE_MASK) | (value & FAT32_VALUE_MASK);
        memcpy(place, &value, 4);
    } else {
        uint16_t narrow = (uint16_t)value;

        memcpy(place, &narrow, 2);
    }
    fat_cache_mark(&volume->table_cache, sector);
    return FS_OK;
}

int fat_table_write(struct fat_volume *volume)
{
    return fat_cache_write(volume, &volume->table_cache, volume->table_copies,
                           volume->table_sectors);
}

int fat_table_equalise(struct fat_volume *volume)
{
    uint32_t block_sectors = FAT_BLOCK_SIZE / volume->sector_size;
    uint8_t *data;
    uint32_t sector, count;

    for (uint32_t index = 0; index * block_sectors < volume->table_sectors; index++) {
        int error = get_block(volume, index, &data, &sector, &count);

        for (uint32_t copy = 1; copy < volume->table_copies && error == FS_OK; copy++) {
            uint32_t other = sector + copy * volume->table_sectors;

            error = fat_device_read(volume, other, count, volume->sector_buffer);
            if (error == FS_OK &&
                memcmp(volume->sector_buffer, data, (size_t)count * volume->sector_size) != 0)
                error = fat_device_write(volume, other, count, data);
        }
        if (error != FS_OK)
            return error;
    }
    return FS_OK;
}

int fat_table_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next)
{
    uint32_t value;
    int error = fat_table_get(volume, cluster, &value);

    if (error != FS_OK)
        return error;
    if (value >= FAT_CLUSTER_END_FIRST) {
        *next = fat_pending_link(volume, cluster);
        return FS_OK;
    }
    if (!fat_is_cluster(volume, value))
        return fat_damage(volume, "cluster %u of a chain has the FAT value %xh", cluster, value);
    *next = value;
    return FS_OK;
}

/* Clusters are searched in a circle. */
static uint32_t cluster_behind(const struct fat_volume *volume, uint32_t cluster)
{
    return fat_is_cluster(volume, cluster + 1) ? cluster + 1 : FAT_CLUSTER_FIRST;
}

/* Finds at least @least, at most @limit free clusters in one piece, from @from on. FS_NO_SPACE. */
static int find_free_run(struct fat_volume *volume, uint32_t from, uint32_t least, uint32_t limit,
                         uint32_t *first, uint32_t *count)
{
    uint32_t cluster = from, run = 0;

    /* A piece may lie around the place where the search began: then it is found at its end. */
    for (uint64_t seen = 0; seen < (uint64_t)volume->cluster_count + least - 1; seen++) {
        uint32_t value;
        int error = fat_table_get(volume, cluster, &value);

        if (error != FS_OK)
            return error;
        if (value == FAT_CLUSTER_FREE)
            run++;
        bool ends = value != FAT_CLUSTER_FREE || !fat_is_cluster(volume, cluster + 1);

        if (run == limit || (ends && run >= least)) {
            *first = (value == FAT_CLUSTER_FREE ? cluster + 1 : cluster) - run;
            *count = run;
            return FS_OK;
        }
        if (ends)
            run = 0;
        cluster = cluster_behind(volume, cluster);
    }
    if (run >= least) {
        *first = cluster - run;
        *count = run;
        return FS_OK;
    }
    return FS_NO_SPACE;
}

/* Makes a chain of free clusters. On an error some of them may be lost until the next check. */
static int take_run(struct fat_volume *volume, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = i + 1 < count ? first + i + 1 : FAT_CLUSTER_END;
        int error = fat_table_set(volume, first + i, value);

        if (error != FS_OK)
            return error;
    }
    volume->free_clusters -= count < volume->free_clusters ? count : volume->free_clusters;
    volume->next_free = cluster_behind(volume, first + count - 1);
    return FS_OK;
}

static int allocate(struct fat_volume *volume, uint32_t hint, uint32_t least, uint32_t limit,
                    uint32_t *first, uint32_t *count)
{
    uint32_t from = fat_is_cluster(volume, hint) ? hint : volume->next_free;
    int error = find_free_run(volume, from, least, limit, first, count);

    if (error == FS_NO_SPACE && volume->release_count > 0) {
        error = fat_commit(volume);
        if (error == FS_OK)
            error = find_free_run(volume, from, least, limit, first, count);
    }
    if (error != FS_OK)
        return error;
    return take_run(volume, *first, *count);
}

int fat_table_allocate(struct fat_volume *volume, uint32_t hint, uint32_t limit, uint32_t *first,
                       uint32_t *count)
{
    return allocate(volume, hint, 1, limit, first, count);
}

int fat_table_allocate_run(struct fat_volume *volume, uint32_t hint, uint32_t count,
                           uint32_t *first)
{
    if (count > volume->cluster_count)
        return FS_NO_SPACE;
    return allocate(volume, hint, count, count, first, &count);
}

int fat_table_count_free(struct fat_volume *volume)
{
    volume->free_clusters = 0;
    volume->next_free = FAT_CLUSTER_FIRST;
    for (uint32_t i = 0; i < volume->cluster_count; i++) {
        uint32_t value;
        int error = fat_table_get(volume, FAT_CLUSTER_FIRST + i, &value);

        if (error != FS_OK)
            return error;
        if (value != FAT_CLUSTER_FREE)
            continue;
        if (volume->free_clusters++ == 0)
            volume->next_free = FAT_CLUSTER_FIRST + i;
    }
    return FS_OK;
}
