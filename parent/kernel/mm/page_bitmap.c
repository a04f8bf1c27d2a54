#include "parent/kernel/mm/page_bitmap.h"

#include "lib/string.h"

#define WORD_BITS 64

uint64_t page_bitmap_size(uint64_t page_count)
{
    return (page_count + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t);
}

void page_bitmap_init(struct page_bitmap *bitmap, uint64_t *words, uint64_t page_count)
{
    *bitmap = (struct page_bitmap){.words = words, .page_count = page_count, .lowest = page_count};
    memset(words, 0, page_bitmap_size(page_count));
}

static bool is_free(const struct page_bitmap *bitmap, uint64_t page)
{
    return bitmap->words[page / WORD_BITS] >> page % WORD_BITS & 1;
}

static void set_free(struct page_bitmap *bitmap, uint64_t page)
{
    bitmap->words[page / WORD_BITS] |= 1ull << page % WORD_BITS;
}

static void set_taken(struct page_bitmap *bitmap, uint64_t page)
{
    bitmap->words[page / WORD_BITS] &= ~(1ull << page % WORD_BITS);
}

bool page_bitmap_release(struct page_bitmap *bitmap, uint64_t first, uint64_t count)
{
    if (first > bitmap->page_count || count > bitmap->page_count - first)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (is_free(bitmap, first + i))
            return false;
    }
    for (uint64_t i = 0; i < count; i++)
        set_free(bitmap, first + i);
    bitmap->free_count += count;
    if (count > 0 && first < bitmap->lowest)
        bitmap->lowest = first;
    return true;
}

static void take(struct page_bitmap *bitmap, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        set_taken(bitmap, first + i);
    bitmap->free_count -= count;
}

/* The first free page from @from on, or page_count. */
static uint64_t find_free(const struct page_bitmap *bitmap, uint64_t from)
{
    while (from < bitmap->page_count) {
        uint64_t word = bitmap->words[from / WORD_BITS] >> from % WORD_BITS;
        if (word)
            return from + (uint64_t)__builtin_ctzll(word);
        from = (from / WORD_BITS + 1) * WORD_BITS;
    }
    return bitmap->page_count;
}

/* How many pages from @first on are free, counted up to @limit. */
static uint64_t free_length(const struct page_bitmap *bitmap, uint64_t first, uint64_t limit)
{
    uint64_t length = 0;
    while (length < limit && is_free(bitmap, first + length))
        length++;
    return length;
}

bool page_bitmap_take_low(struct page_bitmap *bitmap, uint64_t count, uint64_t alignment,
                          uint64_t *first)
{
    if (count > bitmap->free_count)
        return false;
    uint64_t lowest = find_free(bitmap, bitmap->lowest);
    bitmap->lowest = lowest;
    for (uint64_t start = lowest; start < bitmap->page_count;) {
        uint64_t aligned = (start + alignment - 1) & ~(alignment - 1);
        if (aligned < start || aligned > bitmap->page_count || count > bitmap->page_count - aligned)
            return false;
        uint64_t length = free_length(bitmap, aligned, count);
        if (length == count) {
            take(bitmap, aligned, count);
            if (aligned == lowest)
                bitmap->lowest = aligned + count;
            *first = aligned;
            return true;
        }
        start = find_free(bitmap, aligned + length + 1);
    }
    return false;
}

bool page_bitmap_take_high(struct page_bitmap *bitmap, uint64_t count, uint64_t alignment,
                           uint64_t *first)
{
    if (count > bitmap->free_count)
        return false;
    uint64_t start = (bitmap->page_count - count) & ~(alignment - 1);
    for (;;) {
        uint64_t length = free_length(bitmap, start, count);
        if (length == count) {
            take(bitmap, start, count);
            *first = start;
            return true;
        }
        /* The run must end below the page at start + length, which is taken. */
        if (start + length < count)
            return false;
        start = (start + length - count) & ~(alignment - 1);
    }
}
