/* The kernel's page tables: W^X, see layout.h. Any context but NMI handlers, unless said otherwise.
 */
#ifndef VENEER_PARENT_MEMORY_H
#define VENEER_PARENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/include/memory.h"

/* PAT as at reset, but entry 1 is write-combining instead of write-through. Every VP runs with it.
 */
#define KERNEL_PAT 0x0007040600070106ull

/* Makes the direct map usable with the boot page tables, for the first 4 GiB. VP 0, first of all.
 */
void memory_early_init(void);

/* Builds and loads the kernel's own tables. VP 0; pages_init() has been called. */
void memory_init(void);

/* Sets PAT on this VP. For the others it is in their start context, too, but not every platform
 * takes it from there: QEMU's TCG keeps one PAT for hypervisor and guest. */
void memory_set_cache_types(void);

/* For CR3: the kernel's tables. Their upper half is part of every address space: its top-level
 * entries never change after memory_init(). */
uint64_t memory_root(void);

/* Maps @size bytes of physical @address at @va (all whole pages), with PTE_* @flags of
 * lib/page_table.h; PTE_PRESENT is added. Translations that were there before must be flushed by
 * the caller. False if there is no memory for tables: a part may be mapped then. */
bool memory_try_map(uint64_t va, uint64_t address, uint64_t size, uint64_t flags);

/* The same where there must be memory: panics. */
void memory_map(uint64_t va, uint64_t address, uint64_t size, uint64_t flags);

/* Removes mappings, and their translations on this VP: for ranges that other VPs have not touched.
 */
void memory_unmap(uint64_t va, uint64_t size);

/* @size bytes at physical @address for reading, whether it is RAM of ours, a firmware table, or
 * neither; NULL if they cannot be reached. */
const void *memory_reach(uint64_t address, uint64_t size);

/* The page at physical @address that the hypervisor lends, for reading; valid as long as it does.
 * NULL: no memory, or an address that cannot be. */
const void *memory_map_lent(uint64_t address);

#endif
