/* Hypercalls about partitions and their memory, from the dispatcher to the page tables, on a
 * machine of 16 MiB with two LPs that are both this thread. */
#include "lib/x86/cpu.h"
#include "tests/unit/unit.h"

/* In place of hypervisor/address.h: system physical memory is an array. */
#define VENEER_HYPERVISOR_ADDRESS_H
#define MACHINE_SIZE 0x1000000ull
#define LP_AREA_BASE 0xfffffe0000000000ull

typedef struct {
    uint64_t value;
} spa_t;
typedef struct {
    uint64_t value;
} gpa_t;

static uint8_t machine[MACHINE_SIZE] __attribute__((aligned(4096)));

static inline spa_t spa(uint64_t value)
{
    return (spa_t){value};
}

static inline gpa_t gpa(uint64_t value)
{
    return (gpa_t){value};
}

static inline void *spa_to_va(spa_t address)
{
    return machine + address.value;
}

static inline spa_t va_to_spa(const void *va)
{
    return spa((uint64_t)((const uint8_t *)va - machine));
}

/* The LP is not found by the stack pointer. */
#define this_lp lp_by_stack
#include "hypervisor/lp.h"
#undef this_lp
static struct lp first_lp;
static inline struct lp *this_lp(void)
{
    return &first_lp;
}

#include "hypervisor/page_owner.c"
#include "hypervisor/partition.c"
#undef FIRST_CHILD_NUMBER
#include "hypervisor/hypercall.c"
#include "hypervisor/hypercall_memory.c"
#include "hypervisor/hypercall_partition.c"

#define RAM_END 0xc00000ull /* what is above is the hypervisor's */
#define MIB2 0x200000ull
#define INPUT 0x10000ull /* the caller's blocks */
#define OUTPUT 0x11000ull

/* --- What the code under test calls --- */

static uint64_t pool_next;
static unsigned flushes, lock_depth;
static bool overlay; /* the child's hypercall page is at GPA 0 */

uint32_t lp_count = 2;

spa_t pool_take(uint64_t pages)
{
    spa_t page = spa(pool_next);
    pool_next += pages * PAGE_SIZE;
    return page;
}

void spin_lock(struct spinlock *lock)
{
    CHECK_EQUAL(lock->taken, 0);
    lock->taken = 1;
    lock_depth++;
}

void spin_unlock(struct spinlock *lock)
{
    CHECK_EQUAL(lock->taken, 1);
    lock->taken = 0;
    lock_depth--;
}

uint32_t lp_request(struct lp *target, enum lp_request request)
{
    CHECK(target == lp_by_index(1));
    flushes += request == LP_REQUEST_FLUSH;
    return 0;
}

void lp_wait(struct lp *target, uint32_t number)
{
    (void)target, (void)number;
}

void lp_answer_requests(struct lp *lp)
{
    (void)lp;
}

bool hypercall_page_hide(struct partition *partition, gpa_t address, uint64_t size)
{
    CHECK(lock_depth > 0);
    return overlay && !partition_is_root(partition) && address.value == 0 && size > 0;
}

void hypercall_page_show(struct partition *partition)
{
    CHECK(!partition_is_root(partition));
}

uint64_t child_privileges(void)
{
    return (uint64_t)HV_ACCESS_PARTITION_ID << 32;
}

void port_release_partition(struct partition *partition)
{
    (void)partition;
}

void vp_attention(struct vp *vp, uint32_t bits)
{
    (void)vp, (void)bits;
}

void hypercall_stop_vps(struct partition *partition)
{
    (void)partition;
}

void hypercall_release_vps(struct partition *partition)
{
    (void)partition;
}

void hypercall_finish_vp_registers(const struct hypercall *call)
{
    (void)call;
}

enum exit_action exit_dispatch(struct vp *root, enum exit_mode mode, uint64_t cr3)
{
    (void)cr3;
    root->gpr[GPR_RAX] = mode;
    return EXIT_RETRY;
}

static uint32_t last_input_size;

enum hv_status hypercall_send_cluster_ipi_ex(const struct hypercall *call)
{
    last_input_size = call->input_size;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_signal_event(const struct hypercall *call)
{
    const struct hv_input_signal_event *input = call->input;
    return input->connection_id == 7 && input->flag_number == 9 ? HV_STATUS_SUCCESS
                                                                : HV_STATUS_INVALID_PARAMETER;
}

#define OTHER(name)                                                                                \
    enum hv_status hypercall_##name(const struct hypercall *call)                                  \
    {                                                                                              \
        (void)call;                                                                                \
        return HV_STATUS_INVALID_VP_STATE;                                                         \
    }
OTHER(create_vp)
OTHER(delete_vp)
OTHER(start_virtual_processor)
OTHER(get_vp_index_from_apic_id)
OTHER(map_vp_state_page)
OTHER(unmap_vp_state_page)
OTHER(map_stats_page)
OTHER(unmap_stats_page)
OTHER(translate_virtual_address)
OTHER(get_exit_counts)
OTHER(get_vp_registers)
OTHER(set_vp_registers)
OTHER(create_port)
OTHER(delete_port)
OTHER(connect_port)
OTHER(disconnect_port)
OTHER(post_message)
OTHER(post_message_direct)
OTHER(signal_event_direct)
OTHER(assert_virtual_interrupt)
OTHER(clear_virtual_interrupt)
OTHER(send_cluster_ipi)
OTHER(flush_space)
OTHER(flush_space_ex)
OTHER(flush_list)
OTHER(flush_list_ex)
OTHER(get_partition_property)
OTHER(set_partition_property)
OTHER(install_intercept)
OTHER(register_intercept_result)
OTHER(get_system_property)
OTHER(dispatch_vp)
OTHER(bind_vp)
OTHER(set_register_rule)
OTHER(share_deadline)
OTHER(cancel_vp)

static void partition_init(struct partition *partition)
{
    partition->nested.present_mask = PTE_PRESENT;
    partition->nested.table_flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    partition->nested.largest_level = 2;
}

static uint64_t nested_flags(unsigned access, enum memory_type type)
{
    (void)type;
    return PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY |
           (access & ACCESS_WRITE ? PTE_WRITABLE : 0) |
           (access & ACCESS_EXECUTE ? 0 : PTE_NO_EXECUTE);
}

static uint64_t nested_accessed(void)
{
    return PTE_ACCESSED;
}

static uint64_t nested_dirty(void)
{
    return PTE_DIRTY;
}

static const struct hw_ops ops = {
    .partition_init = partition_init,
    .nested_flags = nested_flags,
    .nested_accessed = nested_accessed,
    .nested_dirty = nested_dirty,
};
const struct hw_ops *hw = &ops;

/* --- The machine and its calls --- */

static struct veneer_vp_statistics statistics;
static struct vp root_vp = {.partition = &root_partition, .statistics = &statistics};
static const enum exit_mode kernel = EXIT_MODE_KERNEL_64;

static uint64_t allocate_root_table(void *context)
{
    (void)context;
    return pool_take(1).value;
}

static void start(void)
{
    static const struct memory_map map = {
        .count = 2,
        .ranges = {{.base = 0, .size = RAM_END, .type = BOOT_MEMORY_RAM},
                   {.base = RAM_END,
                    .size = MACHINE_SIZE - RAM_END,
                    .type = BOOT_MEMORY_HYPERVISOR}},
    };

    memset(machine, 0, sizeof(machine));
    root_partition =
        (struct partition){.id = HV_PARTITION_ID_ROOT, .state = PARTITION_ACTIVE, .guest_os_id = 1};
    partition_init(&root_partition);
    root_partition.nested.allocate = allocate_root_table;
    root_partition.nested.access = table_access;
    pool_next = RAM_END;
    page_owner_init(&map);
    partition_init_table();
    root_partition.nested.root = pool_take(1).value;
    CHECK(page_table_map(&root_partition.nested, 0, 0, RAM_END,
                         nested_flags(ACCESS_ALL, MEMORY_WRITE_BACK)));
    root_vp.gpr = root_vp.own_gpr;
    overlay = false;
}

static uint64_t call_value(struct vp *vp, uint64_t value)
{
    vp->gpr[GPR_RCX] = value;
    vp->gpr[GPR_RDX] = INPUT;
    vp->gpr[GPR_R8] = OUTPUT;
    vp->gpr[GPR_RAX] = UINT64_MAX;
    CHECK_EQUAL(exit_hypercall(vp, kernel, 0), EXIT_SKIP);
    CHECK_EQUAL(lock_depth, 0);
    return vp->gpr[GPR_RAX];
}

static enum hv_status simple(uint16_t code, const void *input, size_t size)
{
    memcpy(machine + INPUT, input, size);
    return (enum hv_status)call_value(&root_vp, code);
}

static enum hv_status on_partition(uint16_t code, uint64_t id)
{
    return simple(code, &id, sizeof(id));
}

/* *@done: elements. */
static enum hv_status rep(uint16_t code, const void *input, size_t size, const uint64_t *list,
                          unsigned count, unsigned *done)
{
    memcpy(machine + INPUT, input, size);
    for (unsigned i = 0; list != NULL && i < count; i++)
        memcpy(machine + INPUT + size + 8 * i, &list[i], 8);
    uint64_t result = call_value(&root_vp, code | (uint64_t)count << HV_HYPERCALL_REP_COUNT_SHIFT);
    *done = result >> HV_HYPERCALL_REPS_DONE_SHIFT & HV_HYPERCALL_REP_MASK;
    return (enum hv_status)(result & HV_HYPERCALL_STATUS_MASK);
}

/* @count consecutive pages from @first on. */
static enum hv_status deposit(uint64_t id, uint64_t first, unsigned count, unsigned *done)
{
    uint64_t pages[64];

    for (unsigned i = 0; i < count; i++)
        pages[i] = first + i;
    return rep(HVCALL_DEPOSIT_MEMORY, &id, sizeof(id), pages, count, done);
}

static enum hv_status map(uint64_t id, uint64_t gpa_page, uint32_t flags, uint64_t first,
                          uint64_t step, unsigned count, unsigned *done)
{
    struct hv_input_map_gpa_pages input = {
        .target_partition_id = id, .target_gpa_base = gpa_page, .map_flags = flags};
    uint64_t pages[512];

    for (unsigned i = 0; i < count; i++)
        pages[i] = first + i * step;
    return rep(HVCALL_MAP_GPA_PAGES, &input, sizeof(input), pages, count, done);
}

static enum hv_status unmap(uint64_t id, uint64_t gpa_page, uint32_t flags, unsigned count,
                            unsigned *done)
{
    struct hv_input_unmap_gpa_pages input = {
        .target_partition_id = id, .target_gpa_base = gpa_page, .unmap_flags = flags};

    return rep(HVCALL_UNMAP_GPA_PAGES, &input, sizeof(input), NULL, count, done);
}

static struct hv_output_get_memory_balance balance(uint64_t id)
{
    struct hv_output_get_memory_balance result;

    CHECK_EQUAL(on_partition(HVCALL_GET_MEMORY_BALANCE, id), HV_STATUS_SUCCESS);
    memcpy(&result, machine + OUTPUT, sizeof(result));
    return result;
}

static uint64_t create(void)
{
    struct hv_input_create_partition input = {.flags = HV_PARTITION_CREATION_LAPIC_ENABLED};
    uint64_t id;

    CHECK_EQUAL(simple(HVCALL_CREATE_PARTITION, &input, sizeof(input)), HV_STATUS_SUCCESS);
    memcpy(&id, machine + OUTPUT, sizeof(id));
    return id;
}

/* An active child with @pages deposited, from page 100h on; the root has 8, from page 80h on. */
static uint64_t create_active(unsigned pages)
{
    unsigned done;

    start();
    CHECK_EQUAL(deposit(HV_PARTITION_ID_SELF, 0x80, 8, &done), HV_STATUS_SUCCESS);
    uint64_t id = create();
    CHECK_EQUAL(deposit(id, 0x100, pages, &done), HV_STATUS_SUCCESS);
    CHECK_EQUAL(done, pages);
    CHECK_EQUAL(on_partition(HVCALL_INITIALIZE_PARTITION, id), HV_STATUS_SUCCESS);
    return id;
}

static struct page_table_walk look(uint64_t id, uint64_t gpa_page)
{
    struct partition *partition = partition_get(&root_partition, id);
    struct page_table_walk walk = page_table_lookup(&partition->nested, gpa_page * PAGE_SIZE);

    partition_put(partition);
    return walk;
}

static unsigned mapped(uint64_t page)
{
    return page_owner_get(spa(page * PAGE_SIZE)).mapped;
}

#define RWX (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE | HV_MAP_GPA_KERNEL_EXECUTABLE)

/* --- Tests --- */

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
    test_dispatcher();
    test_fast_and_32_bit();
    test_deposit();
    test_life();
    test_map();
    test_large();
    test_no_memory();
    test_access_states();
    test_child_calls();
    test_overlay();
    return unit_result();
}
