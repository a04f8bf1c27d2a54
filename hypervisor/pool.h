/* The hypervisor's own pages: taken from the block that it claimed at boot. */
#ifndef VENEER_HYPERVISOR_POOL_H
#define VENEER_HYPERVISOR_POOL_H

#include <stdint.h>

#include "hypervisor/address.h"

/* Gives the pool its block: @base and @size are whole pages of RAM. LP 0, once. */
void pool_init(spa_t base, uint64_t size);

/* From now on several LPs use the pool: it takes its lock, which needs an LP's own stack. LP 0,
 * once. */
void pool_share(void);

/* Takes @pages contiguous zeroed pages; stops the boot if they are not there. While booting. */
spa_t pool_take(uint64_t pages);

/* Takes one zeroed page for a table; 0 if there is none. Any LP, any time. */
uint64_t pool_allocate_table(void *context);

uint64_t pool_free_pages(void);

#endif
