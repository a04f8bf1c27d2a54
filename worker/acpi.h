/* The ACPI tables of the enlightened machine, which has no other hardware than its tables name:
 * hardware-reduced ACPI (ACPI 6.4, 4.1), with power-off and reset by registers of our own. */
#ifndef VENEER_WORKER_ACPI_H
#define VENEER_WORKER_ACPI_H

#include <stdint.h>

#include "worker/device.h"
#include "worker/memory_map.h"

#define ACPI_RSDP_ADDRESS MEMORY_ACPI_START

/* What the tables describe. */
struct acpi_machine {
    uint32_t vp_count;
    uint64_t ioapic_address;
    uint8_t *memory; /* MEMORY_ACPI_SIZE bytes, which the guest sees at MEMORY_ACPI_START */
};

/* Writes all tables. */
void acpi_write_tables(const struct acpi_machine *machine);

/* The registers for power-off and reset. The host must stay. */
void acpi_add_registers(const struct device_host *host);

#endif
