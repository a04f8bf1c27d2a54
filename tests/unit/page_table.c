#include "lib/page_table.h"

#include "tests/table_pages.h"
#include "tests/unit/unit.h"

#define KIB4 0x1000ull
#define MIB2 0x200000ull
#define GIB1 0x40000000ull
#define FLAGS (PTE_PRESENT | PTE_WRITABLE | PTE_NO_EXECUTE)

static void check_mapped(const struct page_table *table, uint64_t address, uint64_t physical,
                         unsigned level, uint64_t flags)
{
    struct page_table_walk walk = page_table_lookup(table, address);

    CHECK(walk.present);
    CHECK_EQUAL(walk.level, level);
    CHECK_EQUAL(walk.physical, physical);
    CHECK_EQUAL(walk.entry & ~PAGE_TABLE_ADDRESS, flags | (level > 0 ? PAGE_TABLE_LARGE : 0));
}

static void check_absent(const struct page_table *table, uint64_t address)
{
    CHECK(!page_table_lookup(table, address).present);
}

/* The largest pages that fit, by size, alignment of both sides, and what the processor has. */
static void test_largest_pages(void)
{
    struct page_table table = table_pages_start(2);

    CHECK(page_table_map(&table, GIB1 - MIB2 - KIB4, 3 * GIB1 - MIB2 - KIB4,
                         KIB4 + MIB2 + GIB1 + MIB2 + KIB4, FLAGS));
    check_absent(&table, GIB1 - MIB2 - KIB4 - 1);
    check_mapped(&table, GIB1 - MIB2 - KIB4, 3 * GIB1 - MIB2 - KIB4, 0, FLAGS);
    check_mapped(&table, GIB1 - 1, 3 * GIB1 - 1, 1, FLAGS);
    check_mapped(&table, GIB1, 3 * GIB1, 2, FLAGS);
    check_mapped(&table, 2 * GIB1 + MIB2 - 1, 4 * GIB1 + MIB2 - 1, 1, FLAGS);
    check_mapped(&table, 2 * GIB1 + MIB2 + 5, 4 * GIB1 + MIB2 + 5, 0, FLAGS);
    check_absent(&table, 2 * GIB1 + MIB2 + KIB4);

    table = table_pages_start(1);
    CHECK(page_table_map(&table, 0, 0, GIB1, FLAGS));
    check_mapped(&table, 12345, 12345, 1, FLAGS);

    table = table_pages_start(0);
    CHECK(page_table_map(&table, 0, 0, MIB2, FLAGS));
    check_mapped(&table, 12345, 12345, 0, FLAGS);

    table = table_pages_start(2);
    CHECK(page_table_map(&table, 0, MIB2, GIB1, FLAGS));
    check_mapped(&table, 0, MIB2, 1, FLAGS);
}

static void test_split_on_map(void)
{
    struct page_table table = table_pages_start(2);

    CHECK(page_table_map(&table, 0, 0, 2 * GIB1, FLAGS));
    CHECK(page_table_map(&table, GIB1 + MIB2 + KIB4, 5 * KIB4, KIB4, PTE_PRESENT));
    check_mapped(&table, GIB1 - 1, GIB1 - 1, 2, FLAGS);
    check_mapped(&table, GIB1, GIB1, 1, FLAGS);
    check_mapped(&table, GIB1 + MIB2, GIB1 + MIB2, 0, FLAGS);
    check_mapped(&table, GIB1 + MIB2 + KIB4 + 7, 5 * KIB4 + 7, 0, PTE_PRESENT);
    check_mapped(&table, GIB1 + MIB2 + 2 * KIB4, GIB1 + MIB2 + 2 * KIB4, 0, FLAGS);
    check_mapped(&table, GIB1 + 2 * MIB2, GIB1 + 2 * MIB2, 1, FLAGS);
}

/* A table that is there stays in use. */
static void test_table_stays(void)
{
    struct page_table table = table_pages_start(2);

    CHECK(page_table_map(&table, MIB2, MIB2, KIB4, FLAGS));

    unsigned used = table_pages_used;

    CHECK(page_table_map(&table, MIB2, GIB1, 2 * MIB2, FLAGS));
    check_mapped(&table, MIB2, GIB1, 0, FLAGS);
    check_mapped(&table, 2 * MIB2 - 1, GIB1 + MIB2 - 1, 0, FLAGS);
    check_mapped(&table, 2 * MIB2, GIB1 + MIB2, 1, FLAGS);
    CHECK(page_table_unmap(&table, 0, GIB1));
    check_absent(&table, MIB2);
    CHECK_EQUAL(table_pages_used, used);
}

static void test_unmap(void)
{
    struct page_table table = table_pages_start(2);

    CHECK(page_table_map(&table, 0, 0, 3 * GIB1, FLAGS));
    CHECK(page_table_unmap(&table, GIB1 - KIB4, GIB1 + 2 * KIB4));
    check_mapped(&table, GIB1 - KIB4 - 1, GIB1 - KIB4 - 1, 0, FLAGS);
    check_absent(&table, GIB1 - KIB4);
    check_absent(&table, GIB1);
    check_absent(&table, 2 * GIB1 + KIB4 - 1);
    check_mapped(&table, 2 * GIB1 + KIB4, 2 * GIB1 + KIB4, 0, FLAGS);

    /* What is not mapped needs no table, however large the range is. */
    unsigned used = table_pages_used;

    CHECK(page_table_unmap(&table, 1ull << 40, 1ull << 46));
    CHECK_EQUAL(table_pages_used, used);
}

/* The last page of the address space: the range ends at 2^64. */
static void test_top_of_upper_half(void)
{
    struct page_table table = table_pages_start(2);

    CHECK(page_table_map(&table, -MIB2, 0, MIB2, FLAGS));
    check_mapped(&table, UINT64_MAX, MIB2 - 1, 1, FLAGS);
    CHECK(page_table_unmap(&table, -KIB4, KIB4));
    check_absent(&table, UINT64_MAX);
    check_mapped(&table, -KIB4 - 1, MIB2 - KIB4 - 1, 0, FLAGS);
}

static void test_no_pages_left(void)
{
    struct page_table table = table_pages_start(2);

    CHECK(page_table_map(&table, 0, 0, GIB1, FLAGS));
    table_pages_limit = table_pages_used + 1;
    CHECK(!page_table_unmap(&table, 0, KIB4));
    /* Half of the split is done, and changes nothing. */
    check_mapped(&table, 0, 0, 1, FLAGS);
    table_pages_limit = TABLE_PAGES_MAX;
    CHECK(page_table_unmap(&table, 0, KIB4));
    check_absent(&table, 0);
    check_mapped(&table, KIB4, KIB4, 0, FLAGS);
}

/* EPT: an entry with any of three bits is present, also one that can only be executed. */
static void test_ept(void)
{
    struct page_table table = table_pages_start(2);

    table.present_mask = table.table_flags = EPT_READ | EPT_WRITE | EPT_EXECUTE;
    CHECK(page_table_map(&table, 0, 0, GIB1, EPT_EXECUTE | EPT_MEMORY_TYPE_WB));
    CHECK(page_table_unmap(&table, MIB2, KIB4));
    check_mapped(&table, 0, 0, 1, EPT_EXECUTE | EPT_MEMORY_TYPE_WB);
    check_absent(&table, MIB2);
    check_mapped(&table, MIB2 + KIB4, MIB2 + KIB4, 0, EPT_EXECUTE | EPT_MEMORY_TYPE_WB);
}

static uint64_t freed_bytes;
static unsigned freed_tables;

static void no_leaf(void *context, uint64_t physical, uint64_t size)
{
    (void)context;
    (void)physical;
    (void)size;
    CHECK(false);
}

static void no_table(void *context, uint64_t page)
{
    (void)context;
    (void)page;
}

/* What is there without access is told from what is not there, also when a large one is split. */
static void test_no_access(void)
{
    struct page_table table = table_pages_start(1);

    CHECK(page_table_map(&table, MIB2, 0, MIB2, PAGE_TABLE_NO_ACCESS));
    CHECK(page_table_map(&table, 2 * MIB2, 0, MIB2, PAGE_TABLE_NO_ACCESS));
    check_absent(&table, MIB2);
    CHECK_EQUAL(page_table_lookup(&table, MIB2).entry, PAGE_TABLE_NO_ACCESS | PAGE_TABLE_LARGE);
    CHECK_EQUAL(page_table_lookup(&table, MIB2 - 1).entry, 0);
    CHECK(page_table_unmap(&table, MIB2 + KIB4, KIB4));
    CHECK_EQUAL(page_table_lookup(&table, MIB2 + KIB4).entry, 0);
    CHECK_EQUAL(page_table_lookup(&table, MIB2 + 2 * KIB4).entry, PAGE_TABLE_NO_ACCESS);
    CHECK(page_table_map(&table, 2 * MIB2 + KIB4, GIB1, KIB4, FLAGS));
    check_mapped(&table, 2 * MIB2 + KIB4, GIB1, 0, FLAGS);
    CHECK_EQUAL(page_table_lookup(&table, 2 * MIB2).entry, PAGE_TABLE_NO_ACCESS);
    CHECK(page_table_unmap(&table, 0, GIB1));
    CHECK_EQUAL(page_table_lookup(&table, 2 * MIB2).entry, 0);
    table.context = &freed_bytes;
    CHECK(page_table_map(&table, MIB2, 0, KIB4, PAGE_TABLE_NO_ACCESS));
    page_table_free(&table, no_leaf, no_table);
}

static void map_small(struct page_table *table, uint64_t from, uint64_t to)
{
    for (uint64_t i = 0; i < PAGE_TABLE_ENTRIES; i++)
        CHECK(page_table_map(table, from + i * KIB4, to + i * KIB4, KIB4, FLAGS));
}

static void test_merge(void)
{
    struct page_table table = table_pages_start(1);

    CHECK_EQUAL(page_table_merge(&table, 0, 0), 0);
    map_small(&table, MIB2, GIB1);
    uint64_t page = TABLE_PAGES_BASE + KIB4 * (table_pages_used - 1);
    uint64_t *leaf = page_table_lookup(&table, 2 * MIB2 - KIB4).at;
    *leaf |= PTE_DIRTY;
    CHECK_EQUAL(page_table_merge(&table, MIB2, 0), 0);
    CHECK_EQUAL(page_table_merge(&table, 2 * MIB2 - 1, PTE_DIRTY), page);
    check_mapped(&table, MIB2 + 5, GIB1 + 5, 1, FLAGS);
    CHECK_EQUAL(page_table_merge(&table, MIB2, PTE_DIRTY), 0);

    /* Not aligned, a hole, another order, other flags, no large pages. */
    map_small(&table, 4 * MIB2, GIB1 + KIB4);
    CHECK_EQUAL(page_table_merge(&table, 4 * MIB2, 0), 0);
    map_small(&table, 4 * MIB2, GIB1);
    CHECK(page_table_unmap(&table, 4 * MIB2 + KIB4, KIB4));
    CHECK_EQUAL(page_table_merge(&table, 4 * MIB2, 0), 0);
    CHECK(page_table_map(&table, 4 * MIB2 + KIB4, GIB1, KIB4, FLAGS));
    CHECK_EQUAL(page_table_merge(&table, 4 * MIB2, 0), 0);
    CHECK(page_table_map(&table, 4 * MIB2 + KIB4, GIB1 + KIB4, KIB4, PTE_PRESENT));
    CHECK_EQUAL(page_table_merge(&table, 4 * MIB2, 0), 0);
    CHECK(page_table_map(&table, 4 * MIB2 + KIB4, GIB1 + KIB4, KIB4, FLAGS));
    table.largest_level = 0;
    CHECK_EQUAL(page_table_merge(&table, 4 * MIB2, 0), 0);
    table.largest_level = 1;
    CHECK(page_table_merge(&table, 4 * MIB2, 0) != 0);
}

static void count_leaf(void *context, uint64_t physical, uint64_t size)
{
    CHECK(context == &freed_bytes);
    CHECK_EQUAL(physical % size, 0);
    CHECK(physical == GIB1 || physical == 5 * GIB1 || physical == 7 * MIB2 || physical == 9 * KIB4);
    freed_bytes += size;
}

static void count_table(void *context, uint64_t page)
{
    CHECK(context == &freed_bytes);
    memset(table_pages_access(page), 0xff, KIB4); /* not to be looked at any more */
    freed_tables++;
}

static void test_free(void)
{
    struct page_table table = table_pages_start(2);

    table.context = &freed_bytes;
    CHECK(page_table_map(&table, 0, GIB1, GIB1, FLAGS));
    CHECK(page_table_map(&table, 1ull << 47, 5 * GIB1, GIB1, FLAGS));
    CHECK(page_table_map(&table, 3 * GIB1 + MIB2, 7 * MIB2, MIB2, FLAGS));
    CHECK(page_table_map(&table, -KIB4, 9 * KIB4, KIB4, FLAGS));
    page_table_free(&table, count_leaf, count_table);
    CHECK_EQUAL(freed_bytes, 2 * GIB1 + MIB2 + KIB4);
    CHECK_EQUAL(freed_tables, table_pages_used);
    CHECK_EQUAL(table.root, 0);
}

int main(void)
{
    test_merge();
    test_free();
    test_largest_pages();
    test_split_on_map();
    test_table_stays();
    test_unmap();
    test_top_of_upper_half();
    test_no_pages_left();
    test_ept();
    test_no_access();
    return unit_result();
}
