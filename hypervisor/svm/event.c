/* AMD-V backend: events that the guest gets at an entry (AMD APM vol. 2, 15.20, 15.21). */
#include "hypervisor/exit.h"
#include "hypervisor/guest_code.h"
#include "hypervisor/svm/svm.h"

#define OPCODE_STI 0xfb

static bool is_exception(uint64_t event)
{
    return (event & EVENT_VALID) != 0 && (event & EVENT_TYPE_MASK) == EVENT_TYPE_EXCEPTION;
}

void svm_inject_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error)
{
    struct vmcb *vmcb = vmcb_of(vp);
    uint64_t interrupted = vmcb->exit_interrupt_info;

    if (is_exception(interrupted)) {
        uint8_t escalated = exit_escalate_fault(vp, interrupted & EVENT_VECTOR_MASK, vector);
        if (escalated != vector) {
            has_error = true;
            error = 0;
        }
        vector = escalated;
    }
    vmcb->event_injection = EVENT_VALID | EVENT_TYPE_EXCEPTION | vector;
    if (has_error)
        vmcb->event_injection |= EVENT_ERROR_VALID | (uint64_t)error << EVENT_ERROR_SHIFT;
}

/* Events that an instruction raised come again when it is executed again. */
static bool is_raised_by_instruction(uint64_t event)
{
    uint64_t vector = event & EVENT_VECTOR_MASK;

    return (event & EVENT_TYPE_MASK) == EVENT_TYPE_SOFTWARE ||
           (is_exception(event) && (vector == X86_VECTOR_BP || vector == X86_VECTOR_OF));
}

/* QEMU can deliver an injected interrupt twice, Bochs a virtual one late (docs/platforms.md). So
 * processors without next-RIP save, of which QEMU's are the ones that run us, are given virtual
 * interrupts, which the guest takes at once unless an exit comes first (15.21.4). With an intercept
 * of VINTR, V_IRQ is not an interrupt but a request for a window. */
static bool is_taking_interrupt(const struct vmcb *vmcb)
{
    return vmcb->virtual_interrupt & V_IRQ && !(vmcb->intercept1 & INTERCEPT1_VINTR);
}

static uint64_t interrupt_event(uint64_t vector)
{
    return EVENT_VALID | EVENT_TYPE_INTERRUPT | vector;
}

static uint64_t virtual_interrupt_event(const struct vmcb *vmcb)
{
    return interrupt_event(vmcb->virtual_interrupt >> V_INTERRUPT_VECTOR_SHIFT & 0xff);
}

static void make_interrupt_an_event(struct vmcb *vmcb)
{
    vmcb->event_injection = virtual_interrupt_event(vmcb);
    vmcb->virtual_interrupt &= ~(V_IRQ | V_IGNORE_TPR);
}

/* Where the exit came before a virtual interrupt, that is still there for the next entry. */
void svm_complete_interrupted_delivery(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);
    uint64_t interrupted = vmcb->exit_interrupt_info;

    if (vmcb->event_injection & EVENT_VALID || is_taking_interrupt(vmcb))
        return;
    if (interrupted & EVENT_VALID && !is_raised_by_instruction(interrupted))
        vmcb->event_injection = interrupted;
}

uint64_t svm_get_pending_event(const struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);

    if (!(vmcb->event_injection & EVENT_VALID) && is_taking_interrupt(vmcb))
        return virtual_interrupt_event(vmcb);
    return vmcb->event_injection;
}

void svm_set_pending_event(struct vp *vp, uint64_t event)
{
    struct vmcb *vmcb = vmcb_of(vp);
    uint8_t vector = event & EVENT_VECTOR_MASK;

    if (is_taking_interrupt(vmcb))
        vmcb->virtual_interrupt &= ~(V_IRQ | V_IGNORE_TPR);
    vmcb->event_injection = 0;
    if (event == interrupt_event(vector) && !vp->window_requested && svm_can_take_interrupt(vp))
        svm_inject_interrupt(vp, vector);
    else
        vmcb->event_injection = event;
}

/* QEMU saves the interrupt shadow at an exit, and forgets it at VMRUN (docs/platforms.md): the STI
 * is executed again, after which everything is as it was. Any such byte before the instruction
 * serves as well as the one that was executed. Shadows of MOV SS are lost. */
void svm_keep_interrupt_shadow(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);
    struct guest_code code;
    uint8_t opcode;

    if (svm_features & SVM_FEATURE_NEXT_RIP || vmcb->cpl != 0 || !(vmcb->rflags & RFLAGS_IF))
        return;
    svm_get_code(vp, &code);
    if (!guest_read(vp->partition, &code.paging, code.linear - 1, &opcode, sizeof(opcode)) ||
        opcode != OPCODE_STI)
        return;
    vmcb->rip--;
    vmcb->rflags &= ~(uint64_t)RFLAGS_IF;
    vmcb->interrupt_shadow = 0;
}

/* NMIs. The processor does not block them between an injected one and its IRET, so IRET is
 * intercepted meanwhile. A further one must not come before that IRET has been executed: it would
 * overwrite the frame that the IRET is about to read. Where the exit for it finds the guest still
 * there, it waits for an interrupt window, that is, until the guest could take an interrupt. */
void svm_inject_nmi(struct vp *vp)
{
    vp->nmi_pending = true;
}

/* An exit as soon as the guest could take an interrupt: for an NMI, or for a child's interrupt. */
static void update_window(struct vp *vp, bool for_nmi)
{
    struct vmcb *vmcb = vmcb_of(vp);

    if (for_nmi || vp->window_requested) {
        if (is_taking_interrupt(vmcb))
            make_interrupt_an_event(vmcb);
        vmcb->virtual_interrupt |= V_IRQ | V_IGNORE_TPR;
        vmcb->intercept1 |= INTERCEPT1_VINTR;
    } else if (!is_taking_interrupt(vmcb)) {
        vmcb->virtual_interrupt &= ~(V_IRQ | V_IGNORE_TPR);
        vmcb->intercept1 &= ~INTERCEPT1_VINTR;
    }
}

static void unblock_nmis(struct vp *vp)
{
    vp->nmi_blocked = false;
    vp->nmi_at_iret = false;
}

void svm_window_opens(struct vp *vp)
{
    update_window(vp, false);
    if (vp->nmi_pending)
        unblock_nmis(vp);
}

void svm_nmi_handler_ends(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vmcb->intercept1 &= ~INTERCEPT1_IRET;
    vp->nmi_at_iret = true;
    vp->nmi_iret_rip = vmcb->rip;
    vp->nmi_iret_rsp = vmcb->rsp;
}

void svm_nmi_deliver(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);

    if (vp->nmi_at_iret && (vmcb->rip != vp->nmi_iret_rip || vmcb->rsp != vp->nmi_iret_rsp))
        unblock_nmis(vp);
    if (!vp->nmi_pending || (vp->nmi_blocked && !vp->nmi_at_iret))
        return;
    if (vp->nmi_at_iret || vmcb->event_injection & EVENT_VALID || vmcb->interrupt_shadow) {
        vp->nmi_blocked = true;
        update_window(vp, true);
        return;
    }
    update_window(vp, false); /* else it would end the blocking that begins now */
    vp->nmi_pending = false;
    if (!exit_nmi_deliverable(vp))
        return;
    vmcb->event_injection = EVENT_VALID | EVENT_TYPE_NMI | X86_VECTOR_NMI;
    vmcb->intercept1 |= INTERCEPT1_IRET;
    vp->nmi_blocked = true;
}

bool svm_can_take_interrupt(const struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);

    return vmcb->rflags & RFLAGS_IF && !(vmcb->event_injection & EVENT_VALID) &&
           !is_taking_interrupt(vmcb) && !(vmcb->interrupt_shadow & 1);
}

void svm_inject_interrupt(struct vp *vp, uint8_t vector)
{
    struct vmcb *vmcb = vmcb_of(vp);

    if (svm_features & SVM_FEATURE_NEXT_RIP ||
        (vp->nmi_pending && vp->nmi_blocked)) { /* it needs the window */
        vmcb->event_injection = interrupt_event(vector);
        return;
    }
    vp->window_requested = false;
    vmcb->intercept1 &= ~INTERCEPT1_VINTR;
    vmcb->virtual_interrupt &= ~(0xffull << V_INTERRUPT_VECTOR_SHIFT);
    vmcb->virtual_interrupt |= V_IRQ | V_IGNORE_TPR | (uint64_t)vector << V_INTERRUPT_VECTOR_SHIFT;
}

void svm_request_interrupt_window(struct vp *vp, bool on)
{
    vp->window_requested = on;
    update_window(vp, vp->nmi_pending && vp->nmi_blocked);
}
