#include "parent/vid/partition.h"

#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/kernel/hyperv.h"
#include "parent/vid/port.h"

#define CREATION_FLAGS                                                                             \
    (HV_PARTITION_CREATION_LAPIC_ENABLED | HV_PARTITION_CREATION_INTERCEPT_MESSAGE_PAGE |          \
     HV_PARTITION_CREATION_X2APIC_CAPABLE)

/* What a partition costs beyond its deposits, for the job's limit: the hypervisor's structure and
 * ours. */
#define STRUCTURE_PAGES 8

struct deposits root_deposits = {.partition_id = HV_PARTITION_ID_SELF};

static struct spinlock list_lock = SPINLOCK(LOCK_LEVEL_OBJECT); /* the list */
static struct list partitions = {&partitions, &partitions};

enum system_error partition_error(enum hv_status status)
{
    switch (status) {
    case HV_STATUS_SUCCESS:
        return SYSTEM_OK;
    case HV_STATUS_INSUFFICIENT_MEMORY:
        return SYSTEM_ERROR_MEMORY;
    case HV_STATUS_INVALID_PARAMETER:
    case HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE:
        return SYSTEM_ERROR_ARGUMENT;
    default:
        return SYSTEM_ERROR_HYPERVISOR;
    }
}

/* --- Life --- */

static void free_structure(struct partition *partition)
{
    for (uint32_t i = 0; i < partition->vp_count; i++)
        heap_free(partition->vps[i]);
    port_queue_destroy(partition->ports);
    job_give_pages(partition->deposits.job, STRUCTURE_PAGES);
    job_put(partition->deposits.job);
    heap_free(partition);
}

/* Takes everything back from the hypervisor. What it does not give back is lost, since it may still
 * be in use. */
static bool delete_partition(struct partition *partition)
{
    uint64_t id = partition->deposits.partition_id;
    port_delete_all(partition);
    enum hv_status status = vid_call_partition(HVCALL_FINALIZE_PARTITION, id);
    if (status != HV_STATUS_SUCCESS) {
        log_print(LOG_ERROR, "vid: partition %lu cannot be finalized: status %xh", id, status);
        return false;
    }
    vid_withdraw_all(&partition->deposits);
    status = vid_call_partition(HVCALL_DELETE_PARTITION, id);
    if (status != HV_STATUS_SUCCESS)
        log_print(LOG_ERROR, "vid: partition %lu cannot be deleted: status %xh", id, status);
    return true;
}

static void destroy(struct object *object)
{
    struct partition *partition = CONTAINER_OF(object, struct partition, object);
    uint64_t flags = spin_lock(&list_lock);
    list_remove(&partition->link);
    spin_unlock(&list_lock, flags);
    if (partition->bus)
        partition->stop_bus(partition->bus);
    if (!delete_partition(partition))
        return;
    partition_drop_mappings(partition);
    free_structure(partition);
}

static struct partition *create_structure(struct job *job)
{
    if (!job_take_pages(job, STRUCTURE_PAGES))
        return NULL;
    struct partition *partition = heap_allocate(sizeof(*partition));
    struct port_queue *ports = port_queue_create();
    if (!partition || !ports) {
        heap_free(partition);
        port_queue_destroy(ports);
        job_give_pages(job, STRUCTURE_PAGES);
        return NULL;
    }
    object_init(&partition->object, OBJECT_PARTITION, destroy);
    job_get(job);
    partition->deposits.job = job;
    partition->ports = ports;
    mutex_init(&partition->lock);
    list_init(&partition->mappings);
    return partition;
}

static enum hv_status initialize(struct partition *partition, uint64_t privileges,
                                 uint64_t features)
{
    struct deposits *deposits = &partition->deposits;
    enum hv_status status =
        vid_set_property(deposits, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS, privileges);
    if (status == HV_STATUS_SUCCESS)
        status = vid_set_property(deposits, HV_PARTITION_PROPERTY_SYNTHETIC_FEATURES, features);
    if (status != HV_STATUS_SUCCESS)
        return status;
    struct hv_input_partition input = {.partition_id = deposits->partition_id};
    struct vid_call call = {
        .code = HVCALL_INITIALIZE_PARTITION, .input = &input, .input_size = sizeof(input)};
    return vid_call(&call, deposits);
}

enum system_error partition_create(struct job *job, uint64_t privileges, uint64_t features,
                                   struct partition **result)
{
    struct partition *partition = create_structure(job);
    if (!partition)
        return SYSTEM_ERROR_LIMIT;
    enum hv_status status =
        vid_create_partition(CREATION_FLAGS, &root_deposits, &partition->deposits.partition_id);
    if (status != HV_STATUS_SUCCESS) {
        free_structure(partition);
        return partition_error(status);
    }
    uint64_t flags = spin_lock(&list_lock);
    list_add_last(&partitions, &partition->link);
    spin_unlock(&list_lock, flags);
    status = initialize(partition, privileges, features);
    if (status == HV_STATUS_SUCCESS)
        *result = partition;
    else
        object_put(&partition->object);
    return partition_error(status);
}

/* --- Waking --- */

static void wake_vp(struct vp *vp)
{
    __atomic_store_n(&vp->woken, true, __ATOMIC_RELEASE);
    wake_all(&vp->queue);
}

struct vp *partition_vp(struct partition *partition, uint64_t index)
{
    if (index >= __atomic_load_n(&partition->vp_count, __ATOMIC_ACQUIRE))
        return NULL;
    return partition->vps[index];
}

struct partition *partition_find(uint64_t id)
{
    struct partition *found = NULL;
    uint64_t flags = spin_lock(&list_lock);
    LIST_FOR_EACH (item, &partitions) {
        struct partition *partition = CONTAINER_OF(item, struct partition, link);
        /* One without references is on its way out of the list. */
        if (partition->deposits.partition_id == id && object_try_get(&partition->object))
            found = partition;
    }
    spin_unlock(&list_lock, flags);
    return found;
}

void partition_wake(uint64_t id, uint32_t index)
{
    uint64_t flags = spin_lock(&list_lock);
    LIST_FOR_EACH (item, &partitions) {
        struct partition *partition = CONTAINER_OF(item, struct partition, link);
        struct vp *vp = partition_vp(partition, index);
        if (vp && partition->deposits.partition_id == id)
            wake_vp(vp);
    }
    spin_unlock(&list_lock, flags);
}

void partition_wake_everything(void)
{
    uint64_t flags = spin_lock(&list_lock);
    LIST_FOR_EACH (item, &partitions) {
        struct partition *partition = CONTAINER_OF(item, struct partition, link);
        for (uint32_t i = 0; partition_vp(partition, i); i++)
            wake_vp(partition->vps[i]);
    }
    spin_unlock(&list_lock, flags);
}

void partition_wake_all(struct partition *partition)
{
    for (uint32_t i = 0; partition_vp(partition, i); i++)
        wake_all(&partition->vps[i]->queue);
}
