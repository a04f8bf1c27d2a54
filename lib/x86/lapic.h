/* Local APIC registers, as offsets into the xAPIC page; the x2APIC MSR of a register is
 * MSR_X2APIC_FIRST + offset / 16 (Intel SDM vol. 3, 10.4 and 10.12; AMD APM vol. 2, chapter 16). */
#ifndef VENEER_LIB_X86_LAPIC_H
#define VENEER_LIB_X86_LAPIC_H

#define LAPIC_ID 0x020u
#define LAPIC_VERSION 0x030u
#define LAPIC_TPR 0x080u
#define LAPIC_PPR 0x0a0u
#define LAPIC_EOI 0x0b0u
#define LAPIC_LDR 0x0d0u
#define LAPIC_DFR 0x0e0u
#define LAPIC_SVR 0x0f0u
#define LAPIC_ISR 0x100u /* 8 registers each */
#define LAPIC_TMR 0x180u
#define LAPIC_IRR 0x200u
#define LAPIC_ESR 0x280u
#define LAPIC_ICR_LOW 0x300u
#define LAPIC_ICR_HIGH 0x310u
#define LAPIC_LVT_TIMER 0x320u
#define LAPIC_LVT_THERMAL 0x330u
#define LAPIC_LVT_PERFORMANCE 0x340u
#define LAPIC_LVT_LINT0 0x350u
#define LAPIC_LVT_LINT1 0x360u
#define LAPIC_LVT_ERROR 0x370u
#define LAPIC_TIMER_INITIAL 0x380u
#define LAPIC_TIMER_CURRENT 0x390u
#define LAPIC_TIMER_DIVIDE 0x3e0u
#define LAPIC_SELF_IPI 0x3f0u /* x2APIC only */

#define LAPIC_VERSION_EOI_SUPPRESSION (1u << 24)
#define LAPIC_SVR_ENABLE (1u << 8)
#define LAPIC_SVR_NO_EOI_BROADCAST (1u << 12)
#define LAPIC_ESR_SEND_ILLEGAL_VECTOR (1u << 5)
#define LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR (1u << 6)
#define LAPIC_DELIVERY_EXTINT (7u << 8) /* of LVTs: bits 10:8 */
#define LAPIC_DELIVERY_MASK (7u << 8)
#define LAPIC_ICR_DELIVERY_FIXED (0u << 8)
#define LAPIC_ICR_DELIVERY_NMI (4u << 8)
#define LAPIC_ICR_DELIVERY_INIT (5u << 8)
#define LAPIC_ICR_DELIVERY_STARTUP (6u << 8)
#define LAPIC_ICR_LOGICAL (1u << 11)
#define LAPIC_ICR_PENDING (1u << 12)
#define LAPIC_ICR_ASSERT (1u << 14)
#define LAPIC_ICR_LEVEL (1u << 15)
#define LAPIC_ICR_SHORTHAND_SELF (1u << 18)
#define LAPIC_ICR_SHORTHAND_ALL (2u << 18)
#define LAPIC_ICR_SHORTHAND_ALL_BUT_SELF (3u << 18)
#define LAPIC_LVT_MASKED (1u << 16)
#define LAPIC_LVT_TIMER_PERIODIC (1u << 17)
#define LAPIC_TIMER_MODE_MASK (3u << 17)
#define LAPIC_TIMER_MODE_ONE_SHOT 0u
#define LAPIC_LVT_TIMER_TSC_DEADLINE (2u << 17)
#define LAPIC_TIMER_DIVIDE_BY_1 0xbu

#endif
