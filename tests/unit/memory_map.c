#include "hypervisor/boot/memory_map.h"

#include "tests/memory_map_check.h"
#include "tests/unit/unit.h"

#define MIB (1ull << 20)
#define LIMIT (1ull << 52)

static struct memory_map map;

static void start(void)
{
    memset(&map, 0, sizeof(map));
}

static void add(uint64_t base, uint64_t size, uint32_t type)
{
    CHECK(memory_map_add(&map, base, size, type));
    CHECK(memory_map_check(&map) == NULL);
}

static void check_range(size_t index, uint64_t base, uint64_t size, uint32_t type)
{
    CHECK(index < map.count);
    CHECK_EQUAL(map.ranges[index].base, base);
    CHECK_EQUAL(map.ranges[index].size, size);
    CHECK_EQUAL(map.ranges[index].type, type);
}

/* What a BIOS reports, in a mixed order: ends of RAM lose their part of a page. */
static void test_bios_map(void)
{
    start();
    add(0x100000, 0x7ee0000, BOOT_MEMORY_RAM);
    add(0xf0000, 0x10000, BOOT_MEMORY_RESERVED);
    add(0, 0x9fc00, BOOT_MEMORY_RAM);
    add(0x7fe0000, 0x20000, BOOT_MEMORY_ACPI_RECLAIM);
    add(0x9fc00, 0x400, BOOT_MEMORY_RESERVED);
    add(0xfffc0000, 0x40000, BOOT_MEMORY_RESERVED);
    CHECK_EQUAL(map.count, 6);
    check_range(0, 0, 0x9f000, BOOT_MEMORY_RAM);
    check_range(1, 0x9fc00, 0x400, BOOT_MEMORY_RESERVED);
    check_range(2, 0xf0000, 0x10000, BOOT_MEMORY_RESERVED);
    check_range(3, 0x100000, 0x7ee0000, BOOT_MEMORY_RAM);
    check_range(4, 0x7fe0000, 0x20000, BOOT_MEMORY_ACPI_RECLAIM);
    check_range(5, 0xfffc0000, 0x40000, BOOT_MEMORY_RESERVED);
    CHECK_EQUAL(memory_map_total(&map, BOOT_MEMORY_RAM), 0x9f000 + 0x7ee0000);
    CHECK_EQUAL(memory_map_total(&map, BOOT_MEMORY_BAD), 0);
    CHECK_EQUAL(memory_map_top(&map), 0x8000000);
}

static void test_overlaps(void)
{
    static const uint32_t by_rank[] = {BOOT_MEMORY_RAM, BOOT_MEMORY_ACPI_RECLAIM,
                                       BOOT_MEMORY_ACPI_NVS, BOOT_MEMORY_RESERVED, BOOT_MEMORY_BAD};

    for (unsigned low = 0; low < 5; low++) {
        for (unsigned high = low + 1; high < 5; high++) {
            for (unsigned order = 0; order < 2; order++) {
                start();
                if (order == 0)
                    add(0x1000, 0x5000, by_rank[low]);
                add(0x2000, 0x1000, by_rank[high]);
                add(0x5000, 0x3000, by_rank[high]);
                if (order == 1)
                    add(0x1000, 0x5000, by_rank[low]);
                CHECK_EQUAL(map.count, 4);
                check_range(0, 0x1000, 0x1000, by_rank[low]);
                check_range(1, 0x2000, 0x1000, by_rank[high]);
                check_range(2, 0x3000, 0x2000, by_rank[low]);
                check_range(3, 0x5000, 0x3000, by_rank[high]);
            }
        }
    }
}

/* A page that is only partly RAM is none, whichever range comes first. */
static void test_parts_of_pages(void)
{
    for (unsigned order = 0; order < 2; order++) {
        start();
        if (order == 0)
            add(0x800, 0x8000, BOOT_MEMORY_RAM);
        add(0x3800, 0x10, BOOT_MEMORY_RESERVED);
        if (order == 1)
            add(0x800, 0x8000, BOOT_MEMORY_RAM);
        CHECK_EQUAL(map.count, 3);
        check_range(0, 0x1000, 0x2000, BOOT_MEMORY_RAM);
        check_range(1, 0x3800, 0x10, BOOT_MEMORY_RESERVED);
        check_range(2, 0x4000, 0x4000, BOOT_MEMORY_RAM);
    }
    add(0x4fff, 2, BOOT_MEMORY_BAD);
    check_range(3, 0x6000, 0x2000, BOOT_MEMORY_RAM);
    start();
    add(0x1000, 0x1000, BOOT_MEMORY_RAM);
    add(0x1001, 1, BOOT_MEMORY_RESERVED);
    CHECK_EQUAL(map.count, 1);
}

static void test_extremes(void)
{
    start();
    add(0x1000, 0, BOOT_MEMORY_RAM);
    add(0x1fff, 0x1000, BOOT_MEMORY_RAM);
    add(LIMIT, 0x1000, BOOT_MEMORY_RAM);
    add(UINT64_MAX, UINT64_MAX, BOOT_MEMORY_RESERVED);
    CHECK_EQUAL(map.count, 0);
    CHECK_EQUAL(memory_map_top(&map), 0);
    add(LIMIT - 0x1000, UINT64_MAX, BOOT_MEMORY_RAM);
    check_range(0, LIMIT - 0x1000, 0x1000, BOOT_MEMORY_RAM);
    add(1, UINT64_MAX, 77);
    CHECK_EQUAL(map.count, 1);
    check_range(0, 1, LIMIT - 1, BOOT_MEMORY_RESERVED);
    add(0x5000, 0x1000, BOOT_MEMORY_HYPERVISOR);
    CHECK_EQUAL(map.count, 1);
}

static void test_claim(void)
{
    start();
    add(0x1000, 0x8000, BOOT_MEMORY_RAM);
    CHECK(!memory_map_claim(&map, 0, 0x1000, BOOT_MEMORY_MODULE));
    CHECK(!memory_map_claim(&map, 0x8000, 0x2000, BOOT_MEMORY_MODULE));
    CHECK(!memory_map_claim(&map, 0x2000, 0, BOOT_MEMORY_MODULE));
    CHECK(!memory_map_claim(&map, 0x2000, 0x800, BOOT_MEMORY_MODULE));
    CHECK(!memory_map_claim(&map, 0x2800, 0x1000, BOOT_MEMORY_MODULE));
    CHECK(!memory_map_claim(&map, 0x2000, UINT64_MAX - 0xfff, BOOT_MEMORY_MODULE));
    CHECK_EQUAL(map.count, 1);

    CHECK(memory_map_claim(&map, 0x2000, 0x1000, BOOT_MEMORY_MODULE));
    CHECK(!memory_map_claim(&map, 0x1000, 0x2000, BOOT_MEMORY_HYPERVISOR));
    CHECK(memory_map_claim(&map, 0x3000, 0x1000, BOOT_MEMORY_MODULE));
    CHECK_EQUAL(map.count, 3);
    check_range(1, 0x2000, 0x2000, BOOT_MEMORY_MODULE);
    CHECK(memory_map_claim(&map, 0x1000, 0x1000, BOOT_MEMORY_HYPERVISOR));
    CHECK(memory_map_claim(&map, 0x4000, 0x5000, BOOT_MEMORY_KERNEL));
    CHECK_EQUAL(map.count, 3);
    CHECK(memory_map_check(&map) == NULL);

    CHECK(memory_map_find(&map, 0x3fff) == &map.ranges[1]);
    CHECK(memory_map_find(&map, 0xfff) == NULL);
    CHECK(memory_map_find(&map, 0x9000) == NULL);
}

static void test_allocate(void)
{
    start();
    add(0, 0x8000, BOOT_MEMORY_RAM);
    add(16 * MIB, 16 * MIB, BOOT_MEMORY_RAM);
    CHECK_EQUAL(memory_map_allocate(&map, 0x3000, 0x1000, 0, UINT64_MAX, BOOT_MEMORY_BOOT_DATA),
                32 * MIB - 0x3000);
    CHECK_EQUAL(memory_map_allocate(&map, 2 * MIB, 2 * MIB, 0, UINT64_MAX, BOOT_MEMORY_HYPERVISOR),
                28 * MIB);
    CHECK_EQUAL(memory_map_allocate(&map, 0x1000, 0x1000, 0, 20 * MIB + 0x1800, BOOT_MEMORY_KERNEL),
                20 * MIB);
    CHECK_EQUAL(memory_map_allocate(&map, 0x2000, 0x1000, 0, 0x100000, BOOT_MEMORY_KERNEL), 0x6000);
    CHECK_EQUAL(memory_map_allocate(&map, 0x5000, 0x1000, 0, 0x100000, BOOT_MEMORY_KERNEL), 0x1000);
    /* Only page 0 is left below, and is not given out. */
    CHECK_EQUAL(memory_map_allocate(&map, 0x1000, 0x1000, 0, 0x100000, BOOT_MEMORY_KERNEL), 0);
    CHECK_EQUAL(memory_map_allocate(&map, 32 * MIB, 0x1000, 0, UINT64_MAX, BOOT_MEMORY_KERNEL), 0);
    CHECK_EQUAL(memory_map_allocate(&map, 0x800, 0x1000, 0, UINT64_MAX, BOOT_MEMORY_KERNEL), 0);
    CHECK_EQUAL(memory_map_allocate(&map, 0x1000, 0x1000, 40 * MIB, 30 * MIB, BOOT_MEMORY_KERNEL),
                0);
    CHECK(memory_map_check(&map) == NULL);
}

static void test_full(void)
{
    start();
    for (unsigned i = 0; i < MEMORY_MAP_MAX_RANGES - 1; i++)
        add(i * 0x4000ull, 0x3000, BOOT_MEMORY_RAM);

    struct memory_map before = map;

    CHECK(!memory_map_add(&map, LIMIT / 2, 0x1000, BOOT_MEMORY_RAM));
    CHECK(!memory_map_claim(&map, 0x1000, 0x1000, BOOT_MEMORY_MODULE));
    CHECK_EQUAL(memory_map_allocate(&map, 0x1000, 0x1000, 0, UINT64_MAX, BOOT_MEMORY_MODULE), 0);
    CHECK(memcmp(&before, &map, sizeof(map)) == 0);
}

int main(void)
{
    test_bios_map();
    test_overlaps();
    test_parts_of_pages();
    test_extremes();
    test_claim();
    test_allocate();
    test_full();
    return unit_result();
}
