/* The local APIC, by MSRs (x2APIC) or by its page. */
#ifndef VENEER_VSC_DEMO_LAPIC_H
#define VENEER_VSC_DEMO_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86/lapic.h"

/* Registers that only this kernel uses (lib/x86/lapic.h). */
#define LAPIC_PPR 0x0a0u
#define LAPIC_LDR 0x0d0u
#define LAPIC_DFR 0x0e0u
#define LAPIC_ISR 0x100u
#define LAPIC_IRR 0x200u
#define LAPIC_SELF_IPI 0x3f0u

#define LAPIC_ICR_LOGICAL (1u << 11)
#define LAPIC_ICR_SHORTHAND_ALL (2u << 18)
#define LAPIC_ESR_ILLEGAL_VECTOR (3u << 5) /* sent, or received */
#define LAPIC_DFR_FLAT 0xffffffffu

/* Which way all VPs use: x2APIC if the processor has it and @xapic_wanted is false. Once. */
void lapic_choose(bool xapic_wanted);
bool lapic_is_x2apic(void);

/* Enables the calling VP's. */
void lapic_init(void);

uint32_t lapic_read(uint32_t offset);
void lapic_write(uint32_t offset, uint32_t value);
uint32_t lapic_id(void);
void lapic_eoi(void);

/* Sends what @low says (LAPIC_ICR_…, vector) to @destination: an APIC id, or a logical one. */
void lapic_send(uint32_t destination, uint32_t low);

/* An interrupt @vector to the calling VP, to VP @vp_index. */
void lapic_send_self(uint8_t vector);
void lapic_send_vp(uint32_t vp_index, uint8_t vector);

/* The task priority's upper half, as a control register. */
uint64_t read_cr8(void);
void write_cr8(uint64_t value);

/* Whether @vector is in the 256 bits from register @offset on (LAPIC_ISR, LAPIC_IRR). */
bool lapic_bit(uint32_t offset, uint8_t vector);

#endif
