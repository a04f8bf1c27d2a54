/* Physical pages of RAM. Any context but NMI handlers. */
#ifndef VENEER_PARENT_PAGES_H
#define VENEER_PARENT_PAGES_H

#include <stdint.h>

/* Collects free RAM that the boot page tables reach. Boot. */
void pages_init(void);

/* Adds the rest: RAM above 4 GiB, and what the hypervisor used to start us. The kernel's own page
 * tables are active. Boot. */
void pages_add_rest(void);

/* @count pages in a row, the first on a multiple of @alignment pages (a power of two), content
 * undefined. Returns the physical address of the first, or 0 if there are none. They are in the
 * direct map. */
uint64_t pages_allocate(uint64_t count, uint64_t alignment);

/* One page of zeros; 0 if there is none. */
uint64_t page_allocate_zeroed(void);

/* Gives back pages that pages_allocate() gave out, all or some of a run. */
void pages_free(uint64_t address, uint64_t count);

uint64_t pages_free_count(void);

#endif
