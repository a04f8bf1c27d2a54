#include "parent/kernel/page_bitmap.h"

#include "lib/string.h"

#define WORD_BITS 64

uint64_t page_bitmap_size(uint64_t page_count)
{
    return (page_count + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t);
}

void page_bitmap_init(struct page_bitmap *bitmap, uint64_t *words, uint64_t page_count)
{
    *bitmap = (struct page_bitmap){.words = words, .page_count = page_count};
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
    return true;
}

/* The first free page in [@from, @to), or @to. */
static uint64_t find_free(const struct page_bitmap *bitmap, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t word = bitmap->words[from / WORD_BITS] >> from % WORD_BITS;
        if (word) {
            from += (uint64_t)__builtin_ctzll(word);
            return from < to ? from : to;
        }
        from = (from / WORD_BITS + 1) * WORD_BITS;
    }
    return to;
}

/* Looks for a run that begins in [@from, @to). */
static bool find_run(const struct page_bitmap *bitmap, uint64_t from, uint64_t to, uint64_t count,
                     uint64_t alignment, uint64_t *first)
{
    uint64_t start = find_free(bitmap, from, to);
    while (start < to) {
        uint64_t aligned = (start + alignment - 1) & ~(alignment - 1);
        if (aligned >= to || count > bitmap->page_count - aligned)
            return false;
        uint64_t length = 0;
        while (length < count && is_free(bitmap, aligned + length))
            length++;
        if (length == count) {
            *first = aligned;
            return true;
        }
        start = find_free(bitmap, aligned + length + 1, to);
    }
    return false;
}

bool page_bitmap_take(struct page_bitmap *bitmap, uint64_t count, uint64_t alignment,
                      uint64_t *first)
{
    if (count > bitmap->free_count)
        return false;
    if (!find_run(bitmap, bitmap->next, bitmap->page_count, count, alignment, first) &&
        !find_run(bitmap, 0, bitmap->next, count, alignment, first))
        return false;
    for (uint64_t i = 0; i < count; i++)
        set_taken(bitmap, *first + i);
    bitmap->free_count -= count;
    bitmap->next = *first + count;
    return true;
}
