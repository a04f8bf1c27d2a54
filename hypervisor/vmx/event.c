#include "hypervisor/vmx/event.h"

#include "hypervisor/exit.h"
#include "hypervisor/vmx/guest.h"
#include "hypervisor/vmx/vmcs.h"
#include "include/hv/vp_registers.h"
#include "lib/x86/cpu.h"

#define DEBUGCTL_BTF (1ull << 1) /* RFLAGS.TF traps branches only */
#define MAX_INSTRUCTION 15u

/* Bits of error codes that an entry takes: not SGX's of page faults. */
#define ERROR_CODE_MASK 0x7fffu
#define VECTOR_CONTROL_PROTECTION 21u /* has an error code on some processors only */

static void end_blocking(uint64_t blocking)
{
    uint64_t present = vmread(VMCS_GUEST_INTERRUPTIBILITY);
    if (present & blocking)
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, present & ~blocking);
}

void event_end_shadow(void)
{
    end_blocking(BLOCKING_BY_SHADOW);
}

static bool carries_instruction_length(uint32_t info)
{
    return (info & INTERRUPTION_TYPE) >= INTERRUPTION_TYPE_SOFTWARE_INTERRUPT;
}

/* The next entry delivers the event @info (Intel SDM vol. 3, 24.8.3, 26.2.1.3 and 26.3.1.5): NMIs
 * only without any blocking, which their own delivery brings about; error codes only in protected
 * mode, and then always. An event that an instruction raises comes again with that, if its length
 * is not known. */
static void enter_with(uint32_t info, uint32_t error, uint32_t length)
{
    uint32_t type = info & INTERRUPTION_TYPE;
    uint8_t vector = info & INTERRUPTION_VECTOR;

    info &= INTERRUPTION_VALID | INTERRUPTION_TYPE | INTERRUPTION_VECTOR;
    if (carries_instruction_length(info)) {
        if (length == 0 || length > MAX_INSTRUCTION)
            return;
        vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, length);
    }
    if (type == INTERRUPTION_TYPE_HARDWARE_EXCEPTION && x86_has_error_code(vector) &&
        vmread(VMCS_GUEST_CR0) & CR0_PE) {
        info |= INTERRUPTION_ERROR_CODE_VALID;
        vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, error & ERROR_CODE_MASK);
    }
    end_blocking(BLOCKING_BY_SHADOW | (type == INTERRUPTION_TYPE_NMI ? BLOCKING_BY_NMI : 0));
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, info);
}

static void enter_with_exception(uint8_t vector, uint32_t error)
{
    enter_with(INTERRUPTION_VALID | INTERRUPTION_TYPE_HARDWARE_EXCEPTION | vector, error, 0);
}

/* The trap after an instruction that the guest single-steps. */
void event_trap_single_step(void)
{
    if (vmread(VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF)
        return;
    write_dr6(read_dr6() | DR6_BS); /* the guest's: we use no debug registers */
    enter_with_exception(X86_VECTOR_DB, 0);
}

void event_skip_instruction(struct vp *vp, uint8_t length)
{
    (void)vp;
    event_skip(length);
}

void event_inject_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error)
{
    uint32_t interrupted = (uint32_t)vmread(VMCS_IDT_VECTORING_INFO);
    uint8_t escalated = vector;

    (void)has_error;
    if ((interrupted & INTERRUPTION_VALID) &&
        (interrupted & INTERRUPTION_TYPE) == INTERRUPTION_TYPE_HARDWARE_EXCEPTION)
        escalated = exit_escalate_fault(vp, interrupted & INTERRUPTION_VECTOR, vector);
    enter_with_exception(escalated, escalated == vector ? error : 0);
}

void event_reflect(struct vp *vp, uint32_t info, uint32_t error)
{
    if (carries_instruction_length(info))
        enter_with(info, 0, (uint32_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
    else
        event_inject_exception(vp, info & INTERRUPTION_VECTOR, true, error);
}

void event_resume_interrupted(bool nmi_unblocked)
{
    uint32_t info = (uint32_t)vmread(VMCS_IDT_VECTORING_INFO);

    if (info & INTERRUPTION_VALID)
        enter_with(info, (uint32_t)vmread(VMCS_IDT_VECTORING_ERROR_CODE),
                   (uint32_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
    else if (nmi_unblocked)
        vmcs_set_bits(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI, true);
}

void event_request_nmi(struct vp *vp)
{
    (void)vp;
    vmcs_set_bits(VMCS_PROCESSOR_BASED_CONTROLS, PROCESSOR_NMI_WINDOW_EXITING, true);
}

void event_nmi_window(struct vp *vp)
{
    vmcs_set_bits(VMCS_PROCESSOR_BASED_CONTROLS, PROCESSOR_NMI_WINDOW_EXITING, false);
    if (exit_nmi_deliverable(vp))
        enter_with(INTERRUPTION_VALID | INTERRUPTION_TYPE_NMI | X86_VECTOR_NMI, 0, 0);
}

bool event_can_take_interrupt(const struct vp *vp)
{
    (void)vp;
    return vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF &&
           !(vmread(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_SHADOW) &&
           !(vmread(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID);
}

void event_inject_interrupt(struct vp *vp, uint8_t vector)
{
    (void)vp;
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, INTERRUPTION_VALID | vector);
}

void event_request_interrupt_window(struct vp *vp, bool on)
{
    vp->window_requested = on;
    vmcs_set_bits(VMCS_PROCESSOR_BASED_CONTROLS, PROCESSOR_INTERRUPT_WINDOW_EXITING, on);
}

uint64_t event_get_pending(void)
{
    uint64_t info = vmread(VMCS_ENTRY_INTERRUPTION_INFO), pending;

    if (!(info & INTERRUPTION_VALID))
        return 0;
    pending = HV_PENDING_INTERRUPTION_VALID |
              (info & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT
                                                << HV_PENDING_INTERRUPTION_TYPE_SHIFT |
              (info & INTERRUPTION_VECTOR) << HV_PENDING_INTERRUPTION_VECTOR_SHIFT;
    if (info & INTERRUPTION_ERROR_CODE_VALID)
        pending |= HV_PENDING_INTERRUPTION_ERROR_VALID | vmread(VMCS_ENTRY_EXCEPTION_ERROR_CODE)
                                                             << HV_PENDING_INTERRUPTION_ERROR_SHIFT;
    if (carries_instruction_length((uint32_t)info))
        pending |= vmread(VMCS_ENTRY_INSTRUCTION_LENGTH) << HV_PENDING_INTERRUPTION_LENGTH_SHIFT;
    return pending;
}

/* Intel SDM vol. 3, 26.2.1.3: the processor would refuse the entry itself, not the state. */
bool event_set_pending(uint64_t pending)
{
    uint32_t type =
        (pending & HV_PENDING_INTERRUPTION_TYPE_MASK) >> HV_PENDING_INTERRUPTION_TYPE_SHIFT;
    uint32_t vector = pending >> HV_PENDING_INTERRUPTION_VECTOR_SHIFT & 0xffff;
    uint32_t length = pending >> HV_PENDING_INTERRUPTION_LENGTH_SHIFT & 0xf;

    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    if (!(pending & HV_PENDING_INTERRUPTION_VALID))
        return true;
    if (vector > INTERRUPTION_VECTOR || type == 1 || type > HV_INTERRUPTION_SOFTWARE_EXCEPTION)
        return false;
    if (type == HV_INTERRUPTION_NMI && vector != X86_VECTOR_NMI)
        return false;
    if (type == HV_INTERRUPTION_EXCEPTION && (vector > 31 || vector == VECTOR_CONTROL_PROTECTION))
        return false;
    if (type >= HV_INTERRUPTION_SOFTWARE_INTERRUPT && length == 0)
        return false;
    enter_with(INTERRUPTION_VALID | type << INTERRUPTION_TYPE_SHIFT | vector,
               (uint32_t)(pending >> HV_PENDING_INTERRUPTION_ERROR_SHIFT), length);
    return true;
}

uint64_t event_get_interrupt_state(void)
{
    uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);

    return (blocking & BLOCKING_BY_SHADOW ? HV_INTERRUPT_STATE_SHADOW : 0) |
           (blocking & BLOCKING_BY_NMI ? HV_INTERRUPT_STATE_NMI_MASKED : 0);
}

/* A shadow is one of MOV SS, which goes with every RFLAGS.IF. In it, single-stepping must have its
 * trap pending (26.3.1.5). */
void event_set_interrupt_state(uint64_t state, uint64_t rflags)
{
    bool shadow = state & HV_INTERRUPT_STATE_SHADOW;

    vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
            (shadow ? BLOCKING_BY_MOV_SS : 0) |
                (state & HV_INTERRUPT_STATE_NMI_MASKED ? BLOCKING_BY_NMI : 0));
    vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
            shadow && rflags & RFLAGS_TF ? PENDING_DEBUG_SINGLE_STEP : 0);
}

void event_set_rflags(struct vp *vp, uint64_t rflags)
{
    (void)vp;
    if (rflags & RFLAGS_TF || !(rflags & RFLAGS_IF))
        end_blocking(BLOCKING_BY_SHADOW);
    vmwrite(VMCS_GUEST_RFLAGS, rflags);
}
