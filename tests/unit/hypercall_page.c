/* The hypercall page: what it covers comes back as it was, and never after it has been taken away.
 */
#include "hypervisor/hypercall_page.h"
#include "hypervisor/hw.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/pool.h"
#include "include/hv/msr.h"
#include "tests/table_pages.h"
#include "tests/unit/unit.h"

#include "hypervisor/hypercall_page.c"

#define OVERLAY_FLAGS (PTE_PRESENT | PTE_USER)
#define RAM_FLAGS (PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_DIRTY)
#define OUR_PAGE 0x77000ull
#define RAM 0x80000000ull /* where the child's memory is */
#define LARGE 0x200000ull /* address of a large page */
#define ENABLED(address) ((address) | HV_X64_MSR_HYPERCALL_ENABLE)

static uint64_t nested_flags(unsigned access, enum memory_type type)
{
    (void)access, (void)type;
    return OVERLAY_FLAGS;
}

static const struct hw_ops ops = {.nested_flags = nested_flags};
const struct hw_ops *hw = &ops;
struct partition root_partition = {.hypercall_page = {OUR_PAGE}};
static struct partition child = {.guest_os_id = 1};
static enum page_state owner_state = PAGE_ROOT;
static unsigned flushes;

spa_t pool_take(uint64_t pages)
{
    return spa(pages);
}

void spin_lock(struct spinlock *lock)
{
    CHECK(!lock->taken);
    lock->taken = 1;
}

void spin_unlock(struct spinlock *lock)
{
    lock->taken = 0;
}

void partition_flush(struct partition *partition)
{
    CHECK(partition->lock.taken);
    flushes++;
}

struct page_record page_owner_get(spa_t address)
{
    (void)address;
    return (struct page_record){.state = (uint8_t)owner_state};
}

void *partition_memory(struct partition *partition, gpa_t address, uint64_t size, bool write)
{
    struct page_table_walk walk = page_table_lookup(&partition->nested, address.value);

    (void)size, (void)write;
    return walk.present && walk.physical >= RAM ? (void *)1 : NULL;
}

static uint64_t leaf(uint64_t address)
{
    struct page_table_walk walk = page_table_lookup(&child.nested, address);
    return walk.present ? walk.physical | (walk.entry & 0xf7f) : 0;
}

static void start(void)
{
    child.nested = table_pages_start(2);
    child.hypercall_msr = 0;
    page_table_map(&child.nested, 0x1000, RAM + 0x1000, 0x4000, RAM_FLAGS);
    page_table_map(&child.nested, LARGE, RAM + LARGE, LARGE, RAM_FLAGS);
}

static void test_overlay(void)
{
    start();
    CHECK(hypercall_page_set(&child, ENABLED(0x2000)));
    CHECK_EQUAL(leaf(0x2000), OUR_PAGE | OVERLAY_FLAGS);
    CHECK(hypercall_page_covers(&child, gpa(0x2fff)) &&
          !hypercall_page_covers(&child, gpa(0x3000)));
    CHECK(hypercall_page_set(&child, ENABLED(LARGE + 0x5000))); /* moved, into a large page */
    CHECK_EQUAL(leaf(0x2000), (RAM + 0x2000) | RAM_FLAGS);
    CHECK_EQUAL(leaf(LARGE + 0x5000), OUR_PAGE | OVERLAY_FLAGS);
    CHECK_EQUAL(leaf(LARGE + 0x6000), (RAM + LARGE + 0x6000) | RAM_FLAGS);
    flushes = 0;
    CHECK(hypercall_page_set(&child, ENABLED(LARGE + 0x5000))); /* again */
    CHECK_EQUAL(flushes, 0);
    hypercall_page_set_guest_os_id(&child, 0);
    CHECK_EQUAL(leaf(LARGE + 0x5000), (RAM + LARGE + 0x5000) | RAM_FLAGS);
    CHECK_EQUAL(flushes, 1);
    CHECK(hypercall_page_set(&child, ENABLED(0x2000)));
    CHECK_EQUAL(child.hypercall_msr, 0x2000);
    hypercall_page_set_guest_os_id(&child, 1);
}

static void test_refusals(void)
{
    start();
    CHECK(!hypercall_page_set(&child, ENABLED(0x9000)));
    CHECK(!hypercall_page_set(&child, ENABLED(0x2004)));
    CHECK(!hypercall_page_set(&child, ENABLED(1ull << 48 | 0x2000))); /* a second name of 2000h */
    table_pages_limit = table_pages_used;
    CHECK(!hypercall_page_set(&child, ENABLED(LARGE)));
    CHECK_EQUAL(leaf(LARGE), (RAM + LARGE) | RAM_FLAGS);
    CHECK_EQUAL(child.hypercall_msr, 0);
    CHECK(hypercall_page_set(&child, ENABLED(0x2000)));
    CHECK(!hypercall_page_set(&child, ENABLED(LARGE)));
    CHECK_EQUAL(leaf(0x2000), OUR_PAGE | OVERLAY_FLAGS);
    CHECK(hypercall_page_set(&child, 0));
    CHECK_EQUAL(leaf(0x2000), (RAM + 0x2000) | RAM_FLAGS);
    CHECK(hypercall_page_set(&child, ENABLED(0x2000) | HV_X64_MSR_HYPERCALL_LOCKED));
    CHECK(!hypercall_page_set(&child, 0));
}

/* The parent takes the page away, or puts another one there. */
static void test_mapping_changes(void)
{
    start();
    CHECK(hypercall_page_set(&child, ENABLED(0x3000)));
    CHECK(!hypercall_page_hide(&child, gpa(0x4000), UINT64_MAX - 0x4000));
    CHECK(!hypercall_page_hide(&child, gpa(0x1000), 0x2000));
    CHECK(hypercall_page_hide(&child, gpa(0x1000), 0x3000));
    CHECK_EQUAL(leaf(0x3000), (RAM + 0x3000) | RAM_FLAGS);
    page_table_unmap(&child.nested, 0x1000, 0x3000);
    hypercall_page_show(&child);
    CHECK_EQUAL(leaf(0x3000), OUR_PAGE | OVERLAY_FLAGS);
    CHECK(hypercall_page_hide(&child, gpa(0x3000), PAGE_SIZE));
    CHECK_EQUAL(leaf(0x3000), 0);
    page_table_map(&child.nested, 0x3000, RAM + 0x9000, PAGE_SIZE, RAM_FLAGS);
    hypercall_page_show(&child);
    CHECK(hypercall_page_set(&child, 0));
    CHECK_EQUAL(leaf(0x3000), (RAM + 0x9000) | RAM_FLAGS);
    CHECK(!hypercall_page_hide(&child, gpa(0), UINT64_MAX));
}

int main(void)
{
    test_overlay();
    test_refusals();
    test_mapping_changes();
    return unit_result();
}
