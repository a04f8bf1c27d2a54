#include "parent/kernel/memory.h"

#include "lib/page_table.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/lock.h"
#include "parent/kernel/pages.h"
#include "parent/kernel/panic.h"

#define KERNEL_FLAGS (PTE_PRESENT | PTE_GLOBAL)
#define DATA_FLAGS (KERNEL_FLAGS | PTE_WRITABLE | PTE_NO_EXECUTE)
#define CPUID_80000001_EDX_1GB_PAGES (1u << 26)
#define FIRST_UPPER_HALF_ENTRY 256

/* Each stack has a slot of this size; the stack is its upper half. */
#define STACK_SLOT_SIZE (2 * STACK_SIZE)

static struct spinlock lock; /* page tables, stack_count */
static uint64_t stack_count;

static uint64_t allocate_table(void *context)
{
    (void)context;
    return page_allocate_zeroed();
}

static uint64_t *access_table(uint64_t address)
{
    return direct_map(address);
}

static struct page_table tables = {
    .present_mask = PTE_PRESENT,
    .table_flags = PTE_PRESENT | PTE_WRITABLE,
    .allocate = allocate_table,
    .access = access_table,
};

void memory_early_init(void)
{
    uint64_t *top = (uint64_t *)(read_cr3() & PAGE_TABLE_ADDRESS);
    top[FIRST_UPPER_HALF_ENTRY] = top[0];
}

void memory_map(uint64_t va, uint64_t address, uint64_t size, uint64_t flags)
{
    uint64_t saved = spin_lock(&lock);
    struct page_table view = tables;
    /* Rights of a user page must be granted on all levels; each leaf decides for itself. */
    view.table_flags |= flags & PTE_USER;
    bool ok = page_table_map(&view, va, address, size, flags | PTE_PRESENT);
    spin_unlock(&lock, saved);
    if (!ok)
        panic("no memory for page tables");
}

void memory_unmap(uint64_t va, uint64_t size)
{
    uint64_t saved = spin_lock(&lock);
    bool ok = page_table_unmap(&tables, va, size);
    spin_unlock(&lock, saved);
    if (!ok)
        panic("no memory for page tables");
    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE)
        invlpg(va + offset);
}

static void map_image(const char *from, const char *to, uint64_t flags)
{
    uint64_t va = (uint64_t)from;
    memory_map(va, boot_info.kernel_base + (va - boot_info.kernel_virtual), (uint64_t)(to - from),
               flags);
}

/* Firmware tables may begin and end inside a page. RAM ranges are whole pages, so the rounding
 * touches none. */
static void map_ram(void)
{
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        uint64_t base = range->base & PAGE_MASK;
        uint64_t end = (range->base + range->size + PAGE_SIZE - 1) & PAGE_MASK;
        if (boot_memory_is_ours(range->type))
            memory_map(DIRECT_MAP_BASE + base, base, end - base, DATA_FLAGS);
    }
}

void memory_set_cache_types(void)
{
    wrmsr(MSR_PAT, KERNEL_PAT);
}

void memory_init(void)
{
    if (boot_memory_top() > DIRECT_MAP_SIZE)
        panic("memory beyond %llx", DIRECT_MAP_SIZE);
    bool huge_pages = cpuid(0x80000000, 0).eax >= 0x80000001 &&
                      cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_1GB_PAGES;
    tables.largest_level = huge_pages ? 2 : 1;
    tables.root = page_allocate_zeroed();
    map_image(kernel_start, kernel_text_end, KERNEL_FLAGS);
    map_image(kernel_text_end, kernel_rodata_end, KERNEL_FLAGS | PTE_NO_EXECUTE);
    map_image(kernel_rodata_end, kernel_end, DATA_FLAGS);
    map_ram();
    memory_set_cache_types();
    write_cr4(read_cr4() | CR4_PGE);
    write_cr3(tables.root);
}

uint64_t memory_root(void)
{
    return tables.root;
}

/* Whether any of [@base, @end) is memory that only RAM mappings, or none, may show. */
static bool touches_ram(uint64_t base, uint64_t end)
{
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        bool firmware = range->type == BOOT_MEMORY_RESERVED || range->type == BOOT_MEMORY_BAD ||
                        range->type == BOOT_MEMORY_ACPI_RECLAIM ||
                        range->type == BOOT_MEMORY_ACPI_NVS;
        if (!firmware && base < range->base + range->size && end > range->base)
            return true;
    }
    return false;
}

volatile void *memory_map_device(uint64_t address, uint64_t size, enum memory_cache cache)
{
    if (size == 0 || address >= DIRECT_MAP_SIZE || size > DIRECT_MAP_SIZE - address)
        return NULL;
    uint64_t base = address & PAGE_MASK;
    uint64_t end = (address + size + PAGE_SIZE - 1) & PAGE_MASK;
    if (touches_ram(base, end))
        return NULL;
    uint64_t flags = DATA_FLAGS;
    flags |=
        cache == MEMORY_WRITE_COMBINING ? PTE_WRITE_THROUGH : PTE_WRITE_THROUGH | PTE_CACHE_DISABLE;
    for (uint64_t page = base; page < end; page += PAGE_SIZE) {
        if (!page_table_lookup(&tables, DIRECT_MAP_BASE + page).present)
            memory_map(DIRECT_MAP_BASE + page, page, PAGE_SIZE, flags);
    }
    return direct_map(address);
}

const void *memory_reach(uint64_t address, uint64_t size)
{
    const struct boot_memory_range *range = boot_find_range(address);
    if (range && boot_memory_is_ours(range->type) && size <= range->size - (address - range->base))
        return direct_map(address);
    return (const void *)memory_map_device(address, size, MEMORY_UNCACHED);
}

uint64_t memory_physical(const void *pointer)
{
    struct page_table_walk walk = page_table_lookup(&tables, (uint64_t)pointer);
    if (!walk.present)
        panic("no physical address for %p", pointer);
    return walk.physical;
}

uint64_t stack_create(void)
{
    uint64_t address = pages_allocate(STACK_SIZE / PAGE_SIZE, 1);
    uint64_t saved = spin_lock(&lock);
    uint64_t slot = STACK_AREA_BASE + stack_count++ * STACK_SLOT_SIZE;
    spin_unlock(&lock, saved);
    if (address == 0 || slot >= WINDOW_BASE)
        panic("no memory for a stack");
    memory_map(slot + STACK_SLOT_SIZE - STACK_SIZE, address, STACK_SIZE, DATA_FLAGS);
    return slot + STACK_SLOT_SIZE;
}

bool stack_bounds(uint64_t rsp, uint64_t *low, uint64_t *high)
{
    /* The top of a stack belongs to it: -1. */
    uint64_t index = (rsp - 1 - STACK_AREA_BASE) / STACK_SLOT_SIZE;
    if (rsp <= STACK_AREA_BASE || index >= stack_count)
        return false;
    *high = STACK_AREA_BASE + (index + 1) * STACK_SLOT_SIZE;
    *low = *high - STACK_SIZE;
    return true;
}
