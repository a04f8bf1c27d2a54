#include "hypervisor/boot/memory_map.h"

#include "lib/string.h"

#define PAGE_BYTES 4096ull
#define ADDRESS_LIMIT (1ull << 52)

static uint64_t page_floor(uint64_t address)
{
    return address & ~(PAGE_BYTES - 1);
}

static uint64_t page_ceiling(uint64_t address)
{
    return page_floor(address + PAGE_BYTES - 1);
}

static uint64_t range_end(const struct boot_memory_range *range)
{
    return range->base + range->size;
}

/* Which type wins where the firmware's ranges overlap: the higher rank. What has been claimed is
 * above all of them. */
static unsigned type_rank(uint32_t type)
{
    switch (type) {
    case BOOT_MEMORY_RAM:
        return 0;
    case BOOT_MEMORY_ACPI_RECLAIM:
        return 1;
    case BOOT_MEMORY_ACPI_NVS:
        return 2;
    case BOOT_MEMORY_RESERVED:
        return 3;
    case BOOT_MEMORY_BAD:
        return 4;
    default:
        return 5;
    }
}

/* Index of the first range that ends above @address, or the number of ranges. */
static size_t first_above(const struct memory_map *map, uint64_t address)
{
    size_t i = 0;

    while (i < map->count && range_end(&map->ranges[i]) <= address)
        i++;
    return i;
}

/* Makes room for @inserted ranges at @index in place of @removed ones; the map has room for them.
 */
static void replace_ranges(struct memory_map *map, size_t index, size_t removed, size_t inserted)
{
    memmove(&map->ranges[index + inserted], &map->ranges[index + removed],
            (map->count - index - removed) * sizeof(map->ranges[0]));
    map->count += inserted - removed;
}

/* Makes @address a boundary between ranges if it is inside one. */
static void split_at(struct memory_map *map, uint64_t address)
{
    size_t i = first_above(map, address);

    if (i == map->count || map->ranges[i].base >= address)
        return;

    struct boot_memory_range upper = map->ranges[i];

    upper.size = range_end(&upper) - address;
    upper.base = address;
    map->ranges[i].size -= upper.size;
    replace_ranges(map, i + 1, 0, 1);
    map->ranges[i + 1] = upper;
}

/* Joins the range at @index with the one before it if they touch and have the same type. */
static void merge_with_previous(struct memory_map *map, size_t index)
{
    if (index == 0 || index >= map->count)
        return;

    struct boot_memory_range *previous = &map->ranges[index - 1];
    const struct boot_memory_range *range = &map->ranges[index];

    if (previous->type != range->type || range_end(previous) != range->base)
        return;
    previous->size += range->size;
    replace_ranges(map, index, 1, 0);
}

/* Shrinks the range at @index to whole pages if it is RAM; it may vanish. */
static void trim_ram(struct memory_map *map, size_t index)
{
    if (index >= map->count || map->ranges[index].type != BOOT_MEMORY_RAM)
        return;

    struct boot_memory_range *range = &map->ranges[index];
    uint64_t base = page_ceiling(range->base);
    uint64_t end = page_floor(range_end(range));

    if (base >= end) {
        replace_ranges(map, index, 1, 0);
    } else {
        range->base = base;
        range->size = end - base;
    }
}

/* Gives [@base, @end) the type @type, whatever was there. RAM that is left beside it is shrunk to
 * whole pages. False, and nothing changed, without room for the two ranges that a split may add. */
static bool set_type(struct memory_map *map, uint64_t base, uint64_t end, uint32_t type)
{
    if (map->count + 2 > MEMORY_MAP_MAX_RANGES)
        return false;
    split_at(map, base);
    split_at(map, end);

    size_t first = first_above(map, base);
    size_t next = first;

    while (next < map->count && map->ranges[next].base < end)
        next++;
    replace_ranges(map, first, next - first, 1);
    map->ranges[first] = (struct boot_memory_range){.base = base, .size = end - base, .type = type};

    /* From the last to the first, so that the indices stay right. */
    trim_ram(map, first + 1);
    merge_with_previous(map, first + 1);
    merge_with_previous(map, first);
    if (first > 0)
        trim_ram(map, first - 1);
    return true;
}

/* The end of the longest piece of [@base, @end) that is within one range, which then is *@range, or
 * within the gap between two, which makes *@range NULL. */
static uint64_t first_piece(const struct memory_map *map, uint64_t base, uint64_t end,
                            const struct boot_memory_range **range)
{
    size_t i = first_above(map, base);
    uint64_t limit = end;

    *range = NULL;
    if (i < map->count && map->ranges[i].base <= base) {
        *range = &map->ranges[i];
        limit = range_end(*range);
    } else if (i < map->count) {
        limit = map->ranges[i].base;
    }
    return limit < end ? limit : end;
}

bool memory_map_add(struct memory_map *map, uint64_t base, uint64_t size, uint32_t type)
{
    if (base >= ADDRESS_LIMIT)
        return true;

    uint64_t end = size < ADDRESS_LIMIT - base ? base + size : ADDRESS_LIMIT;

    if (type < BOOT_MEMORY_RAM || type > BOOT_MEMORY_BAD)
        type = BOOT_MEMORY_RESERVED;
    while (base < end) {
        const struct boot_memory_range *old;
        uint64_t next = first_piece(map, base, end, &old);
        uint64_t piece_base = type == BOOT_MEMORY_RAM ? page_ceiling(base) : base;
        uint64_t piece_end = type == BOOT_MEMORY_RAM ? page_floor(next) : next;
        bool wins = old == NULL || type_rank(type) > type_rank(old->type);

        if (wins && piece_base < piece_end && !set_type(map, piece_base, piece_end, type))
            return false;
        base = next;
    }
    return true;
}

bool memory_map_claim(struct memory_map *map, uint64_t base, uint64_t size, uint32_t type)
{
    const struct boot_memory_range *range = memory_map_find(map, base);

    if (range == NULL || range->type != BOOT_MEMORY_RAM || size == 0 ||
        (base | size) % PAGE_BYTES != 0 || size > range_end(range) - base)
        return false;
    return set_type(map, base, base + size, type);
}

uint64_t memory_map_allocate(struct memory_map *map, uint64_t size, uint64_t alignment,
                             uint64_t low, uint64_t high, uint32_t type)
{
    if (low < PAGE_BYTES)
        low = PAGE_BYTES;
    for (size_t i = map->count; i-- > 0;) {
        const struct boot_memory_range *range = &map->ranges[i];
        uint64_t start = range->base > low ? range->base : low;
        uint64_t end = range_end(range) < high ? range_end(range) : high;

        if (range->type != BOOT_MEMORY_RAM || start >= end || size > end - start)
            continue;

        uint64_t base = (end - size) & ~(alignment - 1);

        if (base >= start)
            return memory_map_claim(map, base, size, type) ? base : 0;
    }
    return 0;
}

const struct boot_memory_range *memory_map_find(const struct memory_map *map, uint64_t address)
{
    size_t i = first_above(map, address);

    return i < map->count && map->ranges[i].base <= address ? &map->ranges[i] : NULL;
}

uint64_t memory_map_total(const struct memory_map *map, uint32_t type)
{
    uint64_t total = 0;

    for (size_t i = 0; i < map->count; i++) {
        if (map->ranges[i].type == type)
            total += map->ranges[i].size;
    }
    return total;
}

uint64_t memory_map_top(const struct memory_map *map)
{
    for (size_t i = map->count; i-- > 0;) {
        const struct boot_memory_range *range = &map->ranges[i];

        if (range->type != BOOT_MEMORY_RESERVED && range->type != BOOT_MEMORY_BAD)
            return range_end(range);
    }
    return 0;
}
