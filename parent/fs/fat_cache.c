/* Blocks of sectors in memory, written back later. */
#include "parent/fs/fat_internal.h"

static uint8_t *block_data(struct fat_cache *cache, const struct fat_block *block)
{
    return cache->data[block - cache->blocks];
}

static struct fat_block *find_block(struct fat_cache *cache, uint32_t sector)
{
    for (unsigned i = 0; i < FAT_CACHE_BLOCKS; i++) {
        struct fat_block *block = &cache->blocks[i];

        if (sector >= block->sector && sector - block->sector < block->count)
            return block;
    }
    return NULL;
}

/* The block to give up: an unused one, or the clean one that was not used for longest. */
static struct fat_block *find_victim(struct fat_cache *cache)
{
    struct fat_block *victim = NULL;

    for (unsigned i = 0; i < FAT_CACHE_BLOCKS; i++) {
        struct fat_block *block = &cache->blocks[i];

        if (block->count == 0)
            return block;
        if (block->dirty == 0 && (victim == NULL || block->last_used < victim->last_used))
            victim = block;
    }
    return victim;
}

/* The FAT may be written at any time (see fat_commit.c), directories only by a commit. */
static int clean_blocks(struct fat_volume *volume, struct fat_cache *cache)
{
    return cache == &volume->table_cache ? fat_table_write(volume) : fat_commit(volume);
}

int fat_cache_get(struct fat_volume *volume, struct fat_cache *cache, uint32_t sector,
                  uint32_t count, uint8_t **data)
{
    struct fat_block *block = find_block(cache, sector);
    int error;

    if (block == NULL) {
        block = find_victim(cache);
        if (block == NULL) {
            error = clean_blocks(volume, cache);
            if (error != FS_OK)
                return error;
            block = find_victim(cache);
        }
        block->count = 0;
        error = fat_device_read(volume, sector, count, block_data(cache, block));
        if (error != FS_OK)
            return error;
        block->sector = sector;
        block->count = count;
        block->dirty = 0;
    }
    block->last_used = ++cache->clock;
    *data = block_data(cache, block);
    return FS_OK;
}

void fat_cache_mark(struct fat_cache *cache, uint32_t sector)
{
    struct fat_block *block = find_block(cache, sector);

    block->dirty |= 1u << (sector - block->sector);
}

bool fat_cache_is_dirty(const struct fat_cache *cache)
{
    for (unsigned i = 0; i < FAT_CACHE_BLOCKS; i++)
        if (cache->blocks[i].count > 0 && cache->blocks[i].dirty != 0)
            return true;
    return false;
}

void fat_cache_drop(struct fat_cache *cache, uint32_t sector, uint32_t count)
{
    for (unsigned i = 0; i < FAT_CACHE_BLOCKS; i++) {
        struct fat_block *block = &cache->blocks[i];

        if (block->sector < sector + count && sector < block->sector + block->count) {
            block->count = 0;
            block->dirty = 0;
        }
    }
}

/* Writes the dirty sectors of one block, neighbours together. */
static int write_block(struct fat_volume *volume, const struct fat_block *block,
                       const uint8_t *data, uint32_t distance)
{
    uint32_t first = 0;

    while (first < block->count) {
        uint32_t last = first;

        while (last < block->count && (block->dirty >> last & 1) != 0)
            last++;
        if (last > first) {
            int error = fat_device_write(volume, block->sector + distance + first, last - first,
                                         data + first * volume->sector_size);
            if (error != FS_OK)
                return error;
        }
        first = last + 1;
    }
    return FS_OK;
}

static struct fat_block *find_first_dirty(struct fat_cache *cache)
{
    struct fat_block *first = NULL;

    for (unsigned i = 0; i < FAT_CACHE_BLOCKS; i++) {
        struct fat_block *block = &cache->blocks[i];

        if (block->count > 0 && block->dirty != 0 &&
            (first == NULL || block->sector < first->sector))
            first = block;
    }
    return first;
}

int fat_cache_write(struct fat_volume *volume, struct fat_cache *cache, uint32_t copies,
                    uint32_t distance)
{
    struct fat_block *block;

    while ((block = find_first_dirty(cache)) != NULL) {
        for (uint32_t copy = 0; copy < copies; copy++) {
            int error = write_block(volume, block, block_data(cache, block), copy * distance);

            if (error != FS_OK)
                return error;
        }
        block->dirty = 0;
    }
    return FS_OK;
}
