/* What the tests of hypercalls share: a machine in an array, whose root makes calls. The sources
 * are included, since they see that array where the hypervisor sees memory. */
#ifndef VENEER_TESTS_UNIT_HYPERCALL_MACHINE_H
#define VENEER_TESTS_UNIT_HYPERCALL_MACHINE_H

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

uint64_t *memory_access_table(uint64_t address)
{
    return spa_to_va(spa(address));
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

static inline void partition_init(struct partition *partition)
{
    partition->nested.present_mask = PTE_PRESENT;
    partition->nested.table_flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    partition->nested.largest_level = 2;
}

static inline uint64_t nested_flags(unsigned access, enum memory_type type)
{
    (void)type;
    return PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY |
           (access & ACCESS_WRITE ? PTE_WRITABLE : 0) |
           (access & ACCESS_EXECUTE ? 0 : PTE_NO_EXECUTE);
}

static inline uint64_t nested_accessed(void)
{
    return PTE_ACCESSED;
}

static inline uint64_t nested_dirty(void)
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

static inline uint64_t allocate_root_table(void *context)
{
    (void)context;
    return pool_take(1).value;
}

static inline void start(void)
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
    root_partition.nested.access = memory_access_table;
    pool_next = RAM_END;
    page_owner_init(&map);
    partition_init_table();
    root_partition.nested.root = pool_take(1).value;
    CHECK(page_table_map(&root_partition.nested, 0, 0, RAM_END,
                         nested_flags(ACCESS_ALL, MEMORY_WRITE_BACK)));
    root_vp.gpr = root_vp.own_gpr;
    overlay = false;
}

static inline uint64_t call_value(struct vp *vp, uint64_t value)
{
    vp->gpr[GPR_RCX] = value;
    vp->gpr[GPR_RDX] = INPUT;
    vp->gpr[GPR_R8] = OUTPUT;
    vp->gpr[GPR_RAX] = UINT64_MAX;
    CHECK_EQUAL(exit_hypercall(vp, kernel, 0), EXIT_SKIP);
    CHECK_EQUAL(lock_depth, 0);
    return vp->gpr[GPR_RAX];
}

static inline enum hv_status simple(uint16_t code, const void *input, size_t size)
{
    memcpy(machine + INPUT, input, size);
    return (enum hv_status)call_value(&root_vp, code);
}

static inline enum hv_status on_partition(uint16_t code, uint64_t id)
{
    return simple(code, &id, sizeof(id));
}

/* *@done: elements. */
static inline enum hv_status rep(uint16_t code, const void *input, size_t size,
                                 const uint64_t *list, unsigned count, unsigned *done)
{
    memcpy(machine + INPUT, input, size);
    for (unsigned i = 0; list != NULL && i < count; i++)
        memcpy(machine + INPUT + size + 8 * i, &list[i], 8);
    uint64_t result = call_value(&root_vp, code | (uint64_t)count << HV_HYPERCALL_REP_COUNT_SHIFT);
    *done = result >> HV_HYPERCALL_REPS_DONE_SHIFT & HV_HYPERCALL_REP_MASK;
    return (enum hv_status)(result & HV_HYPERCALL_STATUS_MASK);
}

/* @count consecutive pages from @first on. */
static inline enum hv_status deposit(uint64_t id, uint64_t first, unsigned count, unsigned *done)
{
    uint64_t pages[64];

    for (unsigned i = 0; i < count; i++)
        pages[i] = first + i;
    return rep(HVCALL_DEPOSIT_MEMORY, &id, sizeof(id), pages, count, done);
}

static inline enum hv_status map(uint64_t id, uint64_t gpa_page, uint32_t flags, uint64_t first,
                                 uint64_t step, unsigned count, unsigned *done)
{
    struct hv_input_map_gpa_pages input = {
        .target_partition_id = id, .target_gpa_base = gpa_page, .map_flags = flags};
    uint64_t pages[512];

    for (unsigned i = 0; i < count; i++)
        pages[i] = first + i * step;
    return rep(HVCALL_MAP_GPA_PAGES, &input, sizeof(input), pages, count, done);
}

static inline enum hv_status unmap(uint64_t id, uint64_t gpa_page, uint32_t flags, unsigned count,
                                   unsigned *done)
{
    struct hv_input_unmap_gpa_pages input = {
        .target_partition_id = id, .target_gpa_base = gpa_page, .unmap_flags = flags};

    return rep(HVCALL_UNMAP_GPA_PAGES, &input, sizeof(input), NULL, count, done);
}

static inline struct hv_output_get_memory_balance balance(uint64_t id)
{
    struct hv_output_get_memory_balance result;

    CHECK_EQUAL(on_partition(HVCALL_GET_MEMORY_BALANCE, id), HV_STATUS_SUCCESS);
    memcpy(&result, machine + OUTPUT, sizeof(result));
    return result;
}

static inline uint64_t create(void)
{
    struct hv_input_create_partition input = {.flags = HV_PARTITION_CREATION_LAPIC_ENABLED};
    uint64_t id;

    CHECK_EQUAL(simple(HVCALL_CREATE_PARTITION, &input, sizeof(input)), HV_STATUS_SUCCESS);
    memcpy(&id, machine + OUTPUT, sizeof(id));
    return id;
}

/* An active child with @pages deposited, from page 100h on; the root has 8, from page 80h on. */
static inline uint64_t create_active(unsigned pages)
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

static inline struct page_table_walk look(uint64_t id, uint64_t gpa_page)
{
    struct partition *partition = partition_get(&root_partition, id);
    struct page_table_walk walk = page_table_lookup(&partition->nested, gpa_page * PAGE_SIZE);

    partition_put(partition);
    return walk;
}

static inline unsigned mapped(uint64_t page)
{
    return page_owner_get(spa(page * PAGE_SIZE)).mapped;
}

#define RWX (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE | HV_MAP_GPA_KERNEL_EXECUTABLE)

#endif
