#include "hypervisor/lapic.h"

#include "hypervisor/atomic.h"
#include "hypervisor/partition.h"
#include "lib/string.h"
#include "lib/x86/lapic.h"

#define REG(offset) ((offset) / 16) /* register number, as in x2APIC MSRs */
#define REG_COUNT 64u
#define BIT(offset) (1ull << REG(offset))

/* Integrated, 6 LVT entries. */
#define VERSION (0x14u | (LVT_COUNT - 1u) << 16 | LAPIC_VERSION_EOI_SUPPRESSION)
#define SVR_RESET 0xffu
#define SVR_VALID (0x3ffu | LAPIC_SVR_NO_EOI_BROADCAST) /* 9: focus checking, of old */

/* By register number, what x2APIC mode has (Intel SDM vol. 3, table 10-6). Of registers below 28h,
 * ISR, TMR and IRR are the upper 24. */
#define X2APIC_LVTS (0x3full << REG(LAPIC_LVT_TIMER))
#define X2APIC_READABLE                                                                            \
    (BIT(LAPIC_ID) | BIT(LAPIC_VERSION) | BIT(LAPIC_TPR) | BIT(LAPIC_PPR) | BIT(LAPIC_LDR) |       \
     BIT(LAPIC_SVR) | 0xffffffull << REG(LAPIC_ISR) | BIT(LAPIC_ESR) | BIT(LAPIC_ICR_LOW) |        \
     X2APIC_LVTS | BIT(LAPIC_TIMER_INITIAL) | BIT(LAPIC_TIMER_CURRENT) | BIT(LAPIC_TIMER_DIVIDE))
#define X2APIC_WRITABLE                                                                            \
    (BIT(LAPIC_TPR) | BIT(LAPIC_EOI) | BIT(LAPIC_SVR) | BIT(LAPIC_ESR) | BIT(LAPIC_ICR_LOW) |      \
     X2APIC_LVTS | BIT(LAPIC_TIMER_INITIAL) | BIT(LAPIC_TIMER_DIVIDE) | BIT(LAPIC_SELF_IPI))

/* Bits of LVT entries that can be written. Delivery status (12) and remote IRR (14) always read 0.
 */
#define LVT_READ_ONLY (1u << 12 | 1u << 14)
static const uint32_t lvt_valid[LVT_COUNT] = {
    [LVT_TIMER] = 0x700ff, [LVT_THERMAL] = 0x107ff, [LVT_PERFORMANCE] = 0x107ff,
    [LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff,   [LVT_ERROR] = 0x100ff,
};

bool lapic_has_page(const struct vp *vp)
{
    return lapic_mode(&vp->lapic) == LAPIC_XAPIC;
}

static bool in_x2apic(const struct vp *vp)
{
    return lapic_mode(&vp->lapic) == LAPIC_X2APIC;
}

uint32_t lapic_logical_id(const struct vp *vp)
{
    if (in_x2apic(vp)) /* Intel SDM vol. 3, 10.12.10.2 */
        return vp->index >> 4 << 16 | 1u << (vp->index & 15);
    return atomic_load(&vp->lapic.ldr);
}

/* Bits 255:0 as eight registers. */
static uint32_t read_vectors(const struct lapic *lapic, uint32_t reg)
{
    const uint32_t *words = reg < REG(LAPIC_TMR)   ? lapic->isr
                            : reg < REG(LAPIC_IRR) ? lapic->tmr
                                                   : lapic->irr;

    return atomic_load(&words[reg % 8]);
}

/* Those that both modes have, and DFR. What only old processors had, or can only be written, reads
 * as 0. */
static uint32_t read_register(struct vp *vp, uint32_t reg)
{
    struct lapic *lapic = &vp->lapic;

    lapic_withdraw_assist(vp); /* ISR and PPR show it */
    if (reg >= REG(LAPIC_ISR) && reg < REG(LAPIC_ESR))
        return read_vectors(lapic, reg);
    if (reg >= REG(LAPIC_LVT_TIMER) && reg <= REG(LAPIC_LVT_ERROR))
        return lapic->lvt[reg - REG(LAPIC_LVT_TIMER)];
    switch (reg) {
    case REG(LAPIC_ID):
        return in_x2apic(vp) ? vp->index : vp->index << 24;
    case REG(LAPIC_VERSION):
        return VERSION;
    case REG(LAPIC_TPR):
        return lapic->tpr;
    case REG(LAPIC_PPR):
        return lapic_priority(lapic);
    case REG(LAPIC_LDR):
        return lapic_logical_id(vp);
    case REG(LAPIC_DFR):
        return lapic->dfr;
    case REG(LAPIC_SVR):
        return lapic->svr;
    case REG(LAPIC_ESR):
        return lapic->esr;
    case REG(LAPIC_ICR_LOW):
        return lapic->icr_low;
    case REG(LAPIC_ICR_HIGH):
        return lapic->icr_high;
    case REG(LAPIC_TIMER_INITIAL):
        return lapic->timer_initial;
    case REG(LAPIC_TIMER_CURRENT):
        return lapic_timer_current(vp);
    case REG(LAPIC_TIMER_DIVIDE):
        return lapic->timer_divide;
    default:
        return 0;
    }
}

static void set_tpr(struct vp *vp, uint32_t value)
{
    if (vp->lapic.tpr == value)
        return;
    atomic_store(&vp->lapic.tpr, value);
    vp_attention(vp, VP_ATTENTION_INTERRUPT); /* CR8 follows, too */
}

static void write_lvt(struct vp *vp, enum lapic_lvt entry, uint32_t value)
{
    value &= lvt_valid[entry];
    if ((vp->lapic.svr & LAPIC_SVR_ENABLE) == 0)
        value |= LAPIC_LVT_MASKED;
    if (entry == LVT_TIMER)
        lapic_timer_write_lvt(vp, value);
    else
        vp->lapic.lvt[entry] = value;
    if (entry == LVT_LINT0)
        lapic_look_again(vp);
}

/* Turned off by software, the local APIC masks its LVTs and accepts nothing more; what has been
 * requested stays (Intel SDM vol. 3, 10.4.7.2). */
static void write_svr(struct vp *vp, uint32_t value)
{
    atomic_store(&vp->lapic.svr, value & SVR_VALID);
    if ((value & LAPIC_SVR_ENABLE) == 0)
        for (unsigned i = 0; i < LVT_COUNT; i++)
            vp->lapic.lvt[i] |= LAPIC_LVT_MASKED;
}

/* Bits that can be set; others are reserved. */
static uint32_t valid_bits(uint32_t reg)
{
    if (reg >= REG(LAPIC_LVT_TIMER) && reg <= REG(LAPIC_LVT_ERROR))
        return lvt_valid[reg - REG(LAPIC_LVT_TIMER)] | LVT_READ_ONLY;
    switch (reg) {
    case REG(LAPIC_TPR):
    case REG(LAPIC_SELF_IPI):
        return 0xff;
    case REG(LAPIC_SVR):
        return SVR_VALID;
    case REG(LAPIC_TIMER_INITIAL):
        return UINT32_MAX;
    case REG(LAPIC_TIMER_DIVIDE):
        return 0xb;
    default: /* EOI, ESR */
        return 0;
    }
}

/* Those that both modes have, but ICR. */
static void write_register(struct vp *vp, uint32_t reg, uint32_t value)
{
    if (reg >= REG(LAPIC_LVT_TIMER) && reg <= REG(LAPIC_LVT_ERROR)) {
        write_lvt(vp, (enum lapic_lvt)(reg - REG(LAPIC_LVT_TIMER)), value);
        return;
    }
    switch (reg) {
    case REG(LAPIC_TPR):
        set_tpr(vp, value & 0xff);
        break;
    case REG(LAPIC_EOI):
        lapic_eoi(vp);
        break;
    case REG(LAPIC_SVR):
        write_svr(vp, value);
        break;
    case REG(LAPIC_ESR):
        vp->lapic.esr = vp->lapic.esr_next;
        vp->lapic.esr_next = 0;
        break;
    case REG(LAPIC_TIMER_INITIAL):
        lapic_timer_write_initial(vp, value);
        break;
    case REG(LAPIC_TIMER_DIVIDE):
        lapic_timer_write_divide(vp, value);
        break;
    default:
        break;
    }
}

bool lapic_read_msr(struct vp *vp, uint32_t msr, uint64_t *value)
{
    uint32_t reg = msr - MSR_X2APIC_FIRST;

    if (reg >= REG_COUNT || (X2APIC_READABLE >> reg & 1) == 0 || !in_x2apic(vp))
        return false;
    *value = reg == REG(LAPIC_ICR_LOW) ? lapic_read_icr(vp) : read_register(vp, reg);
    return true;
}

bool lapic_write_msr(struct vp *vp, uint32_t msr, uint64_t value)
{
    uint32_t reg = msr - MSR_X2APIC_FIRST;

    if (reg >= REG_COUNT || (X2APIC_WRITABLE >> reg & 1) == 0 || !in_x2apic(vp))
        return false;
    if (reg == REG(LAPIC_ICR_LOW))
        return lapic_write_icr(vp, value);
    if (value & ~(uint64_t)valid_bits(reg))
        return false;
    if (reg == REG(LAPIC_SELF_IPI)) {
        if (value < LAPIC_FIRST_VECTOR)
            lapic_error(vp, LAPIC_ESR_SEND_ILLEGAL_VECTOR);
        lapic_post(vp, (uint8_t)value, false);
        return true;
    }
    write_register(vp, reg, (uint32_t)value);
    return true;
}

uint32_t lapic_read_page(struct vp *vp, uint32_t offset)
{
    return offset % 16 == 0 && REG(offset) < REG_COUNT ? read_register(vp, REG(offset)) : 0;
}

void lapic_write_page(struct vp *vp, uint32_t offset, uint32_t value)
{
    struct lapic *lapic = &vp->lapic;

    if (offset % 16 != 0)
        return;
    switch (offset) {
    case LAPIC_LDR:
        atomic_store(&lapic->ldr, value & 0xff000000);
        break;
    case LAPIC_DFR:
        atomic_store(&lapic->dfr, value | 0x0fffffff);
        break;
    case LAPIC_ICR_LOW:
        lapic_write_icr(vp, (uint64_t)lapic->icr_high << 32 | value);
        break;
    case LAPIC_ICR_HIGH:
        lapic->icr_high = value & 0xff000000;
        break;
    default:
        write_register(vp, REG(offset), value);
    }
}

bool lapic_write_cr8(struct vp *vp, uint64_t value)
{
    if (value > 15)
        return false;
    set_tpr(vp, (uint32_t)value << 4);
    return true;
}

bool lapic_write_tpr(struct vp *vp, uint64_t value)
{
    if (value > UINT8_MAX)
        return false;
    set_tpr(vp, (uint32_t)value);
    return true;
}

void lapic_reset(struct vp *vp, bool init)
{
    struct lapic *lapic = &vp->lapic;
    size_t kept = init ? offsetof(struct lapic, irr) : 0;

    lapic_withdraw_assist(vp);
    vp_timer_stop(vp, VP_TIMER_LAPIC);
    memset((uint8_t *)lapic + kept, 0, sizeof(*lapic) - kept);
    lapic->svr = SVR_RESET;
    lapic->dfr = UINT32_MAX;
    for (unsigned i = 0; i < LVT_COUNT; i++)
        lapic->lvt[i] = LAPIC_LVT_MASKED;
    if (vp->index == 0)
        lapic->lvt[LVT_LINT0] = LAPIC_DELIVERY_EXTINT;
    if (!init)
        lapic->base = LAPIC_BASE_ADDRESS | APIC_BASE_ENABLE | (vp->index == 0 ? APIC_BASE_BSP : 0);
    /* A request that comes while we clear must not get lost: its successors count on it. */
    atomic_store(&lapic->irr_words, 0xff);
    atomic_or(&vp->attention, VP_ATTENTION_INTERRUPT);
}

/* Intel SDM vol. 3, figure 10-27: off to xAPIC to x2APIC, both to off. Off starts anew. */
bool lapic_write_base(struct vp *vp, uint64_t value)
{
    uint64_t old = lapic_mode(&vp->lapic), mode = value & LAPIC_X2APIC;

    if ((value & ~(LAPIC_X2APIC | APIC_BASE_BSP)) != LAPIC_BASE_ADDRESS ||
        mode == APIC_BASE_X2APIC || (old == LAPIC_X2APIC && mode == LAPIC_XAPIC) ||
        (old == LAPIC_OFF && mode == LAPIC_X2APIC))
        return false;
    __atomic_store_n(&vp->lapic.base, value, __ATOMIC_SEQ_CST);
    if (mode != old)
        vp->lapic.icr_high = 0; /* another format */
    if (mode != old && mode == LAPIC_OFF)
        lapic_reset(vp, true);
    return true;
}
