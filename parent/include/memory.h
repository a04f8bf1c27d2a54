/* Memory of the parent's kernel. */
#ifndef VENEER_PARENT_INCLUDE_MEMORY_H
#define VENEER_PARENT_INCLUDE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* @size > 0 bytes of zeros, 16-byte aligned; NULL: no memory. Debug builds put red zones around and
 * check them. Any but NMI handlers. */
void *heap_allocate(size_t size);
/* NULL is allowed. Any but NMI handlers. */
void heap_free(void *pointer);

/* Pages of a 2 MiB block, which is both the count and the alignment of memory for guests. */
#define PAGES_PER_BLOCK 512

/* @count physically contiguous pages, the first on a multiple of @alignment pages (a power of two),
 * content undefined. Physical address, or 0 if there are none. They are at physical_to_virtual() in
 * the kernel's address space. Single pages come from the low end of memory and blocks from the
 * high end, so that they do not break each other up. Any but NMI handlers. */
uint64_t pages_allocate(uint64_t count, uint64_t alignment);
/* Gives back all or some of a run. Any but NMI handlers. */
void pages_free(uint64_t address, uint64_t count);
/* One page of zeros, or 0. */
uint64_t page_allocate_zeroed(void);

struct memory_statistics {
    uint64_t pages_total; /* that the kernel's allocator has or gave out */
    uint64_t pages_free;  /* including those that CPUs keep at hand */
    uint64_t heap_pages;  /* taken by the heap */
    uint64_t heap_blocks; /* allocated now */
};

void memory_get_statistics(struct memory_statistics *statistics);

void *physical_to_virtual(uint64_t address);
/* Of RAM in the direct map, the kernel image, or a thread's stack. */
uint64_t virtual_to_physical(const void *pointer);

enum memory_cache {
    MEMORY_UNCACHED,
    MEMORY_WRITE_COMBINING,
};

/* @size bytes of device memory at physical @address, read-write, uncached or as @cache says; what
 * is mapped already stays as it is. Valid for ever. NULL if the range touches RAM, or cannot be
 * mapped. Any but NMI handlers. */
volatile void *memory_map_device(uint64_t address, uint64_t size, enum memory_cache cache);

#endif
