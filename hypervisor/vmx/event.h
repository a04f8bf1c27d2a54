/* Where the guest goes on after an exit: past an instruction, or in an exception, interrupt or NMI
 * handler. A VM entry fails if its event does not go with the interruptibility state, so all that
 * changes either of them is here. All on the LP of the VP, whose VMCS is current. */
#ifndef VENEER_HYPERVISOR_VMX_EVENT_H
#define VENEER_HYPERVISOR_VMX_EVENT_H

#include "hypervisor/vmx/vmcs.h"
#include "hypervisor/vp.h"
#include "lib/x86/cpu.h"

#define BLOCKING_BY_SHADOW (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)

/* The rare parts of event_skip(). */
void event_end_shadow(void);
void event_trap_single_step(void);

/* The same as event_skip_instruction(), for the code that each exit goes through. Outside 64-bit
 * mode the instruction pointer wraps at 4 GiB. */
static inline void event_skip(uint64_t length)
{
    uint64_t next = vmread(VMCS_GUEST_RIP) + length;

    if (__builtin_expect((uint32_t)next < length, 0) &&
        !(vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_CS)) & ACCESS_RIGHTS_LONG))
        next = (uint32_t)next;
    vmwrite(VMCS_GUEST_RIP, next);
    if (__builtin_expect((vmread(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_SHADOW) != 0, 0))
        event_end_shadow();
    if (__builtin_expect((vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF) != 0, 0))
        event_trap_single_step();
}

/* As in hw_ops. Whether an exception has an error code follows from its vector and the mode. */
void event_skip_instruction(struct vp *vp, uint8_t length);
void event_inject_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error);
void event_request_nmi(struct vp *vp);
bool event_can_take_interrupt(const struct vp *vp);
void event_inject_interrupt(struct vp *vp, uint8_t vector);
void event_request_interrupt_window(struct vp *vp, bool on);

/* The exit was for the exception @info (exit interruption information): the guest gets it. */
void event_reflect(struct vp *vp, uint32_t info, uint32_t error);

/* To be called at exits that may come in the middle of another event's delivery: that is delivered
 * again at the next entry, unless the guest gets another event until then. @nmi_unblocked: the exit
 * came in an IRET that had already ended the blocking of NMIs: it blocks them again, to be
 * repeated. */
void event_resume_interrupted(bool nmi_unblocked);

/* In the exit that event_request_nmi() asked for: delivers the NMI. */
void event_nmi_window(struct vp *vp);

/* HV_REGISTER_PENDING_INTERRUPTION: the event of the next entry. False: no processor takes it, and
 * there is none then. After CR0 has been set. */
uint64_t event_get_pending(void);
bool event_set_pending(uint64_t pending);

/* HV_REGISTER_INTERRUPT_STATE; before event_set_pending(). Likewise MOV to RFLAGS from outside. */
uint64_t event_get_interrupt_state(void);
void event_set_interrupt_state(uint64_t state, uint64_t rflags);
void event_set_rflags(struct vp *vp, uint64_t rflags);

#endif
