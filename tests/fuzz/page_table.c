/* Random mappings and removals, against a list of what was done: the last one that covers an
 * address decides. Table pages run out at moments that the input chooses. */
#include "lib/page_table.h"

#include "tests/fuzz/fuzz.h"
#include "tests/table_pages.h"

#define OPERATIONS_MAX 12
#define PAGE_BYTES 4096ull
#define LARGE_PAGE_BYTES (2ull << 20)
#define SMALL_PAGES_MAX 2048
#define FLAGS_MASK (PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_CACHE_DISABLE | PTE_NO_EXECUTE)

struct operation {
    uint64_t from, to, size, flags; /* flags 0: removed */
};

static struct operation operations[OPERATIONS_MAX];
static unsigned operation_count;

static void check_address(const struct page_table *table, uint64_t address)
{
    struct page_table_walk walk = page_table_lookup(table, address);
    const struct operation *last = NULL;

    for (unsigned i = 0; i < operation_count; i++) {
        if (address - operations[i].from < operations[i].size)
            last = &operations[i];
    }
    bool expected = last != NULL && last->flags != 0;

    FUZZ_CHECK(walk.present == expected);
    if (!expected)
        return;
    FUZZ_CHECK(walk.physical == last->to + (address - last->from));
    FUZZ_CHECK(walk.level <= table->largest_level);
    FUZZ_CHECK((walk.entry & ~PAGE_TABLE_ADDRESS) ==
               (last->flags | (walk.level > 0 ? PAGE_TABLE_LARGE : 0)));
}

/* Every boundary of every operation, from both sides, and something in the middle. */
static void check_all(const struct page_table *table)
{
    for (unsigned i = 0; i < operation_count; i++) {
        const struct operation *o = &operations[i];

        check_address(table, o->from);
        check_address(table, o->from - 1);
        check_address(table, o->from + o->size);
        check_address(table, o->from + o->size - 1);
        check_address(table, o->from + o->size / 2 + 123);
    }
}

static bool apply(struct page_table *table, const struct operation *o)
{
    if (o->flags == 0)
        return page_table_unmap(table, o->from, o->size);
    return page_table_map(table, o->from, o->to, o->size, o->flags);
}

/* An address or a size of a few 4 KiB, 2 MiB and 1 GiB units, so that all alignments occur. */
static uint64_t choose_pages(struct fuzz_input *input)
{
    uint8_t units = fuzz_byte(input);
    uint64_t gib = units >> 6;
    uint64_t mib2 = (units >> 3 & 7) * 73;
    uint64_t kib4 = (units & 7) * 73;

    return gib << 30 | mib2 << 21 | kib4 << 12;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t setup = fuzz_byte(&input);
    struct page_table table = table_pages_start(setup % 3);
    /* In the lower half, across a top-level boundary, or at the very end. */
    uint64_t area = setup & 0x80 ? -5ull << 30 : setup & 0x40 ? 510ull << 30 : 0;

    operation_count = 0;
    while (input.size > 0 && operation_count < OPERATIONS_MAX) {
        struct operation *o = &operations[operation_count];
        uint8_t kind = fuzz_byte(&input);

        o->from = area + choose_pages(&input);
        o->to = choose_pages(&input);
        o->size = choose_pages(&input) / (kind & 1 ? 1 : 64) / PAGE_BYTES * PAGE_BYTES;
        /* What takes many small pages is made smaller, for speed. */
        if ((o->from - o->to) % LARGE_PAGE_BYTES != 0 || table.largest_level == 0)
            o->size %= SMALL_PAGES_MAX * PAGE_BYTES;
        o->flags = kind & 2 ? PTE_PRESENT | (fuzz_number(&input, 8) & FLAGS_MASK) : 0;
        if (o->size == 0 || o->from + (o->size - 1) < o->from)
            continue;
        operation_count++;

        table_pages_limit = table_pages_used + (kind >> 2 & 7);
        if (!apply(&table, o)) {
            table_pages_limit = TABLE_PAGES_MAX;
            if (!apply(&table, o))
                return 0;
        }
        check_all(&table);
    }
    return 0;
}
