/* The dispatcher of hypercalls, and the life of a partition. */
#include "tests/unit/hypercall_machine.h"

static void test_dispatcher(void)
{
    enum exit_mode mode = exit_mode(3, true, true);
    unsigned done;

    start();
    CHECK_EQUAL(call_value(&root_vp, 0x1), HV_STATUS_INVALID_HYPERCALL_CODE);
    CHECK_EQUAL(call_value(&root_vp, 0x146), HV_STATUS_INVALID_HYPERCALL_CODE);
    CHECK_EQUAL(call_value(&root_vp, 0x87ff), HV_STATUS_INVALID_HYPERCALL_CODE);
    CHECK_EQUAL(call_value(&root_vp, 0x8806), HV_STATUS_INVALID_HYPERCALL_CODE);
    CHECK_EQUAL(call_value(&root_vp, 0xffff), HV_STATUS_INVALID_HYPERCALL_CODE);
    CHECK_EQUAL(call_value(&root_vp, HVCALL_GET_PARTITION_ID), HV_STATUS_SUCCESS);
    CHECK_EQUAL(*(uint64_t *)(machine + OUTPUT), HV_PARTITION_ID_ROOT);
    for (unsigned bit = 17; bit < 64; bit++)
        CHECK_EQUAL(call_value(&root_vp, HVCALL_GET_PARTITION_ID | 1ull << bit),
                    HV_STATUS_INVALID_HYPERCALL_INPUT);
    CHECK_EQUAL(call_value(&root_vp, HVCALL_GET_PARTITION_ID | HV_HYPERCALL_FAST),
                HV_STATUS_INVALID_HYPERCALL_INPUT);
    CHECK_EQUAL(call_value(&root_vp, HVCALL_DEPOSIT_MEMORY), HV_STATUS_INVALID_HYPERCALL_INPUT);
    CHECK_EQUAL(call_value(&root_vp, HVCALL_DEPOSIT_MEMORY | 2ull << 32 | 2ull << 48),
                HV_STATUS_INVALID_HYPERCALL_INPUT);
    CHECK_EQUAL(deposit(HV_PARTITION_ID_SELF, 0x80, 0, &done), HV_STATUS_INVALID_HYPERCALL_INPUT);
    /* The list would cross a page. */
    CHECK_EQUAL(rep(HVCALL_DEPOSIT_MEMORY, &(uint64_t){1}, 8, NULL, 512, &done),
                HV_STATUS_INVALID_ALIGNMENT);

    /* Banks of a sparse set. */
    CHECK_EQUAL(call_value(&root_vp, HVCALL_SEND_SYNTHETIC_CLUSTER_IPI_EX | 8ull << 17), 0);
    CHECK_EQUAL(last_input_size, 24 + 64);
    CHECK_EQUAL(call_value(&root_vp, HVCALL_SEND_SYNTHETIC_CLUSTER_IPI_EX | 9ull << 17),
                HV_STATUS_INVALID_HYPERCALL_INPUT);

    root_vp.gpr[GPR_RCX] = HVCALL_GET_PARTITION_ID;
    CHECK_EQUAL(exit_hypercall(&root_vp, mode, 0), EXIT_UD);
    root_vp.gpr[GPR_RCX] = HVCALL_VENEER_DISPATCH_VP | HV_HYPERCALL_FAST;
    CHECK_EQUAL(exit_hypercall(&root_vp, mode, 0), EXIT_RETRY);
    CHECK_EQUAL(root_vp.gpr[GPR_RAX], EXIT_MODE_USER_64);
    mode = exit_mode(0, false, false);
    CHECK_EQUAL(exit_hypercall(&root_vp, mode, 0), EXIT_RETRY); /* that function's business */
    root_vp.gpr[GPR_RCX] = HVCALL_GET_PARTITION_ID;
    CHECK_EQUAL(exit_hypercall(&root_vp, mode, 0), EXIT_UD);
    root_partition.guest_os_id = 0;
    CHECK_EQUAL(exit_hypercall(&root_vp, kernel, 0), EXIT_UD);
}

static void test_fast_and_32_bit(void)
{
    enum exit_mode mode = exit_mode(0, true, false);
    volatile uint64_t *gpr = root_vp.own_gpr;

    start();
    gpr[GPR_RCX] = HVCALL_SIGNAL_EVENT | HV_HYPERCALL_FAST;
    gpr[GPR_RDX] = 7 | 9ull << 32;
    CHECK_EQUAL(exit_hypercall(&root_vp, kernel, 0), EXIT_SKIP);
    CHECK_EQUAL(gpr[GPR_RAX], HV_STATUS_SUCCESS);

    /* Upper halves do not count. */
    gpr[GPR_RAX] = HVCALL_SIGNAL_EVENT | HV_HYPERCALL_FAST | 1ull << 40;
    gpr[GPR_RDX] = 1ull << 33;
    gpr[GPR_RBX] = 9 | 1ull << 50;
    gpr[GPR_RCX] = 7 | 1ull << 60;
    CHECK_EQUAL(exit_hypercall(&root_vp, mode, 0), EXIT_SKIP);
    CHECK_EQUAL(gpr[GPR_RAX], HV_STATUS_SUCCESS);
    CHECK_EQUAL(gpr[GPR_RDX], 0);
    gpr[GPR_RAX] = HVCALL_GET_PARTITION_ID;
    gpr[GPR_RDX] = 0;
    gpr[GPR_RDI] = 0;
    gpr[GPR_RSI] = OUTPUT + 8;
    CHECK_EQUAL(exit_hypercall(&root_vp, mode, 0), EXIT_SKIP);
    CHECK_EQUAL(*(uint64_t *)(machine + OUTPUT + 8), HV_PARTITION_ID_ROOT);
}

static void test_life(void)
{
    struct hv_input_create_partition input = {.flags = HV_PARTITION_CREATION_LAPIC_ENABLED};
    unsigned done;

    start();
    CHECK_EQUAL(simple(HVCALL_CREATE_PARTITION, &input, sizeof(input)),
                HV_STATUS_INSUFFICIENT_MEMORY);
    CHECK_EQUAL(deposit(HV_PARTITION_ID_SELF, 0x80, 2, &done), HV_STATUS_SUCCESS);
    input.isolation = 1;
    CHECK_EQUAL(simple(HVCALL_CREATE_PARTITION, &input, sizeof(input)),
                HV_STATUS_INVALID_PARAMETER);
    uint64_t id = create(), other = create();
    CHECK(id != other);
    CHECK_EQUAL(on_partition(HVCALL_INITIALIZE_PARTITION, id), HV_STATUS_INSUFFICIENT_MEMORY);
    CHECK_EQUAL(on_partition(HVCALL_DELETE_PARTITION, other), HV_STATUS_SUCCESS);
    CHECK_EQUAL(on_partition(HVCALL_DELETE_PARTITION, other), HV_STATUS_INVALID_PARTITION_ID);
    uint64_t third = create(); /* in the same slot */
    CHECK_EQUAL(PARTITION_NUMBER(third), PARTITION_NUMBER(other));
    CHECK(third != other);
    CHECK_EQUAL(on_partition(HVCALL_FINALIZE_PARTITION, other), HV_STATUS_INVALID_PARTITION_ID);
    CHECK_EQUAL(on_partition(HVCALL_FINALIZE_PARTITION, 1), HV_STATUS_INVALID_PARTITION_ID);

    CHECK_EQUAL(deposit(id, 0x100, 3, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(on_partition(HVCALL_INITIALIZE_PARTITION, id), HV_STATUS_SUCCESS);
    CHECK_EQUAL(on_partition(HVCALL_INITIALIZE_PARTITION, id), HV_STATUS_INVALID_PARTITION_STATE);
    CHECK_EQUAL(on_partition(HVCALL_DELETE_PARTITION, id), HV_STATUS_OBJECT_IN_USE);
    CHECK_EQUAL(on_partition(HVCALL_FINALIZE_PARTITION, id), HV_STATUS_SUCCESS);
    CHECK_EQUAL(on_partition(HVCALL_FINALIZE_PARTITION, id), HV_STATUS_INVALID_PARTITION_STATE);
    CHECK_EQUAL(map(id, 0, RWX, 0x300, 1, 1, &done), HV_STATUS_INVALID_PARTITION_STATE);
    CHECK_EQUAL(balance(id).pages_available, 3);
    CHECK_EQUAL(on_partition(HVCALL_DELETE_PARTITION, id), HV_STATUS_OBJECT_IN_USE);
    CHECK_EQUAL(
        rep(HVCALL_WITHDRAW_MEMORY, &id, sizeof(struct hv_input_withdraw_memory), NULL, 3, &done),
        HV_STATUS_SUCCESS);
    CHECK_EQUAL(on_partition(HVCALL_DELETE_PARTITION, id), HV_STATUS_SUCCESS);
    CHECK_EQUAL(balance(1).pages_in_use, 1);
}

/* A child reaches nothing of the root's calls, and nobody but itself. */
static void test_child_calls(void)
{
    uint64_t id = create_active(16);
    struct partition *child = partition_get(&root_partition, id);
    static struct vp vp;
    unsigned done;

    vp = (struct vp){.partition = child, .gpr = vp.own_gpr, .statistics = &statistics};
    CHECK_EQUAL(map(id, INPUT / PAGE_SIZE, RWX, 0x300, 1, 2, &done), HV_STATUS_SUCCESS);
    child->guest_os_id = 1;
    for (uint32_t code = 0; code < 0x10000; code++) {
        const struct hypercall_entry *entry = find(code);
        if (!(entry->flags & ROOT))
            continue;
        CHECK_EQUAL(call_value(&vp, code | (entry->flags & REP ? 1ull << 32 : 0)),
                    HV_STATUS_ACCESS_DENIED);
    }
    CHECK_EQUAL(call_value(&vp, HVCALL_VENEER_DISPATCH_VP | HV_HYPERCALL_FAST),
                HV_STATUS_INVALID_HYPERCALL_CODE);
    CHECK_EQUAL(call_value(&vp, HVCALL_GET_PARTITION_ID), HV_STATUS_SUCCESS);
    CHECK_EQUAL(*(uint64_t *)(machine + 0x301 * PAGE_SIZE), id);
    child->privileges = 0;
    CHECK_EQUAL(call_value(&vp, HVCALL_GET_PARTITION_ID), HV_STATUS_ACCESS_DENIED);
    CHECK(partition_get(child, HV_PARTITION_ID_ROOT) == NULL);
    CHECK(partition_get(child, HV_PARTITION_ID_SELF) == child);
    partition_put(child);
    partition_put(child);
    CHECK_EQUAL(child->references, 0);
}

int main(void)
{
    test_dispatcher();
    test_fast_and_32_bit();
    test_life();
    test_child_calls();
    return unit_result();
}
