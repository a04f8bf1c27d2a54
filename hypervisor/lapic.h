/* The virtual local APIC of a child VP: xAPIC page and x2APIC MSRs (Intel SDM vol. 3, chapter 10).
 * Always there, with x2APIC and TSC deadline, whatever the machine has. Its APIC id is the VP
 * index.
 *
 * Called on the VP's LP, but for lapic_post() and lapic_request(). */
#ifndef VENEER_HYPERVISOR_LAPIC_H
#define VENEER_HYPERVISOR_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86/cpu.h"

struct partition;
struct vp;

#define LAPIC_BASE_ADDRESS 0xfee00000ull
#define LAPIC_VIRTUAL_FREQUENCY 200000000u /* Hz of the timer, before its divider */
#define LAPIC_NO_INTERRUPT (-1)
#define LAPIC_FIRST_VECTOR 16u
#define LAPIC_EXTINT_WAITS 0x100u /* struct lapic.extint */

enum lapic_lvt {
    LVT_TIMER,
    LVT_THERMAL,
    LVT_PERFORMANCE,
    LVT_LINT0,
    LVT_LINT1,
    LVT_ERROR,
    LVT_COUNT
};

/* Other LPs post interrupts into irr, irr_words, tmr and extint, and read base, svr, tpr, ldr and
 * dfr: all these atomically. */
struct lapic {
    /* What INIT leaves alone. */
    uint64_t base;        /* IA32_APIC_BASE */
    uint32_t auto_eoi[8]; /* vectors that never get into service (SynIC's auto-EOI) */
    uint32_t extint;      /* LAPIC_EXTINT_WAITS | vector, or 0 */

    uint32_t irr[8];
    uint32_t irr_words; /* bit n: irr[n] may have bits */
    uint32_t tmr[8];    /* bit set = level triggered */
    uint32_t isr[8];
    uint32_t isr_words; /* bit n: isr[n] has bits */
    uint32_t tpr, svr, ldr, dfr, esr, esr_next;
    uint32_t icr_low, icr_high; /* in the format of the mode */
    uint32_t lvt[LVT_COUNT];
    uint32_t timer_initial, timer_divide;
    uint64_t tsc_deadline;
    bool eoi_assisted; /* the VP assist page says "no EOI required" for what is in service */
};

/* The state after RESET (@init false) or INIT (@init true: the mode stays). The first time, all is
 * 0. LINT0 of VP 0 lets ExtINTs in, which is what systems without APICs find on a PC, though it is
 * its firmware that sets it. On the VP's LP, or while it does not run. */
void lapic_reset(struct vp *vp, bool init);

/* Posts an interrupt of the VP: sets its request bit and calls vp_attention(). False: not accepted,
 * since the vector is below 16 or the local APIC is off. Any LP; the VP's partition is referenced.
 */
bool lapic_post(struct vp *vp, uint8_t vector, bool level);

/* An interrupt message on the partition's APIC bus, from the parent (HvCallAssertVirtualInterrupt)
 * or from an IPI: @type is an enum hv_interrupt_type (parent.h), @destination an APIC id or a
 * logical destination, all ones in x2APIC or FFh in xAPIC format for everybody. False: no VP has
 * it, or the vector is illegal. Any LP; the partition is referenced. */
struct lapic_message {
    uint32_t type, vector, destination;
    bool logical, level;
};
bool lapic_request(struct partition *partition, const struct lapic_message *message);

/* The vector of the interrupt that the VP should get now by IRR, ISR and TPR, or
 * LAPIC_NO_INTERRUPT. An ExtINT counts, by LINT0 or with the APIC off. Takes over EOIs that the
 * guest left to the VP assist page before. */
int lapic_pending(struct vp *vp);

/* Whether ExtINTs are let in: by LINT0, or with the APIC off. */
bool lapic_allows_extint(const struct vp *vp);

/* The VP gets the interrupt @vector that lapic_pending() named: IRR to ISR. Offers to do without
 * the EOI by the VP assist page where that is allowed. */
void lapic_accept(struct vp *vp, uint8_t vector);

/* Register access by MSR number (x2APIC, 800h to 8FFh). False: #GP. */
bool lapic_read_msr(struct vp *vp, uint32_t msr, uint64_t *value);
bool lapic_write_msr(struct vp *vp, uint32_t msr, uint64_t value);

/* 32-bit register access at @offset of the xAPIC page. Others read as 0 and ignore writes. */
uint32_t lapic_read_page(struct vp *vp, uint32_t offset);
void lapic_write_page(struct vp *vp, uint32_t offset, uint32_t value);

/* Whether the xAPIC page is there: on, and not in x2APIC mode. */
bool lapic_has_page(const struct vp *vp);

/* IA32_APIC_BASE. False: #GP. */
bool lapic_write_base(struct vp *vp, uint64_t value);

/* The TPR's class as CR8 (lapic_read_cr8(): vp.h), and the synthetic MSRs EOI, ICR, TPR. */
bool lapic_write_cr8(struct vp *vp, uint64_t value); /* false: #GP */
void lapic_eoi(struct vp *vp);
/* ICR; bits 63:32 as in the mode that the local APIC is in: ICR_HIGH's or x2APIC's destination.
 * False: #GP. */
bool lapic_write_icr(struct vp *vp, uint64_t value);
uint64_t lapic_read_icr(const struct vp *vp);
bool lapic_write_tpr(struct vp *vp, uint64_t value); /* false: #GP */

/* IA32_TSC_DEADLINE: guest TSC of the VP (with its tsc_adjust). Whoever changes tsc_adjust writes
 * the deadline that was read before again. */
uint64_t lapic_read_tsc_deadline(const struct vp *vp);
void lapic_write_tsc_deadline(struct vp *vp, uint64_t value);

/* The LAPIC's timer has expired (vp_timer.c). */
void lapic_timer_expired(struct vp *vp);

/* Among the files of the local APIC. */

#define LAPIC_OFF 0u
#define LAPIC_XAPIC APIC_BASE_ENABLE
#define LAPIC_X2APIC (APIC_BASE_ENABLE | APIC_BASE_X2APIC)

static inline uint64_t lapic_mode(const struct lapic *lapic)
{
    return __atomic_load_n(&lapic->base, __ATOMIC_SEQ_CST) & LAPIC_X2APIC;
}

uint32_t lapic_logical_id(const struct vp *vp);     /* as LDR reads */
uint32_t lapic_priority(const struct lapic *lapic); /* PPR */
void lapic_withdraw_assist(struct vp *vp);          /* ISR is true afterwards */
void lapic_look_again(struct vp *vp);               /* at what waits, before the next entry */
void lapic_raise(struct vp *vp, enum lapic_lvt source);
void lapic_error(struct vp *vp, uint32_t error); /* a bit of the ESR */
void lapic_timer_write_lvt(struct vp *vp, uint32_t value);
void lapic_timer_write_initial(struct vp *vp, uint32_t count);
void lapic_timer_write_divide(struct vp *vp, uint32_t value);
uint32_t lapic_timer_current(const struct vp *vp);

#endif
