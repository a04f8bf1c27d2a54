/* Unit test of parent/vid/partition_memory.c: which pages are mapped where, by which calls. */
#include <stdlib.h>

#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/vid/guest_memory.h"
#include "parent/vid/partition.h"
#include "tests/unit/unit.h"

#define GUEST_PAGES 4096u
#define BLOCK 0x40000000ull /* a 2 MiB boundary */

static uint64_t guest[GUEST_PAGES]; /* physical address of each guest page; 0: none */
static uint32_t calls, large_calls, calls_left;
static bool destroyed;

enum hv_status vid_map_gpa(struct deposits *deposits, uint64_t gpa_page, uint32_t map_flags,
                           const uint64_t *list, uint16_t count)
{
    bool large = map_flags & HV_MAP_GPA_LARGE_PAGE;
    uint64_t step = large ? PAGES_PER_BLOCK : 1;
    (void)deposits;
    CHECK(count > 0 && count <= VID_MAP_BATCH);
    if (calls_left == 0)
        return HV_STATUS_INSUFFICIENT_MEMORY;
    calls_left--;
    calls++;
    large_calls += large;
    CHECK(!large || gpa_page % PAGES_PER_BLOCK == 0);
    for (uint64_t i = 0; i < count; i++) {
        CHECK(!large || list[i] % PAGES_PER_BLOCK == 0);
        for (uint64_t k = 0; k < step; k++)
            guest[gpa_page + i * step + k] = (list[i] + k) << PAGE_SHIFT;
    }
    return HV_STATUS_SUCCESS;
}

enum hv_status vid_unmap_gpa(struct deposits *deposits, uint64_t gpa_page, uint64_t count)
{
    (void)deposits;
    for (uint64_t i = 0; i < count; i++)
        guest[gpa_page + i] = 0;
    return HV_STATUS_SUCCESS;
}

enum system_error partition_error(enum hv_status status)
{
    return status == HV_STATUS_SUCCESS ? SYSTEM_OK : SYSTEM_ERROR_MEMORY;
}

void mutex_lock(struct mutex *mutex)
{
    (void)mutex;
}

void mutex_unlock(struct mutex *mutex)
{
    (void)mutex;
}

void *heap_allocate(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

static void destroy(struct object *object)
{
    destroyed = true;
    free(CONTAINER_OF(object, struct memory_object, object));
}

/* @blocks blocks, not next to each other, and @singles pages, every other one. */
static struct memory_object *make_memory(uint64_t blocks, uint64_t singles)
{
    uint64_t count = blocks * PAGES_PER_BLOCK + singles;
    struct memory_object *memory = calloc(1, sizeof(*memory) + count * sizeof(memory->pages[0]));
    object_init(&memory->object, OBJECT_MEMORY, destroy);
    memory->page_count = count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t block = i / PAGES_PER_BLOCK;
        memory->pages[i] =
            block < blocks ? BLOCK + 2 * block * LARGE_PAGE_SIZE + i % PAGES_PER_BLOCK * PAGE_SIZE
                           : PAGE_SIZE + 2 * i * PAGE_SIZE;
    }
    destroyed = false;
    return memory;
}

static struct partition partition;

static void check_map(uint64_t blocks, uint64_t singles, uint64_t first, uint64_t gpa_page,
                      uint32_t expected_calls, uint32_t expected_large)
{
    struct memory_object *memory = make_memory(blocks, singles);
    uint64_t count = memory->page_count - first;
    calls = large_calls = 0;
    calls_left = UINT32_MAX;
    CHECK_EQUAL(partition_map(&partition, memory, first, count, gpa_page, SYSTEM_VM_READ),
                SYSTEM_OK);
    for (uint64_t i = 0; i < GUEST_PAGES; i++) {
        bool inside = i >= gpa_page && i < gpa_page + count;
        CHECK(guest[i] == (inside ? memory->pages[first + i - gpa_page] : 0));
    }
    CHECK_EQUAL(calls, expected_calls);
    CHECK_EQUAL(large_calls, expected_large);
    object_put(&memory->object);
    CHECK(!destroyed);
    CHECK_EQUAL(partition_map(&partition, memory, 0, 1, gpa_page + count - 1, SYSTEM_VM_READ),
                SYSTEM_ERROR_ARGUMENT);
    CHECK_EQUAL(partition_unmap(&partition, gpa_page + 1), SYSTEM_ERROR_ARGUMENT);
    CHECK_EQUAL(partition_unmap(&partition, gpa_page), SYSTEM_OK);
    CHECK(destroyed && partition.mapping_count == 0);
}

/* Nothing stays of a mapping that fails halfway. */
static void check_failure(void)
{
    struct memory_object *memory = make_memory(1, 100);
    calls_left = 2;
    CHECK_EQUAL(partition_map(&partition, memory, 0, memory->page_count, 512, SYSTEM_VM_READ),
                SYSTEM_ERROR_MEMORY);
    for (uint64_t i = 0; i < GUEST_PAGES; i++)
        CHECK(guest[i] == 0);
    CHECK_EQUAL(memory->object.references, 1);
    CHECK(list_empty(&partition.mappings) && partition.mapping_count == 0);
    object_put(&memory->object);
}

static void map(struct memory_object *memory, uint64_t gpa_page, uint32_t access)
{
    CHECK_EQUAL(partition_map(&partition, memory, 1, 3, gpa_page, access), SYSTEM_OK);
}

/* Memory that is held is what the child may write, stays, and is found page by page. */
static void check_held(void)
{
    struct memory_object *memory = make_memory(0, 4);
    const uint32_t access = SYSTEM_VM_READ | SYSTEM_VM_WRITE;
    struct guest_memory_range found;
    calls_left = UINT32_MAX;
    map(memory, 100, access);
    map(memory, 20, access);
    map(memory, 50, SYSTEM_VM_READ);
    struct guest_memory *held = guest_memory_hold(&partition);
    CHECK(!guest_memory_hold(&partition));
    map(memory, 200, access);
    for (uint64_t page = 0; page < 210; page++) {
        uint64_t start = page < 100 ? 20 : 100;
        bool inside = page >= start && page < start + 3;
        CHECK_EQUAL(guest_memory_find(held, page, &found), inside);
        CHECK(!inside || (found.gpa_page == start && found.page_count == 3 &&
                          found.addresses == memory->pages + 1));
    }
    CHECK(!guest_memory_find(held, UINT64_MAX, &found));
    CHECK_EQUAL(partition_unmap(&partition, 100), SYSTEM_ERROR_BUSY);
    CHECK_EQUAL(partition_unmap(&partition, 50), SYSTEM_OK);
    CHECK_EQUAL(partition_unmap(&partition, 200), SYSTEM_OK);
    guest_memory_release(&partition, held);
    CHECK_EQUAL(partition_unmap(&partition, 100), SYSTEM_OK);
    CHECK_EQUAL(partition_unmap(&partition, 20), SYSTEM_OK);
    object_put(&memory->object);
    CHECK(destroyed);
}

int main(void)
{
    list_init(&partition.mappings);
    check_map(2, 0, 0, 0, 1, 1);
    check_map(2, 3, 0, 512, 2, 1);   /* large ones, then small ones */
    check_map(2, 3, 0, 1, 17, 0);    /* not aligned on the child's side */
    check_map(2, 0, 1, 0, 16, 0);    /* nor on ours: the blocks are not next to each other */
    check_map(2, 0, 511, 511, 2, 1); /* a page, then a large one */
    check_map(0, 600, 0, 0, 10, 0);  /* no blocks at all */
    check_failure();
    check_held();
    return unit_result();
}
