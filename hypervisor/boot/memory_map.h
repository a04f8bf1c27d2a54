/* The machine's memory map at boot: sorted ranges with types, from which memory is claimed for the
 * hypervisor, the parent's kernel and modules. Pure logic, used by LP 0 only. */
#ifndef VENEER_HYPERVISOR_BOOT_MEMORY_MAP_H
#define VENEER_HYPERVISOR_BOOT_MEMORY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/boot_info.h"

/* Firmware may report more ranges than the parent is told about. */
#define MEMORY_MAP_MAX_RANGES 256

struct memory_map {
    size_t count;
    /* Sorted by base, disjoint, none empty, neighbours of the same type that touch are merged, and
     * base + size never exceeds 2^52. */
    struct boot_memory_range ranges[MEMORY_MAP_MAX_RANGES];
};

/* Adds a range as the firmware reports it: any order, overlaps, odd sizes. Where ranges overlap,
 * the type that allows less wins (RAM < ACPI reclaim < ACPI NVS < reserved < bad). Types unknown to
 * us count as reserved. RAM is shrunk to whole pages, everything else kept as it is. Parts above
 * 2^52 are cut off. False if the map is full (it keeps two free entries, which a split may need).
 */
bool memory_map_add(struct memory_map *map, uint64_t base, uint64_t size, uint32_t type);

/* Gives [@base, @base + @size), whole pages that are all BOOT_MEMORY_RAM, the type @type. False,
 * and nothing changed, if they are not, or if the map is full. */
bool memory_map_claim(struct memory_map *map, uint64_t base, uint64_t size, uint32_t type);

/* Finds and claims @size bytes (whole pages) of RAM, aligned to @alignment (a power of two >=
 * 4096), inside [@low, @high), at the highest place that fits. Returns its base, or 0 if there is
 * none: page 0 is never given out. */
uint64_t memory_map_allocate(struct memory_map *map, uint64_t size, uint64_t alignment,
                             uint64_t low, uint64_t high, uint32_t type);

/* The range that holds @address, or NULL. */
const struct boot_memory_range *memory_map_find(const struct memory_map *map, uint64_t address);

/* Bytes of all ranges of @type. */
uint64_t memory_map_total(const struct memory_map *map, uint32_t type);

/* The end of the highest range that is memory: everything but reserved and bad. */
uint64_t memory_map_top(const struct memory_map *map);

#endif
