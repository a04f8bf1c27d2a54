/* Which pages are free: one bit per page, set = free. Pure logic; the caller serialises and
 * supplies the memory. */
#ifndef VENEER_PARENT_PAGE_BITMAP_H
#define VENEER_PARENT_PAGE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

struct page_bitmap {
    uint64_t *words;
    uint64_t page_count;
    uint64_t free_count;
    uint64_t lowest; /* no page below it is free */
};

/* Bytes of memory for @page_count pages. */
uint64_t page_bitmap_size(uint64_t page_count);

/* Starts with no page free. @words has page_bitmap_size(@page_count) bytes. */
void page_bitmap_init(struct page_bitmap *bitmap, uint64_t *words, uint64_t page_count);

/* Makes @count pages from @first on free. False, and nothing changed, if one of them is free
 * already or is beyond the end. */
bool page_bitmap_release(struct page_bitmap *bitmap, uint64_t first, uint64_t count);

/* Finds the lowest @count > 0 free pages in a row, the first a multiple of @alignment (a power of
 * two), takes them and stores the first in *@first. False if there are none. */
bool page_bitmap_take_low(struct page_bitmap *bitmap, uint64_t count, uint64_t alignment,
                          uint64_t *first);

/* The same for the highest ones. */
bool page_bitmap_take_high(struct page_bitmap *bitmap, uint64_t count, uint64_t alignment,
                           uint64_t *first);

#endif
