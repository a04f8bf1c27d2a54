#include "parent/vdisk/disk_map.h"

#include "lib/string.h"
#include "parent/include/memory.h"

#define FIRST_CAPACITY 16u

/* Makes room for one more run. */
static bool reserve(struct disk_map *map)
{
    if (map->count < map->capacity)
        return true;
    uint32_t capacity = map->capacity == 0 ? FIRST_CAPACITY : 2 * map->capacity;
    struct disk_run *runs = heap_allocate(capacity * sizeof(*runs));
    if (!runs)
        return false;
    if (map->count > 0)
        memcpy(runs, map->runs, map->count * sizeof(*runs));
    heap_free(map->runs);
    map->runs = runs;
    map->capacity = capacity;
    return true;
}

bool disk_map_add(struct disk_map *map, uint64_t first, uint64_t count)
{
    struct disk_run *last = map->count > 0 ? &map->runs[map->count - 1] : NULL;
    if (last && last->first + last->count == first) {
        last->count += count;
    } else {
        if (!reserve(map))
            return false;
        map->runs[map->count++] = (struct disk_run){map->sectors, first, count};
    }
    map->sectors += count;
    return true;
}

bool disk_map_copy(const struct disk_map *map, struct disk_map *copy)
{
    *copy = (struct disk_map){0};
    for (uint32_t i = 0; i < map->count; i++) {
        if (!disk_map_add(copy, map->runs[i].first, map->runs[i].count)) {
            disk_map_free(copy);
            return false;
        }
    }
    return true;
}

uint64_t disk_map_find(const struct disk_map *map, uint64_t sector, uint64_t *count)
{
    uint32_t low = 0, high = map->count; /* runs[low].start <= sector < runs[high].start */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (map->runs[middle].start <= sector)
            low = middle;
        else
            high = middle;
    }
    const struct disk_run *run = &map->runs[low];
    *count = run->count - (sector - run->start);
    return run->first + (sector - run->start);
}

void disk_map_free(struct disk_map *map)
{
    heap_free(map->runs);
    *map = (struct disk_map){0};
}
