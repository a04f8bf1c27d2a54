#include "hypervisor/memory.h"

#include "hypervisor/hw.h"
#include "hypervisor/panic.h"
#include "lib/page_table.h"

/* Linker. */
extern char image_start[], image_rodata[], image_data[], image_end[], scratch_end[];

struct page_table memory_tables;
spa_t memory_image_base;

uint64_t memory_image_size(void)
{
    return (uint64_t)(image_end - image_start) + (uint64_t)(hw->code_end - hw->code_start);
}

uint64_t *memory_access_table(uint64_t address)
{
    return spa_to_va(spa(address));
}

void memory_map_pages(uint64_t va, spa_t address, uint64_t pages, uint64_t flags)
{
    if (!page_table_map(&memory_tables, va, address.value, pages * PAGE_SIZE, flags | PTE_PRESENT))
        boot_stop("the hypervisor's own memory is too small for its page tables.");
}

void memory_map_image(const char *start, const char *end, uint64_t flags)
{
    memory_map_pages((uint64_t)start, memory_image_spa(start), (uint64_t)(end - start) / PAGE_SIZE,
                     flags);
}

spa_t memory_image_spa(const char *address)
{
    return spa(memory_image_base.value + (uint64_t)(address - image_start));
}

static void unmap_image(const char *start, const char *end)
{
    page_table_unmap(&memory_tables, (uint64_t)start, (uint64_t)(end - start));
}

void memory_seal(void)
{
    spa_t code = memory_image_spa(hw->code_start);

    memory_map_image(image_rodata, image_data, PTE_NO_EXECUTE);
    memory_map_pages(PHYSMAP_BASE + code.value, code,
                     (uint64_t)(hw->code_end - hw->code_start) / PAGE_SIZE, PTE_NO_EXECUTE);
    unmap_image(image_end, hw->code_start);
    unmap_image(hw->code_end, scratch_end);
    write_cr3(memory_tables.root);
}

spa_t memory_root(void)
{
    return spa(memory_tables.root);
}
