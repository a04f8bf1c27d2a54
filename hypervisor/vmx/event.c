#include "hypervisor/vmx/event.h"

#include "hypervisor/exit.h"
#include "hypervisor/vmx/vmcs.h"
#include "lib/x86/cpu.h"

#define DEBUGCTL_BTF (1ull << 1) /* RFLAGS.TF traps branches only */

static uint64_t read_dr6(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr6, %0" : "=r"(value));
    return value;
}

static void write_dr6(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr6" ::"r"(value));
}

static void end_blocking(uint64_t blocking)
{
    uint64_t present = vmread(VMCS_GUEST_INTERRUPTIBILITY);
    if (present & blocking)
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, present & ~blocking);
}

static bool carries_instruction_length(uint32_t info)
{
    uint32_t type = info & INTERRUPTION_TYPE;
    return type == INTERRUPTION_TYPE_SOFTWARE_INTERRUPT ||
           type == INTERRUPTION_TYPE_PRIVILEGED_SOFTWARE_EXCEPTION ||
           type == INTERRUPTION_TYPE_SOFTWARE_EXCEPTION;
}

/* The next entry delivers the event @info (Intel SDM vol. 3, 24.8.3 and 26.3.1.5): NMIs only
 * without any blocking, which their own delivery brings about; error codes only in protected mode.
 */
static void enter_with(uint32_t info, uint32_t error_code)
{
    bool nmi = (info & INTERRUPTION_TYPE) == INTERRUPTION_TYPE_NMI;
    end_blocking(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS | (nmi ? BLOCKING_BY_NMI : 0));
    if ((info & INTERRUPTION_ERROR_CODE_VALID) && !(vmread(VMCS_GUEST_CR0) & CR0_PE))
        info &= ~INTERRUPTION_ERROR_CODE_VALID;
    if (info & INTERRUPTION_ERROR_CODE_VALID)
        vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, error_code);
    if (carries_instruction_length(info))
        vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, info);
}

static void enter_with_exception(uint8_t vector)
{
    uint32_t info = INTERRUPTION_VALID | INTERRUPTION_TYPE_HARDWARE_EXCEPTION | vector;
    if (vector == X86_VECTOR_GP || vector == X86_VECTOR_DF)
        info |= INTERRUPTION_ERROR_CODE_VALID;
    enter_with(info, 0);
}

/* The trap after an instruction that the guest single-steps. */
static void trap_single_step(void)
{
    if (vmread(VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF)
        return;
    write_dr6(read_dr6() | DR6_BS); /* the guest's: we use no debug registers */
    enter_with_exception(X86_VECTOR_DB);
}

void event_skip_instruction(void)
{
    uint64_t rip = vmread(VMCS_GUEST_RIP);
    uint64_t next = rip + vmread(VMCS_EXIT_INSTRUCTION_LENGTH);

    /* Outside 64-bit mode the instruction pointer wraps at 4 GiB. */
    if ((rip ^ next) >> 32 != 0 &&
        !(vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_CS)) & ACCESS_RIGHTS_LONG))
        next = (uint32_t)next;
    vmwrite(VMCS_GUEST_RIP, next);
    end_blocking(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS);
    if (vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
        trap_single_step();
}

void event_inject_fault(const struct vp *vp, uint8_t vector)
{
    uint32_t interrupted = (uint32_t)vmread(VMCS_IDT_VECTORING_INFO);

    if ((interrupted & INTERRUPTION_VALID) &&
        (interrupted & INTERRUPTION_TYPE) == INTERRUPTION_TYPE_HARDWARE_EXCEPTION)
        vector = exit_escalate_fault(vp, interrupted & INTERRUPTION_VECTOR, vector);
    enter_with_exception(vector);
}

void event_redeliver(void)
{
    uint32_t info = (uint32_t)vmread(VMCS_IDT_VECTORING_INFO);

    if (info & INTERRUPTION_VALID)
        enter_with(info & (INTERRUPTION_VALID | INTERRUPTION_ERROR_CODE_VALID | INTERRUPTION_TYPE |
                           INTERRUPTION_VECTOR),
                   (uint32_t)vmread(VMCS_IDT_VECTORING_ERROR_CODE));
}

void event_request_nmi_window(void)
{
    vmwrite(VMCS_PROCESSOR_BASED_CONTROLS,
            vmread(VMCS_PROCESSOR_BASED_CONTROLS) | PROCESSOR_NMI_WINDOW_EXITING);
}

void event_inject_nmi(void)
{
    vmwrite(VMCS_PROCESSOR_BASED_CONTROLS,
            vmread(VMCS_PROCESSOR_BASED_CONTROLS) & ~PROCESSOR_NMI_WINDOW_EXITING);
    enter_with(INTERRUPTION_VALID | INTERRUPTION_TYPE_NMI | X86_VECTOR_NMI, 0);
}

void event_restore_nmi_blocking(void)
{
    vmwrite(VMCS_GUEST_INTERRUPTIBILITY, vmread(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKING_BY_NMI);
}
