#include "hypervisor/vp_event.h"

#include "hypervisor/atomic.h"
#include "hypervisor/dispatch.h"
#include "hypervisor/fpu.h"
#include "hypervisor/hw.h"
#include "hypervisor/intercept.h"
#include "lib/string.h"

/* Registers after RESET and INIT (Intel SDM vol. 3, table 9-1). */
#define RESET_CR0 0x60000010u
#define RESET_RIP 0xfff0u
#define RESET_CS_BASE 0xffff0000u
#define RESET_CS_SELECTOR 0xf000u
#define RESET_DR6 0xffff0ff0u
#define RESET_DR7 0x400u
#define RESET_RDX 0x600u /* family 6 */

#define ATTRIBUTES_CODE 0x9bu
#define ATTRIBUTES_DATA 0x93u
#define ATTRIBUTES_LDT 0x82u
#define ATTRIBUTES_TSS 0x8bu

#define ATTENTION_REGISTERS                                                                        \
    (VP_ATTENTION_RESET | VP_ATTENTION_CONTROLS | VP_ATTENTION_INIT | VP_ATTENTION_START |         \
     VP_ATTENTION_SIPI)

/* The root's TSC_AUX is not 0: children need their own. */
static bool root_has_tsc_aux;

void vp_hide_root_tsc_aux(void)
{
    if (!__atomic_exchange_n(&root_has_tsc_aux, true, __ATOMIC_SEQ_CST))
        partition_attention_all(VP_ATTENTION_INTERRUPT);
}

static bool needs_tsc_aux(const struct vp *vp)
{
    return __atomic_load_n(&root_has_tsc_aux, __ATOMIC_SEQ_CST) &&
           !(vp->extra_state & VP_EXTRA_TSC_AUX);
}

void vp_reset(struct vp *vp, bool init)
{
    vp->activity = vp->index == 0 ? VP_ACTIVE : VP_WAIT_FOR_SIPI;
    vp->intercepted = false;
    vp->notifications = 0;
    vp->nmi_requested = false;
    memset(vp->debug_registers, 0, sizeof(vp->debug_registers));
    lapic_reset(vp, init);
    if (!init) {
        fpu_init(vp->fpu);
        vp->xcr0 = XCR0_X87;
        if (needs_tsc_aux(vp))
            vp->extra_state |= VP_EXTRA_TSC_AUX;
        vp->tsc_adjust = vp->tsc_aux = vp->assist_page = vp->mtrr_default_type = 0;
        synic_reset(vp);
        vp_timers_reset(vp);
    }
    atomic_or(&vp->attention, VP_ATTENTION_RESET | VP_ATTENTION_CONTROLS);
}

static struct hv_x64_segment_register real_mode_segment(uint16_t attributes)
{
    return (struct hv_x64_segment_register){.limit = 0xffff, .attributes = attributes};
}

void vp_reset_registers(struct vp *vp)
{
    struct vp_registers r = {
        .rip = RESET_RIP,
        .rflags = RFLAGS_FIXED,
        .cr0 = RESET_CR0,
        .pat = PAT_RESET_VALUE,
        .dr6 = RESET_DR6,
        .dr7 = RESET_DR7,
        .idtr.limit = 0xffff,
        .gdtr.limit = 0xffff,
        .ldtr = real_mode_segment(ATTRIBUTES_LDT),
        .tr = real_mode_segment(ATTRIBUTES_TSS),
    };

    r.es = r.ss = r.ds = r.fs = r.gs = real_mode_segment(ATTRIBUTES_DATA);
    r.cs = real_mode_segment(ATTRIBUTES_CODE);
    r.cs.base = RESET_CS_BASE;
    r.cs.selector = RESET_CS_SELECTOR;
    hw->set_registers(vp, &r);
    for (unsigned i = 0; i < GPR_COUNT; i++)
        vp->gpr[i] = i == GPR_RDX ? RESET_RDX : 0;
}

static void startup(struct vp *vp)
{
    struct vp_registers r;

    if (vp->activity != VP_WAIT_FOR_SIPI)
        return;
    hw->get_registers(vp, &r);
    r.rip = 0;
    r.cs.selector = (uint16_t)(vp->startup_vector << 8);
    r.cs.base = (uint64_t)vp->startup_vector << 12;
    hw->set_registers(vp, &r);
    vp->activity = VP_ACTIVE;
}

/* What a context does not name starts as at reset. */
void vp_start(struct vp *vp)
{
    const struct hv_initial_vp_context *c = &vp->context;
    struct vp_registers r = {
        .rip = c->rip,
        .rsp = c->rsp,
        .rflags = c->rflags,
        .cr0 = c->cr0,
        .cr3 = c->cr3,
        .cr4 = c->cr4,
        .efer = c->efer,
        .pat = c->msr_cr_pat,
        .dr6 = RESET_DR6,
        .dr7 = RESET_DR7,
        .es = c->es,
        .cs = c->cs,
        .ss = c->ss,
        .ds = c->ds,
        .fs = c->fs,
        .gs = c->gs,
        .ldtr = c->ldtr,
        .tr = c->tr,
        .idtr = c->idtr,
        .gdtr = c->gdtr,
    };

    hw->set_registers(vp, &r);
    vp->activity = VP_ACTIVE;
}

static uint32_t take(struct vp *vp, uint32_t bits)
{
    return atomic_and(&vp->attention, ~bits) & bits;
}

void vp_attend_to_registers(struct vp *vp)
{
    uint32_t bits = take(vp, ATTENTION_REGISTERS);

    if (bits & VP_ATTENTION_INIT) {
        vp_reset(vp, true);
        bits |= take(vp, VP_ATTENTION_RESET | VP_ATTENTION_CONTROLS);
    }
    if (bits & VP_ATTENTION_RESET)
        vp_reset_registers(vp);
    if (bits & VP_ATTENTION_START)
        vp_start(vp);
    if (bits & VP_ATTENTION_SIPI)
        startup(vp);
    if (bits & VP_ATTENTION_CONTROLS)
        vp_update_controls(vp);
}

/* Whether the parent wants to know when the VP could take an interrupt, and its local APIC is no
 * obstacle. */
static bool is_notice_due(const struct vp *vp)
{
    uint32_t class = vp->notifications >> HV_DELIVERABILITY_PRIORITY_SHIFT;

    return vp->notifications & HV_DELIVERABILITY_INTERRUPT &&
           (class == 0 ? lapic_allows_extint(vp) : class > lapic_priority(&vp->lapic) >> 4);
}

/* Delivers the most urgent interrupt, or asks for an exit when that becomes possible. */
static void deliver_interrupt(struct vp *vp)
{
    int vector = lapic_pending(vp);
    bool wait = vector != LAPIC_NO_INTERRUPT;

    hw->set_cr8(vp, (uint8_t)lapic_read_cr8(vp));
    if (vector != LAPIC_NO_INTERRUPT && vp->activity != VP_WAIT_FOR_SIPI &&
        hw->can_take_interrupt(vp)) {
        lapic_accept(vp, (uint8_t)vector);
        hw->inject_interrupt(vp, (uint8_t)vector);
        vp->activity = VP_ACTIVE;
        vp->statistics->interrupts_injected++;
        wait = lapic_pending(vp) != LAPIC_NO_INTERRUPT;
    }
    if (vector != LAPIC_NO_INTERRUPT && vp->activity == VP_GUEST_IDLE)
        vp->activity = VP_ACTIVE;
    if (is_notice_due(vp)) {
        if (hw->can_take_interrupt(vp))
            intercept_deliverable(vp, HV_INTERRUPTION_EXTERNAL);
        else
            wait = true;
    }
    if (wait != vp->window_requested)
        hw->request_interrupt_window(vp, wait);
}

void vp_attend(struct vp *vp)
{
    if (needs_tsc_aux(vp))
        vp_use_extra_state(vp, VP_EXTRA_TSC_AUX);
    if (atomic_load(&vp->attention) & ATTENTION_REGISTERS)
        vp_attend_to_registers(vp);
    uint32_t bits = atomic_exchange(&vp->attention, 0);

    if (bits & VP_ATTENTION_NMI && vp->activity != VP_WAIT_FOR_SIPI) {
        vp->nmi_requested = true;
        hw->inject_nmi(vp);
        vp->activity = VP_ACTIVE;
    }
    if (bits & VP_ATTENTION_MESSAGE)
        synic_retry(vp);
    if (bits & VP_ATTENTION_CANCEL)
        vp->leave = VP_LEAVE_CANCEL;
    if ((bits | atomic_load(&vp->attention)) & VP_ATTENTION_INTERRUPT) {
        take(vp, VP_ATTENTION_INTERRUPT);
        deliver_interrupt(vp);
    }
    /* What came between must not be lost. */
    if (bits & ATTENTION_REGISTERS)
        atomic_or(&vp->attention, bits & ATTENTION_REGISTERS);
}
