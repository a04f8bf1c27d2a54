#include "hypervisor/root.h"

#include "hypervisor/console.h"
#include "hypervisor/exit.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/lp.h"
#include "hypervisor/memory.h"
#include "hypervisor/msr.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"

#define GIB (1ull << 30)

/* Up to here everything is mapped at boot; above there are only devices, mapped at the first touch.
 */
static uint64_t mapped_end;
static uint64_t address_end; /* no devices from here on */

static uint64_t *table_access(uint64_t address)
{
    return spa_to_va(spa(address));
}

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

    mapped_end = (memory_map_top(memory) + GIB - 1) & ~(GIB - 1);
    if (mapped_end < 4 * GIB)
        mapped_end = 4 * GIB;
    address_end = memory_address_end();
    for (size_t i = 0; i < memory->count; i++) {
        const struct boot_memory_range *range = &memory->ranges[i];
        uint64_t start = range->base & PAGE_MASK;
        uint64_t end = (range->base + range->size + PAGE_SIZE - 1) & PAGE_MASK;

        if (start < cursor)
            start = cursor;
        if (end > mapped_end)
            end = mapped_end;
        if (start >= end)
            continue;
        map(cursor, start, MEMORY_DEVICE);
        if (range->type != BOOT_MEMORY_HYPERVISOR)
            map(start, end, is_memory(range->type) ? MEMORY_WRITE_BACK : MEMORY_DEVICE);
        cursor = end;
    }
    map(cursor, mapped_end, MEMORY_DEVICE);
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
    root->nested.access = table_access;
    map_machine(memory);
    msr_protect(root);
    hypercall_page_create(root);

    root->vps = spa_to_va(pool_take((lp_count * sizeof(struct vp) + PAGE_SIZE - 1) / PAGE_SIZE));
    root->vp_count = lp_count;
    for (uint32_t i = 0; i < lp_count; i++) {
        vp_create_root(&root->vps[i], root, i);
        lp_by_index(i)->root_vp = &root->vps[i];
    }
}

/* A device above all memory: map the large page around it. */
static bool map_device(uint64_t address)
{
    struct partition *root = &root_partition;
    uint64_t size = root->nested.largest_level == 2 ? GIB : LARGE_PAGE_SIZE;

    address &= ~(size - 1);
    spin_lock(&root->lock);
    bool mapped = page_table_map(&root->nested, address, address, size,
                                 hw->nested_flags(ACCESS_ALL, MEMORY_DEVICE));
    spin_unlock(&root->lock);
    return mapped;
}

/* Whether @address is mapped by now: another VP may have changed the hypercall page, or memory may
 * have come back, while this one still had the old translation. */
static bool is_mapped(uint64_t address, bool write)
{
    struct page_table_walk walk = page_table_lookup(&root_partition.nested, address);

    return walk.present && partition_allows(&root_partition, walk.entry, write, false);
}

enum exit_action exit_root_nested_fault(struct vp *vp, const struct exit_memory *access)
{
    uint64_t address = access->address.value;

    EXIT_COUNT(vp, memory);
    if (address >= address_end)
        return EXIT_GP;
    if (is_mapped(address, access->write))
        return EXIT_RETRY;
    if (address < mapped_end)
        return EXIT_GP; /* the hypervisor's memory, or a write to what it shows read-only */
    if (map_device(address))
        return EXIT_RETRY;
    print("The parent's access to a device at 0x%llx is refused: no memory left for page tables.\n",
          (unsigned long long)address);
    return EXIT_GP;
}
