/* Single free pages that a CPU keeps at hand, so that it needs the allocator's lock for every
 * sixteenth only. The functions are pages.c's. */
#ifndef VENEER_PARENT_PAGE_CACHE_H
#define VENEER_PARENT_PAGE_CACHE_H

#include <stdint.h>

#include "parent/include/spinlock.h"

#define PAGE_CACHE_SIZE 32

/* The lock is for the others, which take the pages when there are no more elsewhere. */
struct page_cache {
    struct spinlock lock;
    uint32_t count;
    uint64_t pages[PAGE_CACHE_SIZE]; /* physical addresses */
};

static inline void page_cache_init(struct page_cache *cache)
{
    *cache = (struct page_cache){.lock = SPINLOCK(LOCK_LEVEL_PAGE_CACHE)};
}

#endif
