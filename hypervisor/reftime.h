/* Time: the TSC's frequency, measured at boot, and reference time in units of 100 ns (TLFS 12.4).
 */
#ifndef VENEER_HYPERVISOR_REFTIME_H
#define VENEER_HYPERVISOR_REFTIME_H

#include <stdint.h>

#include "lib/acpi.h"

/* Measures the TSC against the ACPI PM timer of @hardware or else the PIT. What CPUID says of
 * frequencies is not believed: it may be wrong. Stops the boot if no clock works. LP 0, before the
 * parent owns the devices. */
void reftime_calibrate(const struct acpi_fixed_hardware *hardware);

/* Hz. */
uint64_t reftime_tsc_frequency(void);
uint64_t reftime_apic_frequency(void);

/* Measures the LAPIC timer, too; apic_init() was called. */
void reftime_measure_apic(void);

/* Hz; of the TSC more than 10,000,000. While booting. */
void reftime_set_tsc_frequency(uint64_t frequency);
void reftime_set_apic_frequency(uint64_t frequency);

/* 100 ns units in @ticks of the TSC. */
uint64_t reftime_from_tsc(uint64_t ticks);

/* The first TSC tick at which reftime_from_tsc() is @reference_time or more; UINT64_MAX if there is
 * none. */
uint64_t reftime_to_tsc(uint64_t reference_time);

/* 100 ns per TSC tick, times 2^64. */
uint64_t reftime_scale(void);

/* Busy waiting. */
void reftime_delay(uint64_t microseconds);

#endif
