/* The kernel's page tables: W^X, see layout.h. Any context but NMI handlers, unless said otherwise.
 */
#ifndef VENEER_PARENT_MEMORY_H
#define VENEER_PARENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PAT as at reset, but entry 1 is write-combining instead of write-through. Every VP runs with it.
 */
#define KERNEL_PAT 0x0007040600070106ull

enum memory_cache {
    MEMORY_UNCACHED,
    MEMORY_WRITE_COMBINING,
};

/* Makes the direct map usable with the boot page tables, for the first 4 GiB. VP 0, first of all.
 */
void memory_early_init(void);

/* Builds and loads the kernel's own tables. VP 0; pages_init() has been called. */
void memory_init(void);

/* Sets PAT on this VP. For the others it is in their start context, too, but not every platform
 * takes it from there: QEMU's TCG keeps one PAT for hypervisor and guest. */
void memory_set_cache_types(void);

/* For CR3: the tables that all VPs share. */
uint64_t memory_root(void);

/* Maps @size bytes of physical @address at @va (all whole pages), with PTE_* @flags of
 * lib/page_table.h; PTE_PRESENT is added. Translations that were there before must be flushed by
 * the caller. Panics if there is no memory for tables. */
void memory_map(uint64_t va, uint64_t address, uint64_t size, uint64_t flags);

/* Removes mappings, and their translations on this VP: for ranges that other VPs have not touched.
 */
void memory_unmap(uint64_t va, uint64_t size);

/* Makes @size bytes of device or firmware memory at physical @address reachable, read-write and
 * uncached or as @cache says; what is mapped already stays as it is. The result stays valid for
 * ever. NULL if the range touches RAM, or cannot be mapped. */
volatile void *memory_map_device(uint64_t address, uint64_t size, enum memory_cache cache);

/* @size bytes at physical @address for reading, whether it is RAM of ours, a firmware table, or
 * neither; NULL if they cannot be reached. */
const void *memory_reach(uint64_t address, uint64_t size);

/* Physical address of @pointer: kernel image, direct map or stack. */
uint64_t memory_physical(const void *pointer);

/* A new stack: its top, 16-byte aligned. Below its STACK_SIZE bytes nothing is mapped. */
#define STACK_SIZE 16384ull
uint64_t stack_create(void);

/* The mapped part of the stack that @rsp is on or has overflowed from. False if it is on none. */
bool stack_bounds(uint64_t rsp, uint64_t *low, uint64_t *high);

#endif
