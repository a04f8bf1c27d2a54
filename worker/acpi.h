/* The ACPI tables of the enlightened machine, which has no other hardware than its tables name:
 * hardware-reduced ACPI (ACPI 6.4, 4.1), with power-off and reset by registers of our own. */
#ifndef VENEER_WORKER_ACPI_H
#define VENEER_WORKER_ACPI_H

#include <stdint.h>

#include "worker/devices/device.h"
#include "worker/memory_map.h"

#define ACPI_RSDP_ADDRESS MEMORY_ACPI_START

#define ACPI_RESET_VECTOR 0xffff0ull /* F000:FFF0 */
#define ACPI_RESET_VECTOR_SIZE 16

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

/* Writes the code at the processor's reset vector in the last 16 bytes below 1 MiB, which a PC's
 * systems jump to in real mode to start it anew: Linux does with these tables, because it expects
 * EFI beside hardware-reduced ACPI. @vector: those bytes. */
void acpi_write_reset_vector(uint8_t vector[ACPI_RESET_VECTOR_SIZE]);

#endif
