/* Switching the machine off and restarting it. */
#ifndef VENEER_PARENT_POWER_H
#define VENEER_PARENT_POWER_H

#include "lib/acpi.h"

/* The first ACPI table with @signature, or NULL. memory_init() has been called. */
const struct acpi_header *acpi_table(const char signature[4]);

/* Switches off by ACPI. Where that does not work it says so and halts. */
_Noreturn void power_off(void);

/* Restarts the machine: ACPI's reset register, then port CF9h, then the keyboard controller. */
_Noreturn void power_reset(void);

/* Halts all CPUs for good, with everything printed. */
_Noreturn void power_halt(void);

#endif
