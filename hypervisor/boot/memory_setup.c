/* Takes the hypervisor's memory and builds its address space. */
#include "hypervisor/hw.h"
#include "hypervisor/lp.h"
#include "hypervisor/memory.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"
#include "hypervisor/x86/tables.h"
#include "lib/page_table.h"

/* Linker. */
extern char image_start[], image_rodata[], image_data[], image_end[];
extern char scratch_data[], scratch_end[];

#define GIB (1ull << 30)
#define BOOT_MAP_END (4 * GIB) /* what the boot page tables reach */

/* Tables of the root beyond those for RAM: first touches of devices above RAM, split large pages.
 */
#define SPARE_TABLES 128

#define MSR_SYSCFG 0xc0010010u
#define SYSCFG_ENCRYPTION (1ull << 23)
#define MSR_TME_ACTIVATE 0x982u
#define CPUID_7_ECX_TME (1u << 13)

static uint64_t device_next = DEVICE_BASE;

bool memory_has_huge_pages(void)
{
    return (cpuid(0x80000001, 0).edx & (1u << 26)) != 0;
}

/* Address bits that memory encryption uses: of AMD's SME if it is on, of Intel's keys if any are
 * set up (AMD APM vol. 2, 7.10.1; Intel SDM vol. 4, IA32_TME_ACTIVATE). */
static unsigned encryption_bits(void)
{
    uint64_t syscfg, activate;

    if (cpuid(0x80000000, 0).eax >= 0x8000001f && cpuid(0x8000001f, 0).eax & 1 &&
        rdmsr_try(MSR_SYSCFG, &syscfg) && syscfg & SYSCFG_ENCRYPTION)
        return cpuid(0x8000001f, 0).ebx >> 6 & 0x3f;
    if (cpuid(0, 0).eax >= 7 && cpuid(7, 0).ecx & CPUID_7_ECX_TME &&
        rdmsr_try(MSR_TME_ACTIVATE, &activate))
        return activate >> 32 & 0xf;
    return 0;
}

uint64_t memory_address_end(void)
{
    unsigned bits = 36;

    if (cpuid(0x80000000, 0).eax >= 0x80000008)
        bits = cpuid(0x80000008, 0).eax & 0xff;
    bits -= encryption_bits();
    /* As many as four-level nested tables translate. */
    return 1ull << (bits < 48 ? bits : 48);
}

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* Pages that the pool must hold. An upper bound: what is over stays free in the pool. */
static uint64_t pages_needed(uint64_t memory_top, uint32_t lps)
{
    uint64_t gib = (memory_top + GIB - 1) / GIB;

    if (gib < 4)
        gib = 4;
    /* PHYSMAP and the root's nested tables: one directory per GiB each where 1 GiB pages are
     * missing or do not fit, one table for each end of a range. */
    uint64_t page_tables = 2 * gib + 4 * MEMORY_MAP_MAX_RANGES / 2 + SPARE_TABLES;
    /* Slot, its two tables at most, control block, counters, and VMXON or host save page. */
    uint64_t per_lp = LP_SLOT_PAGES + 2 + 3;

    return page_tables + lps * per_lp + pages_of(page_owner_size(memory_top)) + 32;
}

static void claim(struct memory_map *map, uint64_t base, uint64_t size, uint32_t type,
                  const char *what)
{
    if (!memory_map_claim(map, base, size, type))
        boot_stop("the boot loader put %s at 0x%llx, which is not free memory. "
                  "Use another version of the boot loader.",
                  what, (unsigned long long)base);
}

static void claim_image(struct memory_map *map, const char *start, const char *end, uint32_t type)
{
    if (start < end)
        claim(map, memory_image_spa(start).value, (uint64_t)(end - start), type, "the hypervisor");
}

void memory_claim(struct loader_info *info, spa_t base, uint32_t lps)
{
    struct memory_map *map = &info->memory;

    memory_image_base = base;
    claim_image(map, image_start, image_end, BOOT_MEMORY_HYPERVISOR);
    claim_image(map, image_end, hw->code_start, BOOT_MEMORY_BOOT_DATA);
    claim_image(map, hw->code_start, hw->code_end, BOOT_MEMORY_HYPERVISOR);
    claim_image(map, hw->code_end, scratch_end, BOOT_MEMORY_BOOT_DATA);
    for (uint32_t i = 0; i < info->module_count; i++)
        claim(map, info->modules[i].base, pages_of(info->modules[i].size) * PAGE_SIZE,
              BOOT_MEMORY_MODULE, "a module");

    uint64_t top = memory_map_top(map);
    uint64_t size = pages_needed(top, lps) * PAGE_SIZE;
    size = (size + LARGE_PAGE_SIZE - 1) & ~(LARGE_PAGE_SIZE - 1);
    if (top > PHYSMAP_SIZE)
        boot_stop("this machine has memory above 64 TiB, which is more than Veneer supports.");
    uint64_t block = memory_map_allocate(map, size, LARGE_PAGE_SIZE, LARGE_PAGE_SIZE, BOOT_MAP_END,
                                         BOOT_MEMORY_HYPERVISOR);
    if (block == 0)
        boot_stop("too little memory: no free block of %llu KiB below 4 GiB. Give the machine more "
                  "memory (at least 64 MiB).",
                  (unsigned long long)size / 1024);
    pool_init(spa(block), size);
}

/* RAM of any use, but not the image's code and constants: writable there would undo W^X. */
static void map_ram(const struct memory_map *map)
{
    uint64_t sealed_end = memory_image_base.value + (uint64_t)(image_data - image_start);

    for (size_t i = 0; i < map->count; i++) {
        const struct boot_memory_range *range = &map->ranges[i];
        uint64_t base = range->base, end = range->base + range->size;

        if (range->type != BOOT_MEMORY_RAM && range->type < BOOT_MEMORY_HYPERVISOR)
            continue;
        if (base <= memory_image_base.value && memory_image_base.value < end) {
            memory_map_pages(PHYSMAP_BASE + base, spa(base),
                             (memory_image_base.value - base) / PAGE_SIZE,
                             PTE_WRITABLE | PTE_NO_EXECUTE);
            base = sealed_end;
        }
        memory_map_pages(PHYSMAP_BASE + base, spa(base), (end - base) / PAGE_SIZE,
                         PTE_WRITABLE | PTE_NO_EXECUTE);
    }
}

void memory_map_self(const struct memory_map *map)
{
    memory_tables = (struct page_table){
        .root = pool_take(1).value,
        .present_mask = PTE_PRESENT,
        .table_flags = PTE_PRESENT | PTE_WRITABLE,
        .largest_level = memory_has_huge_pages() ? 2 : 1,
        .allocate = pool_allocate_table,
        .access = memory_access_table,
    };
    map_ram(map);
    memory_map_image(image_start, image_rodata, 0);
    memory_map_image(image_rodata, image_data, PTE_WRITABLE | PTE_NO_EXECUTE);
    memory_map_image(image_data, image_end, PTE_WRITABLE | PTE_NO_EXECUTE);
    memory_map_image(image_end, scratch_data, 0);
    memory_map_image(scratch_data, scratch_end, PTE_WRITABLE | PTE_NO_EXECUTE);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    write_cr3(memory_tables.root);
}

volatile void *memory_map_device(spa_t address, uint64_t size)
{
    uint64_t offset = address.value & (PAGE_SIZE - 1);
    uint64_t pages = pages_of(offset + size);
    uint64_t va = device_next;

    device_next += pages * PAGE_SIZE;
    memory_map_pages(va, spa(address.value - offset), pages,
                     PTE_WRITABLE | PTE_NO_EXECUTE | PTE_CACHE_DISABLE | PTE_WRITE_THROUGH);
    return (volatile void *)(va + offset);
}
