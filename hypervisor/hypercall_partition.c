/* Hypercalls about partitions: from creation to deletion. */
#include "hypervisor/memory.h"
#include "hypervisor/atomic.h"
#include "hypervisor/cpuid.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/partition.h"
#include "hypervisor/port.h"
#include "include/hv/cpuid.h"

#define CREATION_FLAGS                                                                             \
    (HV_PARTITION_CREATION_LAPIC_ENABLED | HV_PARTITION_CREATION_INTERCEPT_MESSAGE_PAGE |          \
     HV_PARTITION_CREATION_X2APIC_CAPABLE)

_Static_assert(sizeof(struct partition) <= PAGE_SIZE, "a child is one page");

/* The caller is going to spin; its LP has nothing else to run. */
enum hv_status hypercall_notify_long_spin_wait(const struct hypercall *call)
{
    (void)call;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_get_partition_id(const struct hypercall *call)
{
    const struct partition *partition = call->vp->partition;
    struct hv_output_get_partition_id *output = call->output;

    if (!partition_is_root(partition) &&
        (partition->privileges >> 32 & HV_ACCESS_PARTITION_ID) == 0)
        return HV_STATUS_ACCESS_DENIED;
    output->partition_id = partition->id;
    return HV_STATUS_SUCCESS;
}

struct partition *hypercall_get_child(const struct hypercall *call, uint64_t partition_id)
{
    struct partition *partition = partition_get(call->vp->partition, partition_id);

    if (partition == NULL || !partition_is_root(partition))
        return partition;
    partition_put(partition);
    return NULL;
}

struct vp *hypercall_get_child_vp(const struct hypercall *call, uint64_t partition_id,
                                  uint32_t index, enum hv_status *status)
{
    struct partition *partition = hypercall_get_child(call, partition_id);

    *status = HV_STATUS_INVALID_PARTITION_ID;
    if (partition == NULL)
        return NULL;
    struct vp *vp = partition_vp(partition, index);
    if (vp == NULL) {
        *status = HV_STATUS_INVALID_VP_INDEX;
        partition_put(partition);
    }
    return vp;
}

/* --- Creation --- */

static uint64_t allocate_table(void *partition)
{
    return partition_take_page(partition).value;
}

static void give_table(void *partition, uint64_t page)
{
    partition_give_page(partition, spa(page));
}

/* The child's page has been zeroed. */
static void init(struct partition *partition)
{
    partition->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_PARTITION);
    partition->pool.lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_PARTITION_POOL);
    partition->state = PARTITION_CREATED;
    partition->privileges = child_privileges();
    partition->tsc_offset = 0 - rdtsc();
    hw->partition_init(partition);
    partition->nested.largest_level = 1;
    partition->nested.allocate = allocate_table;
    partition->nested.context = partition;
    partition->nested.access = memory_access_table;
}

enum hv_status hypercall_create_partition(const struct hypercall *call)
{
    const struct hv_input_create_partition *input = call->input;
    struct hv_output_create_partition *output = call->output;

    if (input->flags & ~CREATION_FLAGS || !(input->flags & HV_PARTITION_CREATION_LAPIC_ENABLED) ||
        input->padding != 0 || input->isolation != 0)
        return HV_STATUS_INVALID_PARAMETER;
    spa_t page = partition_take_page(&root_partition);
    if (page.value == 0)
        return HV_STATUS_INSUFFICIENT_MEMORY;
    struct partition *partition = spa_to_va(page);
    init(partition);
    if (!partition_add(partition)) {
        partition_give_page(&root_partition, page);
        return HV_STATUS_OPERATION_DENIED;
    }
    output->partition_id = partition->id;
    return HV_STATUS_SUCCESS;
}

static enum hv_status initialize(struct partition *partition)
{
    if (atomic_load(&partition->state) != PARTITION_CREATED)
        return HV_STATUS_INVALID_PARTITION_STATE;
    partition->nested.root = partition_take_page(partition).value;
    if (partition->nested.root == 0)
        return HV_STATUS_INSUFFICIENT_MEMORY;
    atomic_store(&partition->state, PARTITION_ACTIVE);
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_initialize_partition(const struct hypercall *call)
{
    const struct hv_input_partition *input = call->input;
    struct partition *partition = hypercall_get_child(call, input->partition_id);

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    spin_lock(&partition->lock);
    enum hv_status status = initialize(partition);
    spin_unlock(&partition->lock);
    partition_put(partition);
    return status;
}

/* --- The end --- */

/* Large partitions take long: others' requests are answered meanwhile. */
static void forget_mapping(void *partition, uint64_t physical, uint64_t size)
{
    (void)partition;
    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE)
        page_owner_unmap(spa(physical + offset));
    lp_answer_requests(this_lp());
}

/* No VP of it will run, so that no translation is used any more; but translations of EPT are known
 * by the address of the top table, which the next partition may get. */
static void free_memory(struct partition *partition)
{
    if (partition->nested.root != 0) {
        spin_lock(&partition->lock);
        hypercall_page_hide(partition, gpa(0), PARTITION_ADDRESS_END);
        spin_unlock(&partition->lock);
        partition_flush(partition);
        page_table_free(&partition->nested, forget_mapping, give_table);
    }
    if (partition->cpuid_rules != NULL)
        partition_give_page(partition, va_to_spa(partition->cpuid_rules));
    partition->cpuid_rules = NULL;
}

/* From now on nobody finds a VP of it, and no dispatch begins. Those that had one already have a
 * reference, or run. */
static bool mark_finalized(struct partition *partition)
{
    spin_lock(&partition->lock);
    bool first = atomic_exchange(&partition->state, PARTITION_FINALIZED) != PARTITION_FINALIZED;
    __atomic_store_n(&partition->live_vps, 0, __ATOMIC_SEQ_CST);
    spin_unlock(&partition->lock);
    return first;
}

enum hv_status hypercall_finalize_partition(const struct hypercall *call)
{
    const struct hv_input_partition *input = call->input;
    struct partition *partition = hypercall_get_child(call, input->partition_id);

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    if (!mark_finalized(partition)) {
        partition_put(partition);
        return HV_STATUS_INVALID_PARTITION_STATE;
    }
    hypercall_stop_vps(partition);
    while (atomic_load(&partition->references) != 1) {
        lp_answer_requests(this_lp());
        cpu_pause();
    }
    port_release_partition(partition);
    hypercall_release_vps(partition);
    free_memory(partition);
    partition_put(partition);
    return HV_STATUS_SUCCESS;
}

/* A partition without deposited pages has nothing else either, whatever its state. */
enum hv_status hypercall_delete_partition(const struct hypercall *call)
{
    const struct hv_input_partition *input = call->input;
    struct partition *partition = hypercall_get_child(call, input->partition_id);

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    if (!partition_remove(partition)) {
        partition_put(partition);
        return HV_STATUS_OBJECT_IN_USE;
    }
    partition_give_page(&root_partition, va_to_spa(partition));
    return HV_STATUS_SUCCESS;
}
