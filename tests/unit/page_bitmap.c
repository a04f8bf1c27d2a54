/* Unit test of parent/kernel/mm/page_bitmap.c: every answer is compared with a plain search. */
#include "parent/kernel/mm/page_bitmap.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#define PAGES 300
#define ROUNDS 20000

static uint8_t model[PAGES]; /* 1 = free */

static bool model_run_free(uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (first + i >= PAGES || !model[first + i])
            return false;
    }
    return true;
}

static bool model_find(uint64_t count, uint64_t alignment, bool high, uint64_t *first)
{
    bool found = false;
    for (uint64_t start = 0; start < PAGES; start += alignment) {
        if (!model_run_free(start, count))
            continue;
        *first = start;
        found = true;
        if (!high)
            break;
    }
    return found;
}

static void try_take(struct page_bitmap *bitmap, uint64_t count, uint64_t alignment, bool high)
{
    uint64_t expected = 0, first = 0;
    bool possible = model_find(count, alignment, high, &expected);
    bool taken = high ? page_bitmap_take_high(bitmap, count, alignment, &first)
                      : page_bitmap_take_low(bitmap, count, alignment, &first);
    CHECK_EQUAL(taken, possible);
    if (!taken || !possible)
        return;
    CHECK_EQUAL(first, expected);
    for (uint64_t i = 0; i < count; i++)
        model[first + i] = 0;
}

static void try_release(struct page_bitmap *bitmap, uint64_t first, uint64_t count)
{
    bool possible = first + count <= PAGES;
    for (uint64_t i = 0; possible && i < count; i++)
        possible = !model[first + i];
    CHECK_EQUAL(page_bitmap_release(bitmap, first, count), possible);
    for (uint64_t i = 0; possible && i < count; i++)
        model[first + i] = 1;
}

static void check_against_model(void)
{
    uint64_t words[(PAGES + 63) / 64];
    struct page_bitmap bitmap;

    CHECK_EQUAL(page_bitmap_size(PAGES), sizeof(words));
    page_bitmap_init(&bitmap, words, PAGES);
    srand(1);
    for (int i = 0; i < ROUNDS && unit_failures == 0; i++) {
        uint64_t count = 1 + (uint64_t)rand() % 9;
        if (rand() % 2)
            try_take(&bitmap, count, 1ull << rand() % 5, rand() % 2);
        else
            try_release(&bitmap, (uint64_t)rand() % (PAGES + 2), count);
        uint64_t free_count = 0;
        for (int page = 0; page < PAGES; page++)
            free_count += model[page];
        CHECK_EQUAL(bitmap.free_count, free_count);
    }
}

static void check_limits(void)
{
    uint64_t word;
    uint64_t first = 77;
    struct page_bitmap bitmap;

    page_bitmap_init(&bitmap, &word, 64);
    CHECK(!page_bitmap_take_low(&bitmap, 1, 1, &first));
    CHECK(!page_bitmap_take_high(&bitmap, 1, 1, &first));
    CHECK(!page_bitmap_release(&bitmap, UINT64_MAX, 2));
    CHECK(!page_bitmap_release(&bitmap, 1, UINT64_MAX));
    CHECK(page_bitmap_release(&bitmap, 0, 64));
    CHECK(!page_bitmap_take_low(&bitmap, 65, 1, &first));
    CHECK(!page_bitmap_take_low(&bitmap, UINT64_MAX, 1, &first));
    CHECK_EQUAL(first, 77);
    CHECK(page_bitmap_take_high(&bitmap, 64, 64, &first));
    CHECK_EQUAL(first, 0);
}

int main(void)
{
    check_against_model();
    check_limits();
    return unit_result();
}
