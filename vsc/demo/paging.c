#include "vsc/demo/paging.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "vsc/demo/console.h"

#define GIB (1ull << 30)
/* PML4, PDPT, four directories, and a directory and a table for the window. */
#define TABLE_PAGES 8

static uint8_t pages[TABLE_PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned pages_used;

static uint64_t allocate(void *context)
{
    (void)context;
    return pages_used < TABLE_PAGES ? (uint64_t)pages[pages_used++] : 0;
}

static uint64_t *access_table(uint64_t address)
{
    return (uint64_t *)address;
}

static struct page_table table = {
    .present_mask = PTE_PRESENT,
    .table_flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER,
    .largest_level = 1,
    .allocate = allocate,
    .access = access_table,
};

static void map(uint64_t from, uint64_t size, uint64_t flags)
{
    if (!page_table_map(&table, from, from, size, flags))
        die("no page for a page table");
}

void paging_init(void)
{
    /* Ring 3 may use all: it runs this kernel's own tests. */
    uint64_t flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER;

    table.root = allocate(NULL);
    map(0, 3 * GIB, flags);
    /* Devices, the local APIC's page among them. */
    map(3 * GIB, GIB, flags | PTE_CACHE_DISABLE | PTE_WRITE_THROUGH);
    map(PAGING_WINDOW, PAGE_SIZE, flags);
    paging_window(0, 0, 0);
}

void paging_load(void)
{
    write_cr3(table.root);
}

uint64_t paging_root(void)
{
    return table.root;
}

uint64_t paging_window(unsigned index, uint64_t address, uint64_t flags)
{
    uint64_t *entries = (uint64_t *)pages[TABLE_PAGES - 1];

    __atomic_store_n(&entries[index], flags == 0 ? 0 : address | flags, __ATOMIC_RELEASE);
    return PAGING_WINDOW + index * PAGE_SIZE;
}
