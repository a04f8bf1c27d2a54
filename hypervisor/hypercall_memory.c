/* Hypercalls about memory: what is deposited for a partition, and what a child sees. A page is
 * given to somebody else only when no LP has an old translation or pointer to it: those that are
 * taken away wait in a batch for a flush. */
#include "hypervisor/atomic.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/partition.h"
#include "include/hv/parent.h"

#define MAX_PAGE (PARTITION_ADDRESS_END / PAGE_SIZE) /* page numbers are below */
#define FRAMES HV_MAP_GPA_LARGE_PAGE_FRAMES

#define MAP_RIGHTS                                                                                 \
    (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE | HV_MAP_GPA_KERNEL_EXECUTABLE |                    \
     HV_MAP_GPA_USER_EXECUTABLE)
#define MAP_FLAGS                                                                                  \
    (MAP_RIGHTS | HV_MAP_GPA_ADJUSTABLE | HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_LARGE_PAGE)
#define CLEAR_FLAGS (HV_GPA_ACCESS_STATE_CLEAR_ACCESSED | HV_GPA_ACCESS_STATE_CLEAR_DIRTY)

/* What a page in a batch was, beside its address. */
#define BATCH_LARGE 1ull /* 2 MiB */
#define BATCH_TABLE 2ull /* not mapped: a table of the child's */
#define BATCH_KINDS 3ull

#define BATCH_MAX 40u

struct batch {
    struct partition *partition; /* referenced; NULL before the first element */
    bool flush;                  /* even without pages */
    uint32_t count;
    uint64_t pages[BATCH_MAX];
};

_Static_assert(sizeof(struct batch) <= HYPERCALL_SCRATCH, "scratch");

/* The batch of this call; NULL: no such partition. */
static struct batch *begin(const struct hypercall *call, uint64_t partition_id)
{
    struct batch *batch = call->scratch;

    if (batch->partition == NULL)
        batch->partition = partition_get(call->vp->partition, partition_id);
    return batch->partition == NULL ? NULL : batch;
}

/* The batch of an active child, and the child's page of this element: each has @frames of 4 KiB. */
static enum hv_status begin_child(const struct hypercall *call, uint64_t partition_id,
                                  uint64_t base, uint64_t frames, struct batch **batch,
                                  uint64_t *page)
{
    *batch = begin(call, partition_id);
    if (*batch == NULL || partition_is_root((*batch)->partition))
        return HV_STATUS_INVALID_PARTITION_ID;
    if (atomic_load(&(*batch)->partition->state) != PARTITION_ACTIVE)
        return HV_STATUS_INVALID_PARTITION_STATE;
    if (base >= MAX_PAGE || base + (call->rep_index + 1) * frames > MAX_PAGE)
        return HV_STATUS_INVALID_PARAMETER;
    *page = base + call->rep_index * frames;
    return *page % frames == 0 ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_ALIGNMENT;
}

/* --- What is deposited --- */

/* The root does not reach the pages any more. */
static void settle_deposit(struct batch *batch)
{
    if (batch->count == 0)
        return;
    partition_flush(&root_partition);
    for (uint32_t i = 0; i < batch->count; i++)
        partition_pool_add(batch->partition, spa(batch->pages[i]));
    batch->count = 0;
}

void hypercall_finish_deposit(const struct hypercall *call)
{
    struct batch *batch = call->scratch;

    if (batch->partition == NULL)
        return;
    settle_deposit(batch);
    partition_put(batch->partition);
}

/* Holds the root's lock: the owner and the root's mapping change as one. */
static enum hv_status take_from_root(uint64_t address, uint16_t owner)
{
    if (!page_owner_deposit(spa(address), owner))
        return HV_STATUS_ACCESS_DENIED;
    if (page_table_unmap(&root_partition.nested, address, PAGE_SIZE))
        return HV_STATUS_SUCCESS;
    page_owner_withdraw(spa(address), owner);
    return HV_STATUS_INSUFFICIENT_MEMORY;
}

/* Likewise. The table for it is there since the deposit. */
static enum hv_status give_to_root(uint64_t address, uint16_t owner)
{
    page_owner_withdraw(spa(address), owner);
    page_table_map(&root_partition.nested, address, address, PAGE_SIZE,
                   hw->nested_flags(ACCESS_ALL, MEMORY_WRITE_BACK));
    return HV_STATUS_SUCCESS;
}

static enum hv_status change_root(enum hv_status (*change)(uint64_t address, uint16_t owner),
                                  uint64_t address, const struct partition *owner)
{
    spin_lock(&root_partition.lock);
    bool hidden = hypercall_page_hide(&root_partition, gpa(address), PAGE_SIZE);
    enum hv_status status = change(address, PARTITION_NUMBER(owner->id));
    if (hidden) {
        hypercall_page_show(&root_partition);
        partition_flush(&root_partition);
    }
    spin_unlock(&root_partition.lock);
    return status;
}

enum hv_status hypercall_deposit_memory(const struct hypercall *call)
{
    const struct hv_input_deposit_memory *input = call->input;
    uint64_t page = *(const uint64_t *)call->element;
    struct batch *batch = begin(call, input->partition_id);

    if (batch == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    if (page >= MAX_PAGE)
        return HV_STATUS_ACCESS_DENIED;
    if (batch->count == BATCH_MAX)
        settle_deposit(batch);
    enum hv_status status = change_root(take_from_root, page * PAGE_SIZE, batch->partition);
    if (status == HV_STATUS_SUCCESS)
        batch->pages[batch->count++] = page * PAGE_SIZE;
    return status;
}

enum hv_status hypercall_withdraw_memory(const struct hypercall *call)
{
    const struct hv_input_withdraw_memory *input = call->input;
    struct batch *batch = begin(call, input->partition_id);

    if (batch == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    spa_t page = partition_pool_remove(batch->partition);
    if (page.value == 0)
        return HV_STATUS_OPERATION_DENIED;
    *(uint64_t *)call->output = page.value / PAGE_SIZE;
    return change_root(give_to_root, page.value, batch->partition);
}

enum hv_status hypercall_get_memory_balance(const struct hypercall *call)
{
    const struct hv_input_partition *input = call->input;
    struct hv_output_get_memory_balance *output = call->output;
    struct partition *partition = partition_get(call->vp->partition, input->partition_id);

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    output->pages_available = partition->pool.free_count;
    output->pages_in_use = partition->pool.used_count;
    partition_put(partition);
    return HV_STATUS_SUCCESS;
}

/* --- What a child sees --- */

static void uncount_mappings(uint64_t address, uint64_t frames)
{
    for (uint64_t i = 0; i < frames; i++)
        page_owner_unmap(spa(address + i * PAGE_SIZE));
}

static bool count_mappings(uint64_t address, uint64_t frames)
{
    for (uint64_t i = 0; i < frames; i++) {
        if (page_owner_map(spa(address + i * PAGE_SIZE)))
            continue;
        uncount_mappings(address, i);
        return false;
    }
    return true;
}

/* The child does not reach the pages any more. */
static void settle_memory(struct batch *batch)
{
    if (batch->count == 0 && !batch->flush)
        return;
    partition_flush(batch->partition);
    for (uint32_t i = 0; i < batch->count; i++) {
        uint64_t address = batch->pages[i] & ~BATCH_KINDS;
        if (batch->pages[i] & BATCH_TABLE)
            partition_give_page(batch->partition, spa(address));
        else
            uncount_mappings(address, batch->pages[i] & BATCH_LARGE ? FRAMES : 1);
    }
    batch->count = 0;
    batch->flush = false;
}

void hypercall_finish_memory(const struct hypercall *call)
{
    struct batch *batch = call->scratch;

    if (batch->partition == NULL)
        return;
    settle_memory(batch);
    partition_put(batch->partition);
}

static void retire(struct batch *batch, uint64_t page)
{
    if (batch->count == BATCH_MAX)
        settle_memory(batch);
    batch->pages[batch->count++] = page;
}

/* Removes the mappings in a range. Holds the partition's lock. False: no page left for a table, to
 * split a large page. */
static bool remove_range(struct batch *batch, uint64_t address, uint64_t size)
{
    struct page_table *table = &batch->partition->nested;

    while (size > 0) {
        struct page_table_walk walk = page_table_lookup(table, address);
        uint64_t step = PAGE_SIZE;
        if (walk.level > 0 && address % LARGE_PAGE_SIZE == 0 && size >= LARGE_PAGE_SIZE)
            step = LARGE_PAGE_SIZE;
        if (walk.entry != 0 && !page_table_unmap(table, address, step))
            return false;
        if (walk.present)
            retire(batch, walk.physical | (step == PAGE_SIZE ? 0 : BATCH_LARGE));
        address += step;
        size -= step;
    }
    return true;
}

/* Holds the partition's lock; the pages have been counted. The hypercall page may be in the way of
 * merging: @merge. */
static bool map_range(struct batch *batch, uint64_t from, uint64_t to, uint64_t size,
                      uint64_t flags, bool merge)
{
    struct page_table *table = &batch->partition->nested;
    uint64_t last = from + size - PAGE_SIZE;

    if (!remove_range(batch, from, size) || !page_table_map(table, from, to, size, flags))
        return false;
    if (!merge || last / PAGE_SIZE % FRAMES != FRAMES - 1)
        return true;
    uint64_t page = page_table_merge(table, last, hw->nested_accessed() | hw->nested_dirty());
    if (page != 0)
        retire(batch, page | BATCH_TABLE);
    return true;
}

/* What was below it may have been seen meanwhile. */
static void show_hypercall_page(struct batch *batch)
{
    hypercall_page_show(batch->partition);
    batch->flush = true;
}

static uint64_t leaf_flags(uint32_t map_flags)
{
    unsigned access = ACCESS_READ;

    if (map_flags & HV_MAP_GPA_NO_ACCESS)
        return PAGE_TABLE_NO_ACCESS;
    if (map_flags & HV_MAP_GPA_WRITABLE)
        access |= ACCESS_WRITE;
    if (map_flags & (HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE))
        access |= ACCESS_EXECUTE;
    return hw->nested_flags(access, MEMORY_WRITE_BACK);
}

static bool map_flags_valid(uint32_t map_flags)
{
    if (map_flags & ~MAP_FLAGS)
        return false;
    return map_flags & HV_MAP_GPA_NO_ACCESS ? !(map_flags & MAP_RIGHTS)
                                            : (map_flags & HV_MAP_GPA_READABLE) != 0;
}

enum hv_status hypercall_map_gpa_pages(const struct hypercall *call)
{
    const struct hv_input_map_gpa_pages *input = call->input;
    uint64_t source = *(const uint64_t *)call->element, page;
    uint64_t frames = input->map_flags & HV_MAP_GPA_LARGE_PAGE ? FRAMES : 1;
    struct batch *batch;
    enum hv_status status = begin_child(call, input->target_partition_id, input->target_gpa_base,
                                        frames, &batch, &page);

    if (status != HV_STATUS_SUCCESS)
        return status;
    if (!map_flags_valid(input->map_flags) || input->padding != 0)
        return HV_STATUS_INVALID_PARAMETER;
    bool backed = !(input->map_flags & HV_MAP_GPA_NO_ACCESS);
    if (!backed)
        source = 0;
    if (source % frames != 0)
        return HV_STATUS_INVALID_ALIGNMENT;
    if (source >= MAX_PAGE || (backed && !count_mappings(source * PAGE_SIZE, frames)))
        return HV_STATUS_ACCESS_DENIED;

    struct partition *partition = batch->partition;
    gpa_t address = gpa(page * PAGE_SIZE);
    spin_lock(&partition->lock);
    bool hidden = hypercall_page_hide(partition, address, frames * PAGE_SIZE);
    bool mapped = map_range(batch, address.value, source * PAGE_SIZE, frames * PAGE_SIZE,
                            leaf_flags(input->map_flags), !hidden && !partition->access_tracking);
    if (hidden)
        show_hypercall_page(batch);
    spin_unlock(&partition->lock);
    if (mapped)
        return HV_STATUS_SUCCESS;
    if (backed)
        uncount_mappings(source * PAGE_SIZE, frames);
    return HV_STATUS_INSUFFICIENT_MEMORY;
}

/* Whether this and the following elements cover a large page: it goes at once then, without being
 * split, and they find nothing. */
static bool covers_large_page(const struct hypercall *call, const struct partition *partition,
                              uint64_t page)
{
    return page % FRAMES == 0 && call->rep_count - call->rep_index >= FRAMES &&
           page_table_lookup(&partition->nested, page * PAGE_SIZE).level == 1;
}

enum hv_status hypercall_unmap_gpa_pages(const struct hypercall *call)
{
    const struct hv_input_unmap_gpa_pages *input = call->input;
    uint64_t frames = input->unmap_flags & HV_UNMAP_GPA_LARGE_PAGE ? FRAMES : 1, page;
    struct batch *batch;
    enum hv_status status = begin_child(call, input->target_partition_id, input->target_gpa_base,
                                        frames, &batch, &page);

    if (status != HV_STATUS_SUCCESS)
        return status;
    if (input->unmap_flags & ~HV_UNMAP_GPA_LARGE_PAGE || input->padding != 0)
        return HV_STATUS_INVALID_PARAMETER;

    struct partition *partition = batch->partition;
    spin_lock(&partition->lock);
    if (covers_large_page(call, partition, page))
        frames = FRAMES;
    gpa_t address = gpa(page * PAGE_SIZE);
    bool hidden = hypercall_page_hide(partition, address, frames * PAGE_SIZE);
    bool removed = remove_range(batch, address.value, frames * PAGE_SIZE);
    if (hidden)
        show_hypercall_page(batch);
    spin_unlock(&partition->lock);
    return removed ? HV_STATUS_SUCCESS : HV_STATUS_INSUFFICIENT_MEMORY;
}

/* Bits of a leaf to clear. Those of a large page are cleared with its last page, so that a call
 * reads the same for all of them. */
static uint64_t bits_to_clear(uint64_t flags, const struct page_table_walk *walk, uint64_t page)
{
    if (walk->level != 0 && page % FRAMES != FRAMES - 1)
        return 0;
    return (flags & HV_GPA_ACCESS_STATE_CLEAR_ACCESSED ? hw->nested_accessed() : 0) |
           (flags & HV_GPA_ACCESS_STATE_CLEAR_DIRTY ? hw->nested_dirty() : 0);
}

/* A processor that does not note accesses: everything counts as accessed and dirty. */
enum hv_status hypercall_get_gpa_pages_access_states(const struct hypercall *call)
{
    const struct hv_input_get_gpa_pages_access_states *input = call->input;
    uint64_t accessed = hw->nested_accessed(), dirty = hw->nested_dirty(), page;
    struct batch *batch;
    enum hv_status status =
        begin_child(call, input->partition_id, input->gpa_page, 1, &batch, &page);

    if (status != HV_STATUS_SUCCESS)
        return status;
    if (input->flags & ~CLEAR_FLAGS)
        return HV_STATUS_INVALID_PARAMETER;
    if (!batch->partition->access_tracking)
        return HV_STATUS_OPERATION_DENIED;

    spin_lock(&batch->partition->lock);
    struct page_table_walk walk = page_table_lookup(&batch->partition->nested, page * PAGE_SIZE);
    uint64_t clear = walk.present ? bits_to_clear(input->flags, &walk, page) : 0;
    if (clear != 0) {
        walk.entry = __atomic_fetch_and(walk.at, ~clear, __ATOMIC_SEQ_CST);
        batch->flush = true;
    }
    spin_unlock(&batch->partition->lock);
    *(uint8_t *)call->output = 0;
    if (walk.present)
        *(uint8_t *)call->output =
            (accessed == 0 || walk.entry & accessed ? HV_GPA_ACCESS_STATE_ACCESSED : 0) |
            (dirty == 0 || walk.entry & dirty ? HV_GPA_ACCESS_STATE_DIRTY : 0);
    return HV_STATUS_SUCCESS;
}
