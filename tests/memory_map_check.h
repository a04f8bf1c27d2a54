/* The invariants that hypervisor/boot/memory_map.h promises. */
#ifndef VENEER_TESTS_MEMORY_MAP_CHECK_H
#define VENEER_TESTS_MEMORY_MAP_CHECK_H

#include "hypervisor/boot/memory_map.h"

/* NULL, or what is wrong with *@map. */
static inline const char *memory_map_check(const struct memory_map *map)
{
    if (map->count > MEMORY_MAP_MAX_RANGES)
        return "too many ranges";
    for (size_t i = 0; i < map->count; i++) {
        const struct boot_memory_range *range = &map->ranges[i];
        bool whole_pages = range->type == BOOT_MEMORY_RAM || range->type >= BOOT_MEMORY_HYPERVISOR;

        if (range->size == 0)
            return "an empty range";
        if (range->base > 1ull << 52 || range->size > (1ull << 52) - range->base)
            return "a range above 2^52";
        if (whole_pages && (range->base | range->size) % 4096 != 0)
            return "a range that is not whole pages";
        if (i == 0)
            continue;

        const struct boot_memory_range *previous = &map->ranges[i - 1];

        if (previous->base + previous->size > range->base)
            return "ranges overlap or are out of order";
        if (previous->base + previous->size == range->base && previous->type == range->type)
            return "ranges that should be one";
    }
    return NULL;
}

#endif
