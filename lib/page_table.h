/* Four-level page tables of the x86 family: one implementation for the hypervisor's own tables, the
 * tables of a partition (AMD's nested tables, which have the normal format, and Intel's EPT), and
 * the parent's first tables.
 *
 * The format differs only in the flag bits, which the caller gives and which a table stores
 * unchanged; bit 7 marks a large page and bits 51:12 are the address in all of them.
 *
 * Not locked: the caller serialises changes of one table. Entries are written with one store each,
 * so the processor and concurrent readers see the old or the new one. The caller flushes TLBs after
 * a change or removal. */
#ifndef VENEER_LIB_PAGE_TABLE_H
#define VENEER_LIB_PAGE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_TABLE_ENTRIES 512
#define PAGE_TABLE_LARGE (1ull << 7)
#define PAGE_TABLE_ADDRESS 0x000ffffffffff000ull

/* A leaf with this flag and none of the present mask maps nothing, but is told from one that is not
 * there: it is in none of the formats. Mapped to address 0, leaf by leaf. */
#define PAGE_TABLE_NO_ACCESS (1ull << 11)

/* Flags of the normal format (and of AMD's nested tables). */
#define PTE_PRESENT (1ull << 0)
#define PTE_WRITABLE (1ull << 1)
#define PTE_USER (1ull << 2)
#define PTE_WRITE_THROUGH (1ull << 3)
#define PTE_CACHE_DISABLE (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY (1ull << 6)
#define PTE_GLOBAL (1ull << 8)
#define PTE_NO_EXECUTE (1ull << 63)

/* Flags of EPT entries (Intel SDM vol. 3, 28.3.2). */
#define EPT_READ (1ull << 0)
#define EPT_WRITE (1ull << 1)
#define EPT_EXECUTE (1ull << 2)
#define EPT_MEMORY_TYPE_SHIFT 3
#define EPT_MEMORY_TYPE_UC (0ull << EPT_MEMORY_TYPE_SHIFT)
#define EPT_MEMORY_TYPE_WB (6ull << EPT_MEMORY_TYPE_SHIFT)

struct page_table {
    uint64_t root;         /* physical address of the top table; page aligned */
    uint64_t present_mask; /* an entry with none of these bits maps nothing */
    uint64_t table_flags;  /* flags of entries that point to a lower table */
    uint8_t largest_level; /* of a mapping: 0 = 4 KiB, 1 = 2 MiB, 2 = 1 GiB */
    uint64_t map_count;    /* calls of page_table_map() that have ended; atomic */
    /* A zeroed page for a new table: its physical address, or 0 if there is none left. */
    uint64_t (*allocate)(void *context);
    void *context;
    /* Where the table page at physical address @address is in our address space. */
    uint64_t *(*access)(uint64_t address);
};

/* Maps [@from, @from + @size) to physical [@to, …) with @flags in every leaf, using the largest
 * pages that fit; all three are page aligned. Replaces what was mapped there; a large page that is
 * only partly covered is split first, and a table that is there already is filled, not replaced by
 * a large page: no table is given up. False if a table page is missing: then part of the range
 * may be mapped (mapping it again continues). */
bool page_table_map(struct page_table *table, uint64_t from, uint64_t to, uint64_t size,
                    uint64_t flags);

/* Removes all mappings in the range, splitting large pages as necessary; false as above. */
bool page_table_unmap(struct page_table *table, uint64_t from, uint64_t size);

struct page_table_walk {
    uint64_t *at;   /* where the leaf is, or the entry that stopped the walk */
    uint64_t entry; /* its value; 0: nothing is there */
    uint8_t level;  /* of that entry: 0 to 3 */
    bool present;
    uint64_t physical; /* of the address itself, if present */
};

struct page_table_walk page_table_lookup(const struct page_table *table, uint64_t address);

/* If the 2 MiB around @address are mapped by a table of 4 KiB pages that are one aligned 2 MiB of
 * physical memory with the same flags, but for those in @ignored, it is replaced by one large page.
 * Result: the table page, which is free when TLBs have been flushed; otherwise 0. */
uint64_t page_table_merge(struct page_table *table, uint64_t address, uint64_t ignored);

/* Tells @leaf of each mapping, and gives all table pages to @give, with table->context. Nobody uses
 * the tables any more. */
void page_table_free(struct page_table *table,
                     void (*leaf)(void *context, uint64_t physical, uint64_t size),
                     void (*give)(void *context, uint64_t page));

#endif
