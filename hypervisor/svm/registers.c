/* AMD-V backend: the registers of a VP in its VMCB (AMD APM vol. 2, appendix B). */
#include "hypervisor/svm/svm.h"
#include "hypervisor/vp_context.h"
#include "include/hv/vp_registers.h"

/* VMCB attributes leave out the four bits that descriptors and VMX have between (APM 15.5.1). */
struct vmcb_segment svm_segment(const struct hv_x64_segment_register *s)
{
    return (struct vmcb_segment){
        .selector = s->selector,
        .attributes =
            (uint16_t)((s->attributes & VMCB_SEGMENT_TYPE_BITS) | (s->attributes >> 4 & 0xf00)),
        .limit = s->limit,
        .base = s->base,
    };
}

static struct vmcb_segment to_table(const struct hv_x64_table_register *t)
{
    return (struct vmcb_segment){.limit = t->limit, .base = t->base};
}

static struct hv_x64_table_register from_table(const struct vmcb_segment *t)
{
    return (struct hv_x64_table_register){.limit = (uint16_t)t->limit, .base = t->base};
}

/* An event to inject, or whose delivery was interrupted: both have the same format. */
static uint64_t from_event(uint64_t event)
{
    if ((event & EVENT_VALID) == 0)
        return 0;
    return HV_PENDING_INTERRUPTION_VALID |
           (event >> EVENT_TYPE_SHIFT & 7) << HV_PENDING_INTERRUPTION_TYPE_SHIFT |
           (event & EVENT_ERROR_VALID ? HV_PENDING_INTERRUPTION_ERROR_VALID : 0) |
           (event & EVENT_VECTOR_MASK) << HV_PENDING_INTERRUPTION_VECTOR_SHIFT |
           event >> EVENT_ERROR_SHIFT << HV_PENDING_INTERRUPTION_ERROR_SHIFT;
}

/* The software exceptions have the type of exceptions here. */
static uint64_t to_event(uint64_t pending)
{
    uint64_t type = pending >> HV_PENDING_INTERRUPTION_TYPE_SHIFT & 7;

    if ((pending & HV_PENDING_INTERRUPTION_VALID) == 0)
        return 0;
    if (type >= HV_INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION)
        type = HV_INTERRUPTION_EXCEPTION;
    return EVENT_VALID | type << EVENT_TYPE_SHIFT |
           (pending & HV_PENDING_INTERRUPTION_ERROR_VALID ? EVENT_ERROR_VALID : 0) |
           (pending >> HV_PENDING_INTERRUPTION_VECTOR_SHIFT & EVENT_VECTOR_MASK) |
           pending >> HV_PENDING_INTERRUPTION_ERROR_SHIFT << EVENT_ERROR_SHIFT;
}

/* EFER as the guest sees it: without SVME, which VMRUN needs, and with an LME that is held back. */
uint64_t svm_get_efer(const struct vp *vp)
{
    return (vmcb_of(vp)->efer & ~EFER_SVME) | (vp->lme_held_back ? EFER_LME : 0);
}

/* QEMU's TCG leaves a guest with LME, but without PAE, into a host without paging. So LME, which
 * has no effect before PAE and PG, is held back until the guest sets PAE. */
void svm_set_efer(struct vp *vp, uint64_t efer)
{
    struct vmcb *v = vmcb_of(vp);

    vp->lme_held_back = efer & EFER_LME && !(v->cr4 & CR4_PAE) && !(v->cr0 & CR0_PG);
    if (vp->lme_held_back) {
        efer &= ~EFER_LME;
        v->intercept_cr |= INTERCEPT_CR4_WRITE;
    } else {
        v->intercept_cr &= ~INTERCEPT_CR4_WRITE;
    }
    v->efer = efer | EFER_SVME;
}

/* The checks of VMRUN (APM 15.5.1) as far as they are about registers that can be set from outside:
 * what is refused here need not be repaired afterwards. */
bool svm_registers_valid(const struct vp *vp)
{
    const struct vmcb *v = vmcb_of(vp);
    struct vp_context_limits limits = vp_context_limits();
    uint64_t efer = v->efer & ~EFER_SVME;
    bool long_mode = efer & EFER_LME && v->cr0 & CR0_PG;

    if (v->cr0 >> 32 != 0 || (v->cr0 & CR0_NW && !(v->cr0 & CR0_CD)) || v->cr4 & ~limits.cr4 ||
        efer & ~(limits.efer | EFER_LMA) || v->dr6 >> 32 != 0 || v->dr7 >> 32 != 0)
        return false;
    if (v->cr3 >> limits.physical_address_bits != 0)
        return false;
    if (!long_mode)
        return true;
    return v->cr4 & CR4_PAE && v->cr0 & CR0_PE &&
           !(v->cs.attributes & VMCB_SEGMENT_LONG && v->cs.attributes & VMCB_SEGMENT_DEFAULT);
}

void svm_get_registers(const struct vp *vp, struct vp_registers *r)
{
    const struct vmcb *v = vmcb_of(vp);

    svm_vmsave(vp->hw_state_spa.value);
    *r = (struct vp_registers){
        .rip = v->rip,
        .rsp = v->rsp,
        .rflags = v->rflags,
        .cr0 = v->cr0,
        .cr2 = v->cr2,
        .cr3 = v->cr3,
        .cr4 = v->cr4,
        .efer = svm_get_efer(vp),
        .pat = v->guest_pat,
        .dr6 = v->dr6,
        .dr7 = v->dr7,
        .es = svm_segment_register(&v->es),
        .cs = svm_segment_register(&v->cs),
        .ss = svm_segment_register(&v->ss),
        .ds = svm_segment_register(&v->ds),
        .fs = svm_segment_register(&v->fs),
        .gs = svm_segment_register(&v->gs),
        .ldtr = svm_segment_register(&v->ldtr),
        .tr = svm_segment_register(&v->tr),
        .idtr = from_table(&v->idtr),
        .gdtr = from_table(&v->gdtr),
        .kernel_gs_base = v->kernel_gs_base,
        .star = v->star,
        .lstar = v->lstar,
        .cstar = v->cstar,
        .sfmask = v->sfmask,
        .sysenter_cs = v->sysenter_cs,
        .sysenter_esp = v->sysenter_esp,
        .sysenter_eip = v->sysenter_eip,
        .pending_interruption = from_event(svm_get_pending_event(vp)),
        .interrupt_state = (v->interrupt_shadow & 1 ? HV_INTERRUPT_STATE_SHADOW : 0) |
                           (vp->nmi_blocked ? HV_INTERRUPT_STATE_NMI_MASKED : 0),
    };
}

void svm_set_registers(struct vp *vp, const struct vp_registers *r)
{
    struct vmcb *v = vmcb_of(vp);

    v->rip = r->rip, v->rsp = r->rsp, v->rflags = r->rflags;
    v->cr0 = r->cr0, v->cr2 = r->cr2, v->cr3 = r->cr3, v->cr4 = r->cr4;
    v->guest_pat = r->pat, v->dr6 = r->dr6, v->dr7 = r->dr7;
    v->es = svm_segment(&r->es), v->cs = svm_segment(&r->cs), v->ss = svm_segment(&r->ss);
    v->ds = svm_segment(&r->ds), v->fs = svm_segment(&r->fs), v->gs = svm_segment(&r->gs);
    v->ldtr = svm_segment(&r->ldtr), v->tr = svm_segment(&r->tr);
    v->idtr = to_table(&r->idtr), v->gdtr = to_table(&r->gdtr);
    v->cpl = (uint8_t)(r->ss.attributes >> 5 & 3);
    v->kernel_gs_base = r->kernel_gs_base, v->star = r->star, v->lstar = r->lstar;
    v->cstar = r->cstar, v->sfmask = r->sfmask, v->sysenter_cs = r->sysenter_cs;
    v->sysenter_esp = r->sysenter_esp, v->sysenter_eip = r->sysenter_eip;
    svm_set_efer(vp, r->efer);
    v->interrupt_shadow = r->interrupt_state & HV_INTERRUPT_STATE_SHADOW ? 1 : 0;
    svm_set_pending_event(vp, to_event(r->pending_interruption));
    vp->nmi_blocked = (r->interrupt_state & HV_INTERRUPT_STATE_NMI_MASKED) != 0;
    vp->nmi_at_iret = false;
    if (vp->nmi_blocked)
        v->intercept1 |= INTERCEPT1_IRET;
    vp->hw_state_changed = true;
    svm_vmload(vp->hw_state_spa.value);
}
