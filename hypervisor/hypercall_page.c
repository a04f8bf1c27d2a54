#include "hypervisor/hypercall_page.h"

#include "hypervisor/hw.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/pool.h"
#include "include/hv/msr.h"
#include "lib/string.h"

/* Nested tables do not look at address bits from here on: such an address would be a second name.
 */
#define NESTED_END (1ull << 48)

void hypercall_page_create(struct partition *root)
{
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa}, ret = 0xc3;
    uint8_t *code;

    root->hypercall_page = pool_take(1);
    code = spa_to_va(root->hypercall_page);
    memset(code, 0xcc, PAGE_SIZE); /* INT3 */
    memcpy(code, endbr64, sizeof(endbr64));
    memcpy(code + sizeof(endbr64), hw->hypercall_instruction, sizeof(hw->hypercall_instruction));
    code[sizeof(endbr64) + sizeof(hw->hypercall_instruction)] = ret;
}

static bool enabled(uint64_t value)
{
    return (value & HV_X64_MSR_HYPERCALL_ENABLE) != 0;
}

static uint64_t page_of(uint64_t value)
{
    return value & HV_X64_MSR_HYPERCALL_PAGE_MASK;
}

/* Shows our page at @address, and remembers what is there. False if tables are missing: a large
 * page must be split. */
static bool cover(struct partition *partition, uint64_t address)
{
    struct page_table_walk walk = page_table_lookup(&partition->nested, address);

    if (!page_table_map(&partition->nested, address, partition->hypercall_page.value, PAGE_SIZE,
                        hw->nested_flags(ACCESS_READ | ACCESS_EXECUTE, MEMORY_WRITE_BACK)))
        return false;
    partition->hypercall_under = 0;
    if (walk.entry != 0)
        partition->hypercall_under =
            (walk.entry & ~(PAGE_TABLE_ADDRESS | PAGE_TABLE_LARGE)) | (walk.physical & PAGE_MASK);
    return true;
}

/* Puts back the leaf @under at @address, whose tables are there. The root may have deposited the
 * page meanwhile: then it is not its own any more. */
static void uncover(struct partition *partition, uint64_t address, uint64_t under)
{
    bool lost = partition_is_root(partition) &&
                page_owner_get(spa(under & PAGE_TABLE_ADDRESS)).state != PAGE_ROOT;

    if (under != 0 && !lost)
        page_table_map(&partition->nested, address, under & PAGE_TABLE_ADDRESS, PAGE_SIZE,
                       under & ~PAGE_TABLE_ADDRESS);
    else
        page_table_unmap(&partition->nested, address, PAGE_SIZE);
}

/* Holds the partition's lock. */
static bool change(struct partition *partition, uint64_t value)
{
    uint64_t old = partition->hypercall_msr, under = partition->hypercall_under;

    if (!enabled(old ^ value) && page_of(old) == page_of(value)) {
        partition->hypercall_msr = value;
        return true;
    }
    if (enabled(value) && !cover(partition, page_of(value)))
        return false;
    if (enabled(old))
        uncover(partition, page_of(old), under);
    partition->hypercall_msr = value;
    partition_flush(partition);
    return true;
}

void hypercall_page_set_guest_os_id(struct partition *partition, uint64_t value)
{
    spin_lock(&partition->lock);
    partition->guest_os_id = value;
    if (value == 0 && enabled(partition->hypercall_msr))
        change(partition, partition->hypercall_msr & ~HV_X64_MSR_HYPERCALL_ENABLE);
    spin_unlock(&partition->lock);
}

static bool set_locked(struct partition *partition, uint64_t value)
{
    if (partition->hypercall_msr & HV_X64_MSR_HYPERCALL_LOCKED)
        return false;
    if (value & HV_X64_MSR_HYPERCALL_RESERVED)
        return false;
    if (page_of(value) >= NESTED_END)
        return false;
    if (partition->guest_os_id == 0)
        value &= ~HV_X64_MSR_HYPERCALL_ENABLE;
    if (enabled(value) && !hypercall_page_covers(partition, gpa(page_of(value))) &&
        partition_memory(partition, gpa(page_of(value)), PAGE_SIZE, false) == NULL)
        return false;
    partition->hypercall_page = root_partition.hypercall_page;
    return change(partition, value);
}

bool hypercall_page_set(struct partition *partition, uint64_t value)
{
    spin_lock(&partition->lock);
    bool set = set_locked(partition, value);
    spin_unlock(&partition->lock);
    return set;
}

bool hypercall_page_covers(const struct partition *partition, gpa_t address)
{
    return enabled(partition->hypercall_msr) &&
           page_of(address.value) == page_of(partition->hypercall_msr);
}

bool hypercall_page_hide(struct partition *partition, gpa_t address, uint64_t size)
{
    uint64_t page = page_of(partition->hypercall_msr);

    if (!enabled(partition->hypercall_msr) || page - page_of(address.value) >= size)
        return false;
    uncover(partition, page, partition->hypercall_under);
    return true;
}

void hypercall_page_show(struct partition *partition)
{
    if (!cover(partition, page_of(partition->hypercall_msr)))
        partition->hypercall_msr &= ~HV_X64_MSR_HYPERCALL_ENABLE;
}
