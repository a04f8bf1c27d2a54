/* The hypervisor's use of the local APICs: starting processors, and NMIs to them. The LAPICs belong
 * to the root partition, so nothing here changes what it set up. */
#ifndef VENEER_HYPERVISOR_X86_APIC_H
#define VENEER_HYPERVISOR_X86_APIC_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/address.h"

/* Maps the xAPIC page. Final page tables active; LP 0, once. */
void apic_init(spa_t base);

/* SPA of the xAPIC page: where the root must leave it. */
spa_t apic_base(void);

/* APIC id and mode of this processor. */
uint32_t apic_id(void);
bool apic_is_x2apic(void);

/* Sends an interrupt command (LAPIC_ICR_…) from this LP, whose LAPIC is in mode @x2apic, to
 * @destination. A command that the root had half written stays so. */
void apic_send(bool x2apic, uint32_t destination, uint32_t command);

/* Arms this LP's timer, which is the root's, to interrupt at @tsc in the mode that the root has
 * set: TSC deadline or one shot. Nothing happens if it is in another one. */
void apic_arm_timer(bool x2apic, uint64_t tsc);

/* Ticks per second of the LAPIC timer with divisor 1, measured over @tsc_ticks of the TSC at
 * @tsc_frequency. LP 0, before the parent runs. */
uint64_t apic_measure_timer(uint64_t tsc_ticks, uint64_t tsc_frequency);

#endif
