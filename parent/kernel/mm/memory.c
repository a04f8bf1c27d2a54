#include "parent/kernel/mm/memory.h"

#include "lib/page_table.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/layout.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/mm/pages.h"
#include "parent/kernel/panic.h"

#define KERNEL_FLAGS (PTE_PRESENT | PTE_GLOBAL)
#define DATA_FLAGS (KERNEL_FLAGS | PTE_WRITABLE | PTE_NO_EXECUTE)
#define CPUID_80000001_EDX_1GB_PAGES (1u << 26)
#define CPUID_ADDRESS_SIZES 0x80000008 /* EAX 7:0: physical address bits */
#define FIRST_UPPER_HALF_ENTRY 256

#define TOP_ENTRY_SHIFT 39

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_PAGE_TABLE);

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

bool memory_try_map(uint64_t va, uint64_t address, uint64_t size, uint64_t flags)
{
    uint64_t saved = spin_lock(&lock);
    struct page_table view = tables;
    /* Rights of a user page must be granted on all levels; each leaf decides for itself. */
    view.table_flags |= flags & PTE_USER;
    bool ok = page_table_map(&view, va, address, size, flags | PTE_PRESENT);
    spin_unlock(&lock, saved);
    return ok;
}

void memory_map(uint64_t va, uint64_t address, uint64_t size, uint64_t flags)
{
    if (!memory_try_map(va, address, size, flags))
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

/* Gives each top-level entry of [@va, @va + @size) its table, so that no entry changes later: the
 * upper half is copied into every process's tables. */
static void reserve_top_entries(uint64_t va, uint64_t size)
{
    uint64_t *top = direct_map(tables.root);
    for (uint64_t offset = 0; offset < size; offset += 1ull << TOP_ENTRY_SHIFT) {
        uint64_t *entry = &top[(va + offset) >> TOP_ENTRY_SHIFT & (PAGE_TABLE_ENTRIES - 1)];
        uint64_t page = *entry ? 0 : allocate_table(NULL);
        if (*entry == 0 && page == 0)
            panic("no memory for page tables");
        if (page)
            *entry = page | tables.table_flags;
    }
}

/* What the direct map can be asked to show: all addresses that the processor has. */
static uint64_t direct_map_used_size(void)
{
    unsigned bits = 36;
    if (cpuid(0x80000000, 0).eax >= CPUID_ADDRESS_SIZES)
        bits = cpuid(CPUID_ADDRESS_SIZES, 0).eax & 0xff;
    return bits >= DIRECT_MAP_BITS ? DIRECT_MAP_SIZE : 1ull << bits;
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
    reserve_top_entries(DIRECT_MAP_BASE, direct_map_used_size());
    reserve_top_entries(STACK_AREA_BASE, STACK_AREA_SIZE);
    reserve_top_entries(WINDOW_BASE, WINDOW_SIZE);
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
    uint64_t limit = direct_map_used_size();
    if (size == 0 || address >= limit || size > limit - address)
        return NULL;
    uint64_t base = address & PAGE_MASK;
    uint64_t end = (address + size + PAGE_SIZE - 1) & PAGE_MASK;
    if (touches_ram(base, end))
        return NULL;
    uint64_t flags = DATA_FLAGS;
    flags |=
        cache == MEMORY_WRITE_COMBINING ? PTE_WRITE_THROUGH : PTE_WRITE_THROUGH | PTE_CACHE_DISABLE;
    for (uint64_t page = base; page < end; page += PAGE_SIZE) {
        if (!page_table_lookup(&tables, DIRECT_MAP_BASE + page).present &&
            !memory_try_map(DIRECT_MAP_BASE + page, page, PAGE_SIZE, flags))
            return NULL;
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

const void *memory_map_lent(uint64_t address)
{
    uint64_t page = address & PAGE_MASK;
    if (page >= direct_map_used_size())
        return NULL;
    if (!page_table_lookup(&tables, DIRECT_MAP_BASE + page).present &&
        !memory_try_map(DIRECT_MAP_BASE + page, page, PAGE_SIZE, DATA_FLAGS & ~PTE_WRITABLE))
        return NULL;
    return direct_map(address);
}

void *physical_to_virtual(uint64_t address)
{
    return direct_map(address);
}

uint64_t virtual_to_physical(const void *pointer)
{
    if ((uint64_t)pointer - DIRECT_MAP_BASE < DIRECT_MAP_SIZE)
        return (uint64_t)pointer - DIRECT_MAP_BASE;
    struct page_table_walk walk = page_table_lookup(&tables, (uint64_t)pointer);
    if (!walk.present)
        panic("no physical address for %p", pointer);
    return walk.physical;
}
