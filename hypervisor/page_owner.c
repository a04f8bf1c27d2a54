#include "hypervisor/page_owner.h"

#include "hypervisor/pool.h"
#include "include/hv/hypercall.h"

static struct page_record *records;
static uint64_t record_count;

uint64_t page_owner_size(uint64_t memory_top)
{
    return (memory_top + PAGE_SIZE - 1) / PAGE_SIZE * sizeof(struct page_record);
}

void page_owner_init(const struct memory_map *map)
{
    uint64_t size = page_owner_size(memory_map_top(map));

    record_count = size / sizeof(struct page_record);
    records = spa_to_va(pool_take((size + PAGE_SIZE - 1) / PAGE_SIZE));
    for (size_t i = 0; i < map->count; i++) {
        const struct boot_memory_range *range = &map->ranges[i];
        struct page_record record = {.owner = HV_PARTITION_ID_ROOT, .state = PAGE_ROOT};

        if (range->type == BOOT_MEMORY_HYPERVISOR)
            record = (struct page_record){.owner = 0, .state = PAGE_HYPERVISOR};
        else if (range->type != BOOT_MEMORY_RAM && range->type < BOOT_MEMORY_HYPERVISOR)
            continue;
        for (uint64_t page = range->base / PAGE_SIZE;
             page < (range->base + range->size) / PAGE_SIZE && page < record_count; page++)
            records[page] = record;
    }
}

struct page_record page_owner_get(spa_t address)
{
    uint64_t page = address.value / PAGE_SIZE;
    struct page_record record;

    if (page >= record_count)
        return (struct page_record){.owner = 0, .state = PAGE_DEVICE};
    __atomic_load(&records[page], &record, __ATOMIC_SEQ_CST);
    return record;
}

/* Where there is no record there is no RAM: @from says PAGE_ROOT or PAGE_DEPOSITED. */
static bool change(spa_t address, struct page_record from, struct page_record to)
{
    uint64_t page = address.value / PAGE_SIZE;

    return page < record_count && __atomic_compare_exchange(&records[page], &from, &to, false,
                                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static const struct page_record private_page = {.owner = HV_PARTITION_ID_ROOT, .state = PAGE_ROOT};

bool page_owner_deposit(spa_t address, uint16_t owner)
{
    return change(address, private_page,
                  (struct page_record){.owner = owner, .state = PAGE_DEPOSITED});
}

bool page_owner_withdraw(spa_t address, uint16_t owner)
{
    return change(address, (struct page_record){.owner = owner, .state = PAGE_DEPOSITED},
                  private_page);
}

static bool change_mapped(spa_t address, uint8_t limit, int step)
{
    struct page_record old, new;

    do {
        old = new = page_owner_get(address);
        if (old.state != PAGE_ROOT || old.mapped == limit)
            return false;
        new.mapped = (uint8_t)(old.mapped + step);
    } while (!change(address, old, new));
    return true;
}

bool page_owner_map(spa_t address)
{
    return change_mapped(address, UINT8_MAX, 1);
}

bool page_owner_unmap(spa_t address)
{
    return change_mapped(address, 0, -1);
}

uint64_t page_owner_count(enum page_state state)
{
    uint64_t count = 0;

    for (uint64_t page = 0; page < record_count; page++)
        if (records[page].state == state)
            count++;
    return count;
}
