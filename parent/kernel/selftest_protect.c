/* Self test "protect": no byte of the hypervisor's memory can be read, written or executed; what it
 * needed only to boot is the parent's. */
#include <stddef.h>

#include "lib/page_table.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/console.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/selftest.h"

/* Where a range is mapped for data accesses, and again for execution. */
#define DATA_WINDOW WINDOW_BASE
#define CODE_WINDOW (WINDOW_BASE + WINDOW_SIZE / 2)

/* A top-level entry of the lower half that nothing else uses, and what it maps. */
#define SPARE_ENTRY 1
#define SPARE_ADDRESS (1ull << 39)

#define UNTOUCHED 0x5a

static void try_byte(uint64_t offset)
{
    struct fault fault = {0};
    uint8_t value = UNTOUCHED;
    check_fault(try_read8(DATA_WINDOW + offset, &value), X86_VECTOR_GP, "reading");
    check_equal(value, UNTOUCHED, "what a refused read gave");
    check_fault(try_write8(DATA_WINDOW + offset, 0), X86_VECTOR_GP, "writing");
    check_fault(try_execute(CODE_WINDOW + offset, &fault), X86_VECTOR_GP, "executing");
    check_equal(fault.rip, CODE_WINDOW + offset, "where execution was refused");
    check_equal(fault.error_code, 0, "error code of a refused execution");
}

static void try_range(const struct boot_memory_range *range)
{
    memory_map(DATA_WINDOW, range->base, range->size, PTE_WRITABLE | PTE_NO_EXECUTE);
    memory_map(CODE_WINDOW, range->base, range->size, 0);
    for (uint64_t offset = 0; offset < range->size; offset += PAGE_SIZE) {
        try_byte(offset);
        try_byte(offset + PAGE_SIZE - 1);
    }
    memory_unmap(DATA_WINDOW, range->size);
    memory_unmap(CODE_WINDOW, range->size);
}

/* The processor must not read page tables there, either. */
static void try_as_page_table(uint64_t page)
{
    uint64_t *top = direct_map(memory_root());
    uint8_t value = UNTOUCHED;
    top[SPARE_ENTRY] = page | PTE_PRESENT | PTE_WRITABLE;
    check_fault(try_read8(SPARE_ADDRESS, &value), X86_VECTOR_GP,
                "a page table in hypervisor memory");
    top[SPARE_ENTRY] = 0;
    invlpg(SPARE_ADDRESS);
}

/* By now the memory may have another use: it is read only. */
static void try_own_range(const struct boot_memory_range *range)
{
    for (uint64_t offset = 0; offset < range->size; offset += PAGE_SIZE) {
        uint8_t value;
        check(try_read8((uint64_t)direct_map(range->base + offset), &value) == FAULT_NONE,
              "%lx, of no use after the boot, is not the parent's", range->base + offset);
    }
}

static void run(void)
{
    uint64_t pages = 0;
    uint64_t partition_id = 0;
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        if (range->type == BOOT_MEMORY_BOOT_DATA) {
            try_own_range(range);
            print("  parent's after the boot: %lx to %lx\n", range->base,
                  range->base + range->size);
        }
        if (range->type != BOOT_MEMORY_HYPERVISOR)
            continue;
        try_range(range);
        print("  hypervisor's: %lx to %lx\n", range->base, range->base + range->size);
        pages += range->size >> PAGE_SHIFT;
    }
    try_as_page_table(selftest_hypervisor_page());
    check_equal(hyperv_get_partition_id(&partition_id), HV_STATUS_SUCCESS,
                "status of a hypercall afterwards");
    note("%lu pages of the hypervisor tried", pages);
}

const struct selftest selftest_protect = {"protect", run, SELFTEST_ONCE, false};
