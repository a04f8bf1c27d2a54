/* Hypercalls about memory: what is deposited, and what a child sees. */
#include "tests/unit/hypercall_machine.h"

static void test_deposit(void)
{
    uint64_t id = HV_PARTITION_ID_SELF;
    unsigned done;

    start();
    memset(machine + 0x100 * PAGE_SIZE, 0xee, 64 * PAGE_SIZE);
    flushes = 0;
    CHECK_EQUAL(deposit(id, 0x100, 64, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(done, 64);
    CHECK_EQUAL(flushes, 2);
    CHECK_EQUAL(balance(id).pages_available, 64);
    CHECK_EQUAL(balance(id).pages_in_use, 0);
    CHECK(!look(1, 0x100).present && !look(1, 0x13f).present);
    CHECK(look(1, 0xff).present && look(1, 0x140).present);
    CHECK(partition_memory(&root_partition, gpa(0x100 * PAGE_SIZE), 8, false) == NULL);

    /* Again, the hypervisor's, beyond memory; the first elements stay done. */
    CHECK_EQUAL(deposit(id, 0x100, 1, &done), HV_STATUS_ACCESS_DENIED);
    CHECK_EQUAL(deposit(id, RAM_END / PAGE_SIZE - 2, 4, &done), HV_STATUS_ACCESS_DENIED);
    CHECK_EQUAL(done, 2);
    CHECK_EQUAL(deposit(id, 1ull << 52, 1, &done), HV_STATUS_ACCESS_DENIED);
    CHECK_EQUAL(deposit(77, 0x200, 1, &done), HV_STATUS_INVALID_PARTITION_ID);
    CHECK_EQUAL(balance(id).pages_available, 66);

    struct hv_input_withdraw_memory input = {.partition_id = id};
    CHECK_EQUAL(rep(HVCALL_WITHDRAW_MEMORY, &input, sizeof(input), NULL, 100, &done),
                HV_STATUS_OPERATION_DENIED);
    CHECK_EQUAL(done, 66);
    for (unsigned i = 0; i < done; i++) {
        uint64_t page = ((uint64_t *)(machine + OUTPUT))[i];
        CHECK(look(1, page).present);
        CHECK_EQUAL(page_owner_get(spa(page * PAGE_SIZE)).state, PAGE_ROOT);
        CHECK_EQUAL(machine[page * PAGE_SIZE] | machine[page * PAGE_SIZE + 4095], 0);
    }
    CHECK_EQUAL(balance(id).pages_available, 0);
}

static void test_map(void)
{
    uint64_t id = create_active(16);
    unsigned done;
    struct partition *child = partition_get(&root_partition, id);

    CHECK_EQUAL(map(id, 5, HV_MAP_GPA_READABLE, 0x300, 1, 2, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(look(id, 6).physical, 0x301 * PAGE_SIZE);
    CHECK_EQUAL(look(id, 6).entry & (PTE_WRITABLE | PTE_NO_EXECUTE), PTE_NO_EXECUTE);
    CHECK_EQUAL(mapped(0x301), 1);
    CHECK(partition_memory(child, gpa(5 * PAGE_SIZE + 8), 8, false) ==
          machine + 0x300 * PAGE_SIZE + 8);
    CHECK(partition_memory(child, gpa(5 * PAGE_SIZE + 8), 8, true) == NULL);
    CHECK(partition_memory(child, gpa(5 * PAGE_SIZE + 4090), 8, false) == NULL);
    CHECK(partition_memory(child, gpa(7 * PAGE_SIZE), 8, false) == NULL);
    CHECK(partition_memory(child, gpa(1ull << 48 | 5 * PAGE_SIZE), 8, false) == NULL);
    CHECK_EQUAL(deposit(id, 0x300, 1, &done), HV_STATUS_ACCESS_DENIED);

    /* What is replaced is free only after a flush. */
    first_lp.flush_pending = false;
    CHECK_EQUAL(map(id, 5, RWX, 0x310, 1, 1, &done), HV_STATUS_SUCCESS);
    CHECK(first_lp.flush_pending);
    CHECK_EQUAL(mapped(0x300), 0);
    CHECK_EQUAL(mapped(0x310), 1);
    CHECK(partition_memory(child, gpa(5 * PAGE_SIZE), 8, true) == machine + 0x310 * PAGE_SIZE);

    CHECK_EQUAL(map(id, 5, RWX, RAM_END / PAGE_SIZE, 1, 1, &done), HV_STATUS_ACCESS_DENIED);
    CHECK_EQUAL(map(id, 5, RWX, 0x100, 1, 1, &done), HV_STATUS_ACCESS_DENIED);
    CHECK_EQUAL(map(id, 5, RWX, 1ull << 52, 1, 1, &done), HV_STATUS_ACCESS_DENIED);
    CHECK_EQUAL(map(id, 5, RWX | 0x10, 0x300, 1, 1, &done), HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(map(id, 5, HV_MAP_GPA_WRITABLE, 0x300, 1, 1, &done), HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(map(id, (1ull << 36) - 1, RWX, 0x300, 1, 2, &done), HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(done, 1);
    CHECK_EQUAL(map(id, UINT64_MAX, RWX, 0x300, 1, 2, &done), HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(map(1, 5, RWX, 0x300, 1, 1, &done), HV_STATUS_INVALID_PARTITION_ID);
    CHECK_EQUAL(mapped(0x300), 1); /* at the last page of all */
    partition_put(child);
}

static void check_counts(uint64_t first, unsigned count, unsigned expected)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(mapped(first + i), expected);
}

static void test_large(void)
{
    uint64_t id = create_active(16);
    unsigned done;

    /* 512 small ones become a large one, which gives its table back. */
    uint64_t in_use = balance(id).pages_in_use;
    CHECK_EQUAL(map(id, 0x400, RWX, 0x400, 1, 256, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(map(id, 0x500, RWX, 0x500, 1, 256, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(look(id, 0x4ff).level, 1);
    CHECK_EQUAL(look(id, 0x4ff).physical, 0x4ff * PAGE_SIZE);
    CHECK_EQUAL(balance(id).pages_in_use, in_use + 2);
    check_counts(0x400, 512, 1);

    /* One of them goes: the others stay. */
    CHECK_EQUAL(unmap(id, 0x410, 0, 1, &done), HV_STATUS_SUCCESS);
    CHECK(!look(id, 0x410).present && look(id, 0x40f).present && look(id, 0x411).present);
    CHECK_EQUAL(mapped(0x410), 0);
    CHECK_EQUAL(mapped(0x411), 1);

    /* A large one instead of what is left, and at once over another GPA. */
    CHECK_EQUAL(map(id, 0x400, RWX | HV_MAP_GPA_LARGE_PAGE, 0x600, 512, 2, &done),
                HV_STATUS_SUCCESS);
    CHECK_EQUAL(look(id, 0x410).level, 1);
    CHECK_EQUAL(look(id, 0x610).physical, 0x810 * PAGE_SIZE);
    check_counts(0x400, 512, 0);
    check_counts(0x600, 1024, 1);

    /* Small reps over a large page take it at once, without memory for a table. */
    in_use = balance(id).pages_in_use;
    CHECK_EQUAL(unmap(id, 0x400, 0, 512, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(done, 512);
    CHECK_EQUAL(balance(id).pages_in_use, in_use);
    check_counts(0x600, 512, 0);
    CHECK_EQUAL(unmap(id, 0x600, HV_UNMAP_GPA_LARGE_PAGE, 1, &done), HV_STATUS_SUCCESS);
    check_counts(0x800, 512, 0);

    CHECK_EQUAL(map(id, 0x401, RWX | HV_MAP_GPA_LARGE_PAGE, 0x600, 512, 1, &done),
                HV_STATUS_INVALID_ALIGNMENT);
    CHECK_EQUAL(map(id, 0x400, RWX | HV_MAP_GPA_LARGE_PAGE, 0x601, 512, 1, &done),
                HV_STATUS_INVALID_ALIGNMENT);
    CHECK_EQUAL(unmap(id, 0x401, HV_UNMAP_GPA_LARGE_PAGE, 1, &done), HV_STATUS_INVALID_ALIGNMENT);
    /* A part of it is not the root's: nothing of it is mapped or counted. */
    CHECK_EQUAL(map(id, 0x400, RWX | HV_MAP_GPA_LARGE_PAGE, 0, 512, 1, &done),
                HV_STATUS_ACCESS_DENIED);
    check_counts(0, 512, 0);
    CHECK(!look(id, 0x400).present);
}

static void test_no_memory(void)
{
    uint64_t id = create_active(4); /* the top table, and three below it */
    unsigned done;

    CHECK_EQUAL(map(id, 0x400, RWX, 0x400, 1, 1, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(map(id, 0x800, RWX, 0x500, 1, 2, &done), HV_STATUS_INSUFFICIENT_MEMORY);
    CHECK_EQUAL(done, 0);
    CHECK_EQUAL(mapped(0x500), 0);
    CHECK_EQUAL(map(id, 0x800, RWX | HV_MAP_GPA_LARGE_PAGE, 0x600, 512, 1, &done),
                HV_STATUS_SUCCESS);
    CHECK_EQUAL(unmap(id, 0x810, 0, 1, &done), HV_STATUS_INSUFFICIENT_MEMORY);
    check_counts(0x600, 512, 1);
    CHECK_EQUAL(deposit(id, 0x180, 1, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(unmap(id, 0x810, 0, 1, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(mapped(0x610), 0);

    /* Finalizing gives everything back, and forgets all mappings. */
    CHECK_EQUAL(on_partition(HVCALL_FINALIZE_PARTITION, id), HV_STATUS_SUCCESS);
    CHECK_EQUAL(balance(id).pages_available, 5);
    CHECK_EQUAL(balance(id).pages_in_use, 0);
    check_counts(0x400, 0x600, 0);
}

static void test_access_states(void)
{
    uint64_t id = create_active(16);
    struct partition *child = partition_get(&root_partition, id);
    struct hv_input_get_gpa_pages_access_states input = {.partition_id = id, .gpa_page = 0x400};
    uint8_t *states = machine + OUTPUT;
    unsigned done;

    CHECK_EQUAL(map(id, 0x400, RWX | HV_MAP_GPA_LARGE_PAGE, 0x400, 512, 1, &done),
                HV_STATUS_SUCCESS);
    CHECK_EQUAL(map(id, 0x600, RWX, 0x600, 1, 1, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(rep(HVCALL_GET_GPA_PAGES_ACCESS_STATES, &input, sizeof(input), NULL, 1, &done),
                HV_STATUS_OPERATION_DENIED);
    child->access_tracking = true;
    input.flags = HV_GPA_ACCESS_STATE_CLEAR_DIRTY;
    flushes = 0;
    child->flush_lps[0] = 2;
    CHECK_EQUAL(rep(HVCALL_GET_GPA_PAGES_ACCESS_STATES, &input, sizeof(input), NULL, 514, &done),
                HV_STATUS_SUCCESS);
    CHECK_EQUAL(flushes, 1);
    for (unsigned i = 0; i < 513; i++)
        CHECK_EQUAL(states[i], HV_GPA_ACCESS_STATE_ACCESSED | HV_GPA_ACCESS_STATE_DIRTY);
    CHECK_EQUAL(states[513], 0);
    CHECK(partition_memory(child, gpa(0x600 * PAGE_SIZE), 1, false) != NULL);
    CHECK_EQUAL(look(id, 0x600).entry & PTE_DIRTY, 0);
    CHECK(partition_memory(child, gpa(0x400 * PAGE_SIZE), 1, true) != NULL);
    CHECK_EQUAL(look(id, 0x5ff).entry & PTE_DIRTY, PTE_DIRTY);
    partition_put(child);
}

/* Under the hypercall page nothing is merged, and what was shown meanwhile is flushed. */
static void test_overlay(void)
{
    uint64_t id = create_active(16);
    unsigned done;

    overlay = true;
    CHECK_EQUAL(map(id, 0, RWX | HV_MAP_GPA_LARGE_PAGE, 0x400, 512, 1, &done), HV_STATUS_SUCCESS);
    partition_use_here(partition_get(&root_partition, id));
    first_lp.flush_pending = false;
    CHECK_EQUAL(unmap(id, 0, 0, 1, &done), HV_STATUS_SUCCESS);
    CHECK(first_lp.flush_pending);
    first_lp.flush_pending = false;
    CHECK_EQUAL(map(id, 0, RWX, 0x400, 1, 1, &done), HV_STATUS_SUCCESS);
    CHECK(first_lp.flush_pending);
}

int main(void)
{
    test_deposit();
    test_map();
    test_large();
    test_no_memory();
    test_access_states();
    test_overlay();
    return unit_result();
}
