/* Pages for page tables on the host: "physical" addresses stand for pages of a static array. */
#ifndef VENEER_TESTS_TABLE_PAGES_H
#define VENEER_TESTS_TABLE_PAGES_H

#include <string.h>

#include "lib/page_table.h"

#define TABLE_PAGES_BASE 0x123400000ull
#define TABLE_PAGES_MAX 256

static uint64_t table_pages[TABLE_PAGES_MAX][PAGE_TABLE_ENTRIES];
static unsigned table_pages_used;
static unsigned table_pages_limit = TABLE_PAGES_MAX;

static inline uint64_t table_pages_allocate(void *context)
{
    (void)context;
    if (table_pages_used >= table_pages_limit)
        return 0;
    memset(table_pages[table_pages_used], 0, sizeof(table_pages[0]));
    return TABLE_PAGES_BASE + 4096ull * table_pages_used++;
}

static inline uint64_t *table_pages_access(uint64_t address)
{
    return table_pages[(address - TABLE_PAGES_BASE) / 4096];
}

/* An empty table of the normal format. */
static inline struct page_table table_pages_start(uint8_t largest_level)
{
    table_pages_used = 0;
    table_pages_limit = TABLE_PAGES_MAX;
    return (struct page_table){
        .root = table_pages_allocate(NULL),
        .present_mask = PTE_PRESENT,
        .table_flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER,
        .largest_level = largest_level,
        .allocate = table_pages_allocate,
        .access = table_pages_access,
    };
}

#endif
