/* What the hypervisor must know of the machine before it takes it: processors and clocks, from
 * ACPI. */
#ifndef VENEER_HYPERVISOR_BOOT_PLATFORM_H
#define VENEER_HYPERVISOR_BOOT_PLATFORM_H

#include <stdint.h>

#include "hypervisor/boot/multiboot2.h"
#include "hypervisor/lp.h"
#include "lib/acpi.h"

struct platform {
    uint32_t processor_count;
    uint32_t apic_ids[MAX_LPS]; /* the first is this processor's */
    uint64_t lapic_address;     /* SPA of the xAPIC page */
    uint64_t trampoline; /* SPA of a RAM page below 1 MiB, for the start of other processors; it
                            stays the root's */
    struct acpi_fixed_hardware fixed_hardware;
};

/* Reads the ACPI tables. Stops the boot without MADT, or with more processors than we can own. Boot
 * page tables active. */
void platform_read(const struct loader_info *loader, struct platform *platform);

/* Chooses the trampoline page among RAM that nothing was claimed of. */
void platform_choose_trampoline(const struct loader_info *loader, struct platform *platform);

#endif
