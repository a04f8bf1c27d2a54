/* The records of pages: each change from each state, and the limits of the mapping count. */
#include "hypervisor/page_owner.c"

#include "tests/unit/unit.h"

#define PAGES 8
#define CHILD 2
#define OTHER 3

#define ROOT_PAGE spa(1 * PAGE_SIZE)
#define HYPERVISOR_PAGE spa(4 * PAGE_SIZE)
#define DEVICE_PAGE spa(6 * PAGE_SIZE)
#define BEYOND spa(PAGES *PAGE_SIZE)

static struct page_record memory[PAGES];

spa_t pool_take(uint64_t pages)
{
    CHECK_EQUAL(pages, 1);
    return spa((uint64_t)memory - PHYSMAP_BASE);
}

static void start(void)
{
    static const struct memory_map map = {
        .count = 3,
        .ranges = {{.base = 0, .size = 4 * PAGE_SIZE, .type = BOOT_MEMORY_RAM},
                   {.base = 4 * PAGE_SIZE, .size = 2 * PAGE_SIZE, .type = BOOT_MEMORY_HYPERVISOR},
                   {.base = 7 * PAGE_SIZE, .size = PAGE_SIZE, .type = BOOT_MEMORY_RAM}},
    };

    memset(memory, 0, sizeof(memory));
    page_owner_init(&map);
}

static void check(spa_t page, unsigned state, unsigned owner, unsigned mapped)
{
    struct page_record record = page_owner_get(page);

    CHECK_EQUAL(record.state, state);
    CHECK_EQUAL(record.owner, owner);
    CHECK_EQUAL(record.mapped, mapped);
}

static void test_deposit(void)
{
    start();
    CHECK(page_owner_deposit(ROOT_PAGE, CHILD));
    check(ROOT_PAGE, PAGE_DEPOSITED, CHILD, 0);
    CHECK(!page_owner_deposit(ROOT_PAGE, CHILD));
    CHECK(!page_owner_deposit(ROOT_PAGE, OTHER));
    CHECK(!page_owner_map(ROOT_PAGE));
    CHECK(!page_owner_unmap(ROOT_PAGE));
    CHECK(!page_owner_withdraw(ROOT_PAGE, OTHER));
    check(ROOT_PAGE, PAGE_DEPOSITED, CHILD, 0);
    CHECK(page_owner_withdraw(ROOT_PAGE, CHILD));
    check(ROOT_PAGE, PAGE_ROOT, HV_PARTITION_ID_ROOT, 0);
    CHECK(!page_owner_withdraw(ROOT_PAGE, CHILD));
}

static void test_map(void)
{
    start();
    CHECK(!page_owner_unmap(ROOT_PAGE));
    CHECK(page_owner_map(ROOT_PAGE));
    CHECK(!page_owner_deposit(ROOT_PAGE, CHILD));
    check(ROOT_PAGE, PAGE_ROOT, HV_PARTITION_ID_ROOT, 1);
    for (unsigned i = 1; i < 255; i++)
        CHECK(page_owner_map(ROOT_PAGE));
    CHECK(!page_owner_map(ROOT_PAGE));
    check(ROOT_PAGE, PAGE_ROOT, HV_PARTITION_ID_ROOT, 255);
    for (unsigned i = 0; i < 255; i++)
        CHECK(page_owner_unmap(ROOT_PAGE));
    CHECK(!page_owner_unmap(ROOT_PAGE));
    CHECK(page_owner_deposit(ROOT_PAGE, CHILD));
}

static void test_others(void)
{
    static const spa_t pages[] = {
        {4 * PAGE_SIZE}, {6 * PAGE_SIZE}, {PAGES * PAGE_SIZE}, {UINT64_MAX}};

    start();
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        struct page_record before = page_owner_get(pages[i]);
        CHECK(!page_owner_deposit(pages[i], CHILD));
        CHECK(!page_owner_withdraw(pages[i], before.owner));
        CHECK(!page_owner_map(pages[i]));
        CHECK(!page_owner_unmap(pages[i]));
        check(pages[i], before.state, before.owner, 0);
    }
    check(HYPERVISOR_PAGE, PAGE_HYPERVISOR, 0, 0);
    check(DEVICE_PAGE, PAGE_DEVICE, 0, 0);
    check(BEYOND, PAGE_DEVICE, 0, 0);
    CHECK_EQUAL(page_owner_count(PAGE_ROOT), 5);
}

int main(void)
{
    test_deposit();
    test_map();
    test_others();
    return unit_result();
}
