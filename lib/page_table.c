#include "lib/page_table.h"

#include <stddef.h>

#define TOP_LEVEL 3

static unsigned level_shift(unsigned level)
{
    return 12 + 9 * level;
}

/* Bytes that one entry of @level stands for. */
static uint64_t level_size(unsigned level)
{
    return 1ull << level_shift(level);
}

static uint64_t *entry_for(const struct page_table *table, uint64_t table_page, uint64_t address,
                           unsigned level)
{
    uint64_t *entries = table->access(table_page);

    return &entries[(address >> level_shift(level)) % PAGE_TABLE_ENTRIES];
}

static bool is_present(const struct page_table *table, uint64_t entry)
{
    return (entry & table->present_mask) != 0;
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & PAGE_TABLE_LARGE) != 0;
}

/* One store, ordered after those to a new table that the entry points to. */
static void write_entry(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* Bytes from @address to the end of the entry of @level that it lies in, or @size if less. */
static uint64_t step_size(uint64_t address, unsigned level, uint64_t size)
{
    uint64_t rest = level_size(level) - address % level_size(level);

    return rest < size ? rest : size;
}

/* Makes the large page @large of @level into a table with the same mappings. */
static void split_into(const struct page_table *table, uint64_t large, unsigned level,
                       uint64_t new_page)
{
    uint64_t *entries = table->access(new_page);
    uint64_t entry = level == 1 ? large & ~PAGE_TABLE_LARGE : large;
    uint64_t step = is_present(table, large) ? level_size(level - 1) : 0;

    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++)
        entries[i] = entry + i * step;
}

/* The table page below *@entry of @level: there already, a split large page, or a new empty one.
 * 0 if there is no page left. */
static uint64_t lower_table(struct page_table *table, uint64_t *entry, unsigned level)
{
    uint64_t old = *entry;

    if (is_present(table, old) && !is_leaf(old, level))
        return old & PAGE_TABLE_ADDRESS;

    uint64_t page = table->allocate(table->context);

    if (page == 0)
        return 0;
    if (old != 0)
        split_into(table, old, level, page);
    write_entry(entry, page | table->table_flags);
    return page;
}

/* Whether an entry of @level that is now @old can become one leaf for the beginning of the range.
 */
static bool leaf_fits(const struct page_table *table, uint64_t old, unsigned level, uint64_t from,
                      uint64_t to, uint64_t size)
{
    if (level == 0)
        return true;
    if (level > table->largest_level || (from | to) % level_size(level) != 0 ||
        size < level_size(level))
        return false;
    /* A table that is there is used. */
    return !is_present(table, old) || is_leaf(old, level);
}

static bool map_range(struct page_table *table, uint64_t from, uint64_t to, uint64_t size,
                      uint64_t flags)
{
    while (size > 0) {
        unsigned level = TOP_LEVEL;
        uint64_t *entry = entry_for(table, table->root, from, level);

        while (!leaf_fits(table, *entry, level, from, to, size)) {
            uint64_t page = lower_table(table, entry, level);

            if (page == 0)
                return false;
            level--;
            entry = entry_for(table, page, from, level);
        }
        write_entry(entry, to | flags | (level > 0 ? PAGE_TABLE_LARGE : 0));
        from += level_size(level);
        to += level_size(level);
        size -= level_size(level);
    }
    return true;
}

bool page_table_map(struct page_table *table, uint64_t from, uint64_t to, uint64_t size,
                    uint64_t flags)
{
    bool complete = map_range(table, from, to, size, flags);

    __atomic_fetch_add(&table->map_count, 1, __ATOMIC_SEQ_CST);
    return complete;
}

bool page_table_unmap(struct page_table *table, uint64_t from, uint64_t size)
{
    while (size > 0) {
        unsigned level = TOP_LEVEL;
        uint64_t *entry = entry_for(table, table->root, from, level);

        /* Down to an entry that maps nothing, or a leaf that lies in the range as a whole. */
        while (*entry != 0 &&
               !(is_leaf(*entry, level) && step_size(from, level, size) == level_size(level))) {
            uint64_t page = lower_table(table, entry, level);

            if (page == 0)
                return false;
            level--;
            entry = entry_for(table, page, from, level);
        }
        if (*entry != 0)
            write_entry(entry, 0);

        uint64_t step = step_size(from, level, size);

        from += step;
        size -= step;
    }
    return true;
}

struct page_table_walk page_table_lookup(const struct page_table *table, uint64_t address)
{
    uint64_t page = table->root, entry, *at;
    unsigned level = TOP_LEVEL;

    for (;; level--) {
        at = entry_for(table, page, address, level);
        entry = __atomic_load_n(at, __ATOMIC_ACQUIRE);
        if (!is_present(table, entry) || is_leaf(entry, level))
            break;
        page = entry & PAGE_TABLE_ADDRESS;
    }
    uint64_t offset_mask = level_size(level) - 1;
    struct page_table_walk walk = {
        .at = at, .entry = entry, .level = (uint8_t)level, .present = is_present(table, entry)};
    if (walk.present)
        walk.physical = (entry & PAGE_TABLE_ADDRESS & ~offset_mask) | (address & offset_mask);
    return walk;
}

uint64_t page_table_merge(struct page_table *table, uint64_t address, uint64_t ignored)
{
    uint64_t page = table->root, *entry;

    for (unsigned level = TOP_LEVEL;; level--) {
        entry = entry_for(table, page, address, level);
        if (!is_present(table, *entry) || is_leaf(*entry, level))
            return 0;
        page = *entry & PAGE_TABLE_ADDRESS;
        if (level == 1)
            break;
    }
    const uint64_t *leaves = table->access(page);
    uint64_t first = leaves[0];
    if (table->largest_level == 0 || !is_present(table, first) ||
        (first & PAGE_TABLE_ADDRESS) % level_size(1) != 0)
        return 0;
    for (unsigned i = 1; i < PAGE_TABLE_ENTRIES; i++)
        if (((leaves[i] ^ (first + i * level_size(0))) & ~ignored) != 0)
            return 0;
    write_entry(entry, first | PAGE_TABLE_LARGE);
    return page;
}

/* The table @page, whose entries are of @level. */
static void free_level(const struct page_table *table, uint64_t page, unsigned level,
                       void (*leaf)(void *context, uint64_t physical, uint64_t size),
                       void (*give)(void *context, uint64_t page))
{
    const uint64_t *entries = table->access(page);

    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++) {
        uint64_t entry = entries[i];

        if (!is_present(table, entry))
            continue;
        if (is_leaf(entry, level))
            leaf(table->context, entry & PAGE_TABLE_ADDRESS & ~(level_size(level) - 1),
                 level_size(level));
        else
            free_level(table, entry & PAGE_TABLE_ADDRESS, level - 1, leaf, give);
    }
    give(table->context, page);
}

void page_table_free(struct page_table *table,
                     void (*leaf)(void *context, uint64_t physical, uint64_t size),
                     void (*give)(void *context, uint64_t page))
{
    free_level(table, table->root, TOP_LEVEL, leaf, give);
    table->root = 0;
}
