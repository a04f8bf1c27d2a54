/* The memory of a child: memory objects, mapped by large pages where they have blocks. */
#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/vid/guest_memory.h"
#include "parent/vid/partition.h"

struct guest_mapping {
    struct list link;
    uint64_t gpa_page, page_count;
    uint64_t first; /* page of the memory at its start */
    struct memory_object *memory;
    bool writable; /* by the child */
    bool held;     /* part of a struct guest_memory */
};

struct guest_memory {
    uint32_t count;
    struct guest_mapping ranges[]; /* by rising addresses; not in a list */
};

static struct guest_mapping *mapping_of(struct list *link)
{
    return CONTAINER_OF(link, struct guest_mapping, link);
}

/* Whether a large page can begin at page @i of @mapping: aligned on both sides, and in one piece.
 */
static bool is_large(const struct guest_mapping *mapping, uint64_t i)
{
    const uint64_t *pages = &mapping->memory->pages[mapping->first + i];
    if ((mapping->gpa_page + i) % PAGES_PER_BLOCK || mapping->page_count - i < PAGES_PER_BLOCK ||
        pages[0] % LARGE_PAGE_SIZE)
        return false;
    for (uint64_t k = 1; k < PAGES_PER_BLOCK; k++) {
        if (pages[k] != pages[0] + k * PAGE_SIZE)
            return false;
    }
    return true;
}

/* Maps pages of one size from *@i on, as many as one call takes, and moves *@i on. */
static enum hv_status map_batch(struct partition *partition, const struct guest_mapping *mapping,
                                uint32_t map_flags, uint64_t *i)
{
    uint64_t list[VID_MAP_BATCH];
    uint64_t start = *i;
    uint16_t count = 0;
    bool large = is_large(mapping, start);
    do {
        list[count++] = mapping->memory->pages[mapping->first + *i] >> PAGE_SHIFT;
        *i += large ? PAGES_PER_BLOCK : 1;
    } while (count < VID_MAP_BATCH && *i < mapping->page_count && is_large(mapping, *i) == large);
    return vid_map_gpa(&partition->deposits, mapping->gpa_page + start,
                       large ? map_flags | HV_MAP_GPA_LARGE_PAGE : map_flags, list, count);
}

static uint32_t map_flags_of(uint32_t access)
{
    uint32_t flags = 0;
    if (access & SYSTEM_VM_READ)
        flags |= HV_MAP_GPA_READABLE;
    if (access & SYSTEM_VM_WRITE)
        flags |= HV_MAP_GPA_WRITABLE;
    if (access & SYSTEM_VM_EXECUTE)
        flags |= HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE;
    return flags;
}

static bool overlaps(const struct partition *partition, uint64_t gpa_page, uint64_t page_count)
{
    LIST_FOR_EACH (item, &partition->mappings) {
        const struct guest_mapping *other = mapping_of(item);
        if (other->gpa_page < gpa_page + page_count &&
            gpa_page < other->gpa_page + other->page_count)
            return true;
    }
    return false;
}

/* The caller's reference to the memory goes with it. */
static void drop(struct partition *partition, struct guest_mapping *mapping)
{
    list_remove(&mapping->link);
    partition->mapping_count--;
    object_put(&mapping->memory->object);
    heap_free(mapping);
}

/* The lock is held. */
static enum system_error unmap(struct partition *partition, struct guest_mapping *mapping)
{
    enum hv_status status =
        vid_unmap_gpa(&partition->deposits, mapping->gpa_page, mapping->page_count);
    /* Else the child may still reach the memory. */
    if (status == HV_STATUS_SUCCESS)
        drop(partition, mapping);
    return partition_error(status);
}

static enum system_error map_locked(struct partition *partition, struct guest_mapping *mapping,
                                    uint32_t access)
{
    if (partition->mapping_count == SYSTEM_MAX_GUEST_MAPPINGS) {
        heap_free(mapping);
        return SYSTEM_ERROR_LIMIT;
    }
    if (overlaps(partition, mapping->gpa_page, mapping->page_count)) {
        heap_free(mapping);
        return SYSTEM_ERROR_ARGUMENT;
    }
    object_get(&mapping->memory->object);
    list_add_last(&partition->mappings, &mapping->link);
    partition->mapping_count++;
    enum hv_status status = HV_STATUS_SUCCESS;
    for (uint64_t i = 0; status == HV_STATUS_SUCCESS && i < mapping->page_count;)
        status = map_batch(partition, mapping, map_flags_of(access), &i);
    if (status != HV_STATUS_SUCCESS)
        unmap(partition, mapping);
    return partition_error(status);
}

enum system_error partition_map(struct partition *partition, struct memory_object *memory,
                                uint64_t first, uint64_t page_count, uint64_t gpa_page,
                                uint32_t access)
{
    struct guest_mapping *mapping = heap_allocate(sizeof(*mapping));
    if (!mapping)
        return SYSTEM_ERROR_MEMORY;
    *mapping = (struct guest_mapping){.gpa_page = gpa_page,
                                      .page_count = page_count,
                                      .first = first,
                                      .memory = memory,
                                      .writable = access & SYSTEM_VM_WRITE};
    mutex_lock(&partition->lock);
    enum system_error error = map_locked(partition, mapping, access);
    mutex_unlock(&partition->lock);
    return error;
}

static struct guest_mapping *find(struct partition *partition, uint64_t gpa_page)
{
    LIST_FOR_EACH (item, &partition->mappings) {
        if (mapping_of(item)->gpa_page == gpa_page)
            return mapping_of(item);
    }
    return NULL;
}

enum system_error partition_unmap(struct partition *partition, uint64_t gpa_page)
{
    mutex_lock(&partition->lock);
    struct guest_mapping *mapping = find(partition, gpa_page);
    enum system_error error = SYSTEM_ERROR_ARGUMENT;
    if (mapping)
        error = mapping->held ? SYSTEM_ERROR_BUSY : unmap(partition, mapping);
    mutex_unlock(&partition->lock);
    return error;
}

void partition_drop_mappings(struct partition *partition)
{
    while (!list_empty(&partition->mappings))
        drop(partition, mapping_of(partition->mappings.next));
}

/* --- Memory that is held --- */

/* Adds @mapping in its place. */
static void insert(struct guest_memory *memory, const struct guest_mapping *mapping)
{
    uint32_t i = memory->count++;
    for (; i > 0 && memory->ranges[i - 1].gpa_page > mapping->gpa_page; i--)
        memory->ranges[i] = memory->ranges[i - 1];
    memory->ranges[i] = *mapping;
}

struct guest_memory *guest_memory_hold(struct partition *partition)
{
    mutex_lock(&partition->lock);
    struct guest_memory *memory = NULL;
    if (!partition->memory_is_held)
        memory =
            heap_allocate(sizeof(*memory) + partition->mapping_count * sizeof(memory->ranges[0]));
    if (memory) {
        partition->memory_is_held = true;
        LIST_FOR_EACH (item, &partition->mappings) {
            struct guest_mapping *mapping = mapping_of(item);
            mapping->held = mapping->writable;
            if (mapping->held)
                insert(memory, mapping);
        }
    }
    mutex_unlock(&partition->lock);
    return memory;
}

void guest_memory_release(struct partition *partition, struct guest_memory *memory)
{
    mutex_lock(&partition->lock);
    partition->memory_is_held = false;
    LIST_FOR_EACH (item, &partition->mappings)
        mapping_of(item)->held = false;
    mutex_unlock(&partition->lock);
    heap_free(memory);
}

bool guest_memory_find(const struct guest_memory *memory, uint64_t gpa_page,
                       struct guest_memory_range *found)
{
    uint32_t low = 0;
    uint32_t high = memory->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct guest_mapping *range = &memory->ranges[middle];
        if (gpa_page < range->gpa_page) {
            high = middle;
        } else if (gpa_page - range->gpa_page >= range->page_count) {
            low = middle + 1;
        } else {
            *found = (struct guest_memory_range){.gpa_page = range->gpa_page,
                                                 .page_count = range->page_count,
                                                 .addresses = range->memory->pages + range->first};
            return true;
        }
    }
    return false;
}
