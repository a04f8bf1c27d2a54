#include "hypervisor/partition.h"

#include "hypervisor/page_owner.h"

struct partition root_partition = {.lock = SPINLOCK(LOCK_LEVEL_PARTITION)};

void *partition_memory(struct partition *partition, gpa_t address, uint64_t size)
{
    uint64_t offset = address.value & (PAGE_SIZE - 1);

    if (size > PAGE_SIZE - offset)
        return NULL;
    /* The root sees memory at its system physical addresses. */
    struct page_record record = page_owner_get(spa(address.value));
    if (record.state != PAGE_ROOT || record.owner != partition->id)
        return NULL;
    return spa_to_va(spa(address.value));
}
