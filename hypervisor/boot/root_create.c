/* Makes the root partition. */
#include "hypervisor/hw.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/lp.h"
#include "hypervisor/memory.h"
#include "hypervisor/msr.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"
#include "hypervisor/root.h"

#define GIB (1ull << 30)

static void map(uint64_t from, uint64_t to, enum memory_type type)
{
    if (from < to && !page_table_map(&root_partition.nested, from, from, to - from,
                                     hw->nested_flags(ACCESS_ALL, type)))
        boot_stop("the hypervisor's own memory is too small for the parent's page tables.");
}

/* Firmware's tables are RAM as well. */
static bool is_memory(uint32_t type)
{
    return type != BOOT_MEMORY_RESERVED && type != BOOT_MEMORY_BAD;
}

/* Maps everything but the hypervisor. A page that two ranges share has the type of the first. */
static void map_machine(const struct memory_map *memory)
{
    uint64_t cursor = 0;

    root_mapped_end = (memory_map_top(memory) + GIB - 1) & ~(GIB - 1);
    if (root_mapped_end < 4 * GIB)
        root_mapped_end = 4 * GIB;
    root_address_end = memory_address_end();
    for (size_t i = 0; i < memory->count; i++) {
        const struct boot_memory_range *range = &memory->ranges[i];
        uint64_t start = range->base & PAGE_MASK;
        uint64_t end = (range->base + range->size + PAGE_SIZE - 1) & PAGE_MASK;

        if (start < cursor)
            start = cursor;
        if (end > root_mapped_end)
            end = root_mapped_end;
        if (start >= end)
            continue;
        map(cursor, start, MEMORY_DEVICE);
        if (range->type != BOOT_MEMORY_HYPERVISOR)
            map(start, end, is_memory(range->type) ? MEMORY_WRITE_BACK : MEMORY_DEVICE);
        cursor = end;
    }
    map(cursor, root_mapped_end, MEMORY_DEVICE);
}

void root_create(const struct memory_map *memory)
{
    struct partition *root = &root_partition;

    root->id = HV_PARTITION_ID_ROOT;
    root->tsc_offset = 0 - rdtsc();
    root->state = PARTITION_ACTIVE;
    partition_init_table();
    hw->children_init();
    hw->partition_init(root);
    root->nested.root = pool_take(1).value;
    root->nested.largest_level = memory_has_huge_pages() ? root->nested.largest_level : 1;
    root->nested.allocate = pool_allocate_table;
    root->nested.access = memory_access_table;
    map_machine(memory);
    msr_protect(root);
    hypercall_page_create(root);

    root->vps = spa_to_va(pool_take((lp_count * sizeof(struct vp) + PAGE_SIZE - 1) / PAGE_SIZE));
    root->vp_count = lp_count;
    for (uint32_t i = 0; i < lp_count; i++) {
        vp_create_root(&root->vps[i], root, i);
        root->vps[i].synic.lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_SYNIC);
        lp_by_index(i)->root_vp = &root->vps[i];
    }
}
