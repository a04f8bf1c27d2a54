#include "hypervisor/hypercall_page.h"

#include "hypervisor/hw.h"
#include "hypervisor/lp.h"
#include "hypervisor/pool.h"
#include "include/hv/msr.h"
#include "lib/string.h"

void hypercall_page_create(struct partition *partition)
{
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa}, ret = 0xc3;
    uint8_t *code;

    partition->hypercall_page = pool_take(1);
    code = spa_to_va(partition->hypercall_page);
    memset(code, 0xcc, PAGE_SIZE); /* INT3 */
    memcpy(code, endbr64, sizeof(endbr64));
    memcpy(code + sizeof(endbr64), hw->hypercall_instruction, sizeof(hw->hypercall_instruction));
    code[sizeof(endbr64) + sizeof(hw->hypercall_instruction)] = ret;
}

static bool enabled(uint64_t value)
{
    return (value & HV_X64_MSR_HYPERCALL_ENABLE) != 0;
}

/* Shows the page that @value names as what it is, or as ours. False if tables are missing. */
static bool show(struct partition *partition, uint64_t value, bool overlay)
{
    uint64_t address = value & HV_X64_MSR_HYPERCALL_PAGE_MASK;

    if (overlay)
        return page_table_map(&partition->nested, address, partition->hypercall_page.value,
                              PAGE_SIZE,
                              hw->nested_flags(ACCESS_READ | ACCESS_EXECUTE, MEMORY_WRITE_BACK));
    return page_table_map(&partition->nested, address, address, PAGE_SIZE,
                          hw->nested_flags(ACCESS_ALL, MEMORY_WRITE_BACK));
}

/* Holds the partition's lock. */
static bool change(struct partition *partition, uint64_t value)
{
    uint64_t old = partition->hypercall_msr;

    if (enabled(value) && !show(partition, value, true))
        return false;
    if (enabled(old) && (!enabled(value) || (old ^ value) & HV_X64_MSR_HYPERCALL_PAGE_MASK))
        show(partition, old, false); /* its tables are there */
    partition->hypercall_msr = value;
    lp_request_all(LP_REQUEST_FLUSH);
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
    if (partition->guest_os_id == 0)
        value &= ~HV_X64_MSR_HYPERCALL_ENABLE;
    if (enabled(value) &&
        partition_memory(partition, gpa(value & HV_X64_MSR_HYPERCALL_PAGE_MASK), PAGE_SIZE) == NULL)
        return false;
    return change(partition, value);
}

bool hypercall_page_set(struct partition *partition, uint64_t value)
{
    spin_lock(&partition->lock);
    bool set = set_locked(partition, value);
    spin_unlock(&partition->lock);
    return set;
}
