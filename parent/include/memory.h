/* Memory of the parent's kernel. */
#ifndef VENEER_PARENT_INCLUDE_MEMORY_H
#define VENEER_PARENT_INCLUDE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* @size > 0 bytes of zeros, 16-byte aligned; NULL: no memory. Debug builds put red zones around and check them. Any but NMI handlers. */
void *heap_allocate(size_t size);
/* NULL is allowed. */
void heap_free(void *pointer);

/* @count physically contiguous pages, the first on a multiple of @alignment pages (a power of two), content undefined. Physical
 * address, or 0. They are at physical_to_virtual() in the kernel's address space. */
uint64_t pages_allocate(uint64_t count, uint64_t alignment);
void pages_free(uint64_t address, uint64_t count);

void *physical_to_virtual(uint64_t address);
/* Of RAM in the direct map, the kernel image, or a thread's stack. */
uint64_t virtual_to_physical(const void *pointer);

enum memory_cache {
    MEMORY_UNCACHED,
    MEMORY_WRITE_COMBINING,
};

/* Device memory, mapped for ever; NULL if it is RAM or cannot be mapped. Thread. */
volatile void *memory_map_device(uint64_t address, uint64_t size, enum memory_cache cache);

#endif
