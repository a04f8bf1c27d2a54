#include "hypervisor/boot/platform.h"

#include "hypervisor/panic.h"
#include "hypervisor/x86/apic.h"

#define BOOT_MAP_END (4ull << 30)
#define MIB (1ull << 20)
#define XAPIC_BROADCAST 0xff

static const void *map_table(void *context, uint64_t address, size_t size)
{
    (void)context;
    if (address == 0 || address >= BOOT_MAP_END || size > BOOT_MAP_END - address)
        return NULL;
    return spa_to_va(spa(address));
}

/* The id as CPUID tells it: the LAPIC itself is not mapped yet (Intel SDM vol. 2, CPUID 1 and 0Bh).
 */
static uint32_t own_apic_id(void)
{
    if (cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx != 0)
        return cpuid(0xb, 0).edx;
    return cpuid(1, 0).ebx >> 24;
}

static bool known(const struct platform *platform, uint32_t id)
{
    for (uint32_t i = 0; i < platform->processor_count; i++)
        if (platform->apic_ids[i] == id)
            return true;
    return false;
}

static void read_processors(const struct acpi_header *madt, struct platform *platform)
{
    struct acpi_processor processor;
    uint32_t offset = 0;
    bool listed = false;

    platform->processor_count = 1;
    platform->apic_ids[0] = own_apic_id();
    while (acpi_madt_next_processor(madt, &offset, &processor)) {
        if (!processor.enabled)
            continue;
        if (processor.apic_id == platform->apic_ids[0])
            listed = true;
        if (known(platform, processor.apic_id))
            continue;
        if (platform->processor_count == MAX_LPS)
            boot_stop("this machine has more than %u processors, and Veneer must own every one. "
                      "Disable some, or hyper-threading, in the firmware setup.",
                      MAX_LPS);
        platform->apic_ids[platform->processor_count++] = processor.apic_id;
    }
    if (!listed)
        boot_stop("the ACPI MADT does not list the processor that boots (APIC id %u).",
                  platform->apic_ids[0]);
}

/* In xAPIC mode a destination has eight bits, and the last one is everybody. */
static void check_apic_ids(const struct platform *platform)
{
    for (uint32_t i = 0; i < platform->processor_count; i++)
        if (platform->apic_ids[i] >= XAPIC_BROADCAST && !apic_is_x2apic())
            boot_stop(
                "a processor has the APIC id %u, which the local APICs cannot reach in the mode "
                "that the firmware left them in. Enable x2APIC in the firmware setup.",
                platform->apic_ids[i]);
}

void platform_read(const struct loader_info *loader, struct platform *platform)
{
    const struct acpi_access access = {.map = map_table};
    const struct acpi_header *madt = NULL, *fadt = NULL;

    if (acpi_rsdp_valid(loader->rsdp, sizeof(loader->rsdp))) {
        madt = acpi_find(&access, loader->rsdp, "APIC");
        fadt = acpi_find(&access, loader->rsdp, "FACP");
    }
    if (madt == NULL)
        boot_stop("no valid ACPI MADT, which lists the processors. Enable ACPI in the firmware "
                  "setup.");
    read_processors(madt, platform);
    check_apic_ids(platform);
    platform->lapic_address = acpi_madt_lapic_address(madt);
    if (platform->lapic_address != (rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS_MASK))
        boot_stop("the local APIC is at 0x%llx, but the ACPI MADT says 0x%llx.",
                  (unsigned long long)(rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS_MASK),
                  (unsigned long long)platform->lapic_address);
    if (fadt != NULL)
        acpi_read_fadt(fadt, &platform->fixed_hardware);
}

void platform_choose_trampoline(const struct loader_info *loader, struct platform *platform)
{
    if (platform->processor_count == 1)
        return;
    for (uint64_t page = PAGE_SIZE; page < MIB; page += PAGE_SIZE) {
        const struct boot_memory_range *range = memory_map_find(&loader->memory, page);
        if (range != NULL && range->type == BOOT_MEMORY_RAM) {
            platform->trampoline = page;
            return;
        }
    }
    boot_stop("no free memory below 1 MiB, which the other processors need to start.");
}
