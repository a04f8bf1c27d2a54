/* The local APIC of each CPU, in xAPIC or x2APIC mode, and interrupts between CPUs. */
#ifndef VENEER_PARENT_LAPIC_H
#define VENEER_PARENT_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

/* Finds out the mode, which all CPUs share: that of VP 0, or x2APIC if "x2apic" is on the command
 * line and the processor has it. VP 0, before lapic_init(). */
void lapic_find(void);

/* Enables this CPU's local APIC with everything masked that the kernel does not use, and fills in
 * its apic_id. */
void lapic_init(void);

bool lapic_is_x2apic(void);

/* Registers by their offset in the xAPIC page (lib/x86/lapic.h). */
uint32_t lapic_read(uint32_t offset);
void lapic_write(uint32_t offset, uint32_t value);

void lapic_end_of_interrupt(void);

/* Sends an interrupt command (LAPIC_ICR_* and a vector) to the CPU with @apic_id. Any context. */
void lapic_send(uint32_t apic_id, uint32_t command);

/* Sends @vector, or an NMI, to the CPU with @apic_id. */
void lapic_send_interrupt(uint32_t apic_id, uint8_t vector);
void lapic_send_nmi(uint32_t apic_id);
void lapic_send_nmi_to_others(void);

#endif
