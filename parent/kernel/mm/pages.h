/* The page allocator's insides; what everybody may call is in parent/include/memory.h. */
#ifndef VENEER_PARENT_PAGES_H
#define VENEER_PARENT_PAGES_H

#include <stdint.h>

#include "parent/include/memory.h"

/* Collects free RAM that the boot page tables reach. Boot. */
void pages_init(void);

/* Adds the rest: RAM above 4 GiB, and what the hypervisor used to start us. The kernel's own page
 * tables are active. Boot. */
void pages_add_rest(void);

/* Free pages, and all that the allocator has ever had. */
uint64_t pages_free_count(void);
uint64_t pages_total_count(void);

#endif
