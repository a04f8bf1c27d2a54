#include "parent/kernel/page_bitmap.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#define PAGES 200

/* Exactly as large as the bitmap says, so that the sanitizer sees what goes beyond. */
static struct page_bitmap start(void)
{
    struct page_bitmap bitmap;
    page_bitmap_init(&bitmap, malloc(page_bitmap_size(PAGES)), PAGES);
    return bitmap;
}

static void end(struct page_bitmap *bitmap)
{
    free(bitmap->words);
}

static void test_size(void)
{
    CHECK_EQUAL(page_bitmap_size(0), 0);
    CHECK_EQUAL(page_bitmap_size(1), 8);
    CHECK_EQUAL(page_bitmap_size(64), 8);
    CHECK_EQUAL(page_bitmap_size(65), 16);
}

static void test_release(void)
{
    struct page_bitmap bitmap = start();
    uint64_t first;

    CHECK(!page_bitmap_take(&bitmap, 1, 1, &first));
    CHECK(page_bitmap_release(&bitmap, 10, 5));
    CHECK_EQUAL(bitmap.free_count, 5);
    CHECK(!page_bitmap_release(&bitmap, 14, 2));
    CHECK(!page_bitmap_release(&bitmap, 5, 6));
    CHECK(!page_bitmap_release(&bitmap, PAGES - 1, 2));
    CHECK(!page_bitmap_release(&bitmap, PAGES + 1, 0));
    CHECK(!page_bitmap_release(&bitmap, 1, UINT64_MAX));
    CHECK_EQUAL(bitmap.free_count, 5);
    CHECK(page_bitmap_release(&bitmap, PAGES - 1, 1));
    CHECK(page_bitmap_release(&bitmap, PAGES, 0));
    CHECK_EQUAL(bitmap.free_count, 6);
    end(&bitmap);
}

static void test_take(void)
{
    struct page_bitmap bitmap = start();
    uint64_t first;

    CHECK(page_bitmap_release(&bitmap, 60, 10));
    CHECK(!page_bitmap_take(&bitmap, 11, 1, &first));
    CHECK(page_bitmap_take(&bitmap, 7, 1, &first));
    CHECK_EQUAL(first, 60);
    CHECK(page_bitmap_take(&bitmap, 3, 1, &first));
    CHECK_EQUAL(first, 67);
    CHECK_EQUAL(bitmap.free_count, 0);
    CHECK(!page_bitmap_take(&bitmap, 1, 1, &first));
    end(&bitmap);
}

static void test_alignment(void)
{
    struct page_bitmap bitmap = start();
    uint64_t first;

    CHECK(page_bitmap_release(&bitmap, 5, 60));
    CHECK(page_bitmap_take(&bitmap, 8, 8, &first));
    CHECK_EQUAL(first, 8);
    CHECK(page_bitmap_take(&bitmap, 32, 32, &first));
    CHECK_EQUAL(first, 32);
    CHECK(!page_bitmap_take(&bitmap, 1, 128, &first));
    /* 5 to 7, 16 to 31 and 64 are left. */
    CHECK_EQUAL(bitmap.free_count, 20);
    CHECK(!page_bitmap_take(&bitmap, 17, 1, &first));
    CHECK(page_bitmap_take(&bitmap, 1, 64, &first));
    CHECK_EQUAL(first, 64);
    end(&bitmap);
}

/* A run is looked for from the last one on, and then from the start; holes are skipped. */
static void test_fragments(void)
{
    struct page_bitmap bitmap = start();
    uint64_t first;

    for (uint64_t page = 0; page < PAGES; page += 3)
        CHECK(page_bitmap_release(&bitmap, page, page % 2 ? 1 : 2));
    CHECK(!page_bitmap_take(&bitmap, 3, 1, &first));
    CHECK(page_bitmap_take(&bitmap, 2, 1, &first));
    CHECK_EQUAL(first, 0);
    CHECK(page_bitmap_take(&bitmap, 1, 128, &first) == false);
    CHECK(page_bitmap_take(&bitmap, 2, 2, &first));
    CHECK_EQUAL(first, 6);
    CHECK(page_bitmap_release(&bitmap, 0, 2));
    uint64_t runs = 0;
    while (page_bitmap_take(&bitmap, 2, 1, &first))
        runs++;
    CHECK_EQUAL(runs, PAGES / 6);
    CHECK_EQUAL(first, 0);
    end(&bitmap);
}

int main(void)
{
    test_size();
    test_release();
    test_take();
    test_alignment();
    test_fragments();
    return unit_result();
}
