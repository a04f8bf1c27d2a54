/* The VPs of a child: creating them, lending their pages, waiting. */
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/proc/process.h"
#include "parent/vid/partition.h"
#include "parent/vid/port.h"

#define STATE_PAGES 2 /* by enum hv_vp_state_page_type */

static struct mutex root_lock; /* below */
static const struct veneer_vp_statistics *root_statistics[MAX_CPUS];

void partition_init(void)
{
    mutex_init(&root_lock);
}

/* Nobody has the pages mapped any more. The address space may be about to go, and its CR3 be
 * another's. */
static void pages_returned(void *context)
{
    struct vp *vp = context;
    struct partition *partition = vp->partition;
    vid_bind_vp(partition->deposits.partition_id, vp->index, 0);
    object_put(&partition->object);
}

/* Binds @vp and maps its pages. On an error it is bound to nothing. */
static enum system_error lend_pages(struct vp *vp, struct address_space *space, uint64_t *address)
{
    struct deposits *deposits = &vp->partition->deposits;
    uint64_t pages[STATE_PAGES];
    for (uint32_t type = 0; type < STATE_PAGES; type++) {
        enum hv_status status =
            vid_map_state_page(deposits, vp->index, (enum hv_vp_state_page_type)type, &pages[type]);
        if (status != HV_STATUS_SUCCESS)
            return partition_error(status);
    }
    struct memory_object *memory = memory_object_lend(pages, STATE_PAGES, pages_returned, vp);
    if (!memory)
        return SYSTEM_ERROR_MEMORY;
    object_get(&vp->partition->object);
    /* First: once they are mapped, another thread may unmap them, which unbinds. */
    enum system_error error =
        partition_error(vid_bind_vp(deposits->partition_id, vp->index, space->tables.root));
    *address = 0;
    if (error == SYSTEM_OK)
        error = address_space_map(space, memory, 0, STATE_PAGES, ACCESS_WRITE, address);
    object_put(&memory->object);
    return error;
}

static enum hv_status create(struct partition *partition, uint32_t index)
{
    struct hv_input_create_vp input = {.partition_id = partition->deposits.partition_id,
                                       .vp_index = index};
    return vid_call_plain(HVCALL_CREATE_VP, &input, sizeof(input), NULL, 0, &partition->deposits);
}

static void delete_vp(struct partition *partition, uint32_t index)
{
    struct hv_input_delete_vp input = {.partition_id = partition->deposits.partition_id,
                                       .vp_index = index};
    vid_call_plain(HVCALL_DELETE_VP, &input, sizeof(input), NULL, 0, NULL);
}

/* The lock is held. */
static enum system_error add_vp(struct partition *partition, struct vp *vp,
                                struct address_space *space, uint64_t *address)
{
    if (vp->index != partition->vp_count)
        return SYSTEM_ERROR_ARGUMENT;
    enum hv_status status = create(partition, vp->index);
    if (status != HV_STATUS_SUCCESS)
        return partition_error(status);
    enum system_error error = lend_pages(vp, space, address);
    if (error != SYSTEM_OK) {
        delete_vp(partition, vp->index);
        return error;
    }
    partition->vps[vp->index] = vp;
    __atomic_store_n(&partition->vp_count, vp->index + 1, __ATOMIC_RELEASE);
    return SYSTEM_OK;
}

enum system_error partition_create_vp(struct partition *partition, uint64_t index,
                                      struct address_space *space, uint64_t *address)
{
    if (index >= SYSTEM_MAX_VPS)
        return SYSTEM_ERROR_LIMIT;
    struct vp *vp = heap_allocate(sizeof(*vp));
    if (!vp)
        return SYSTEM_ERROR_MEMORY;
    vp->partition = partition;
    vp->index = (uint32_t)index;
    wait_queue_init(&vp->queue);
    mutex_lock(&partition->lock);
    enum system_error error = add_vp(partition, vp, space, address);
    mutex_unlock(&partition->lock);
    if (error != SYSTEM_OK)
        heap_free(vp);
    return error;
}

enum system_error partition_wait_vp(struct vp *vp, uint64_t deadline, bool events)
{
    if (!WAIT_UNTIL(&vp->queue,
                    __atomic_exchange_n(&vp->woken, false, __ATOMIC_ACQ_REL) ||
                        (events && port_has_something(vp->partition)) || process_is_dying(),
                    deadline))
        return SYSTEM_ERROR_TIMEOUT;
    return SYSTEM_OK;
}

/* The counters at *@slot, which are mapped once. A lock is held. */
static enum system_error reach_statistics(struct deposits *deposits, uint64_t partition_id,
                                          uint32_t vp_index,
                                          const struct veneer_vp_statistics **slot)
{
    uint64_t page;
    if (*slot)
        return SYSTEM_OK;
    enum hv_status status = vid_map_statistics(deposits, partition_id, vp_index, &page);
    if (status != HV_STATUS_SUCCESS)
        return partition_error(status);
    *slot = memory_map_lent(page);
    return *slot ? SYSTEM_OK : SYSTEM_ERROR_MEMORY;
}

/* Adds counters; there is nothing else in them. */
static void add_statistics(struct veneer_vp_statistics *sum,
                           const struct veneer_vp_statistics *more)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)more;
    _Static_assert(sizeof(*sum) % sizeof(*to) == 0, "all are 64 bits");
    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static enum system_error sum_root_statistics(struct veneer_vp_statistics *sum)
{
    enum system_error error = SYSTEM_OK;
    *sum = (struct veneer_vp_statistics){0};
    mutex_lock(&root_lock);
    for (uint32_t i = 0; i < cpu_count && error == SYSTEM_OK; i++) {
        error = reach_statistics(&root_deposits, HV_PARTITION_ID_SELF, i, &root_statistics[i]);
        if (error == SYSTEM_OK)
            add_statistics(sum, root_statistics[i]);
    }
    mutex_unlock(&root_lock);
    return error;
}

enum system_error partition_statistics(struct vp *vp, struct veneer_vp_statistics statistics[2])
{
    struct partition *partition = vp->partition;
    mutex_lock(&partition->lock);
    enum system_error error = reach_statistics(
        &partition->deposits, partition->deposits.partition_id, vp->index, &vp->statistics);
    mutex_unlock(&partition->lock);
    if (error != SYSTEM_OK)
        return error;
    statistics[0] = *vp->statistics;
    return sum_root_statistics(&statistics[1]);
}
