/* The kernel's page tables: the first 4 GiB one to one, and pages for tests above them. */
#ifndef VENEER_VSC_DEMO_PAGING_H
#define VENEER_VSC_DEMO_PAGING_H

#include <stdint.h>

#include "lib/page_table.h"

/* Pages that tests map as they like; nothing is mapped there at first. */
#define PAGING_WINDOW 0x100000000ull
#define PAGING_WINDOW_PAGES 8

void paging_init(void);

/* Uses the page tables on the calling VP; their address for the others' start. */
void paging_load(void);
uint64_t paging_root(void);

/* Maps page @index of the window to physical @address with @flags (PTE_…; 0: unmaps it), without a
 * TLB flush; gives its virtual address. */
uint64_t paging_window(unsigned index, uint64_t address, uint64_t flags);

#endif
