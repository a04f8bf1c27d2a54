/* Where consecutive sectors are on a block device: runs, as a file's extents. Not locked. */
#ifndef VENEER_PARENT_VDISK_DISK_MAP_H
#define VENEER_PARENT_VDISK_DISK_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct disk_run {
    uint64_t start; /* sectors of the map before this run */
    uint64_t first; /* on the device */
    uint64_t count; /* > 0 */
};

/* One of zeros is empty. */
struct disk_map {
    struct disk_run *runs;
    uint32_t count, capacity;
    uint64_t sectors; /* of all runs */
};

/* Appends @count > 0 sectors from @first on. False: no memory, and nothing has changed. Any. */
bool disk_map_add(struct disk_map *map, uint64_t first, uint64_t count);

/* Makes @copy one that is equal to @map. False: no memory. Any. */
bool disk_map_copy(const struct disk_map *map, struct disk_map *copy);

/* Where sector number @sector < map->sectors is on the device; *@count: how many from there on are
 * in one piece. Any. */
uint64_t disk_map_find(const struct disk_map *map, uint64_t sector, uint64_t *count);

/* Gives the memory back; the map is empty afterwards. Any. */
void disk_map_free(struct disk_map *map);

#endif
