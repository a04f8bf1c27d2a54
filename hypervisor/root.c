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

uint64_t root_mapped_end __attribute__((section(".data.constant_after_boot")));
uint64_t root_address_end __attribute__((section(".data.constant_after_boot")));

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
    if (address >= root_address_end)
        return EXIT_GP;
    if (is_mapped(address, access->write))
        return EXIT_RETRY;
    if (address < root_mapped_end)
        return EXIT_GP; /* the hypervisor's memory, or a write to what it shows read-only */
    if (map_device(address))
        return EXIT_RETRY;
    print("The parent's access to a device at 0x%llx is refused: no memory left for page tables.\n",
          (unsigned long long)address);
    return EXIT_GP;
}
