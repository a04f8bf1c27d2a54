#include "hypervisor/vmx/exit.h"

#include <stddef.h>

#include "hypervisor/exit.h"
#include "hypervisor/lp.h"
#include "hypervisor/panic.h"
#include "hypervisor/vmx/event.h"
#include "hypervisor/vmx/guest.h"
#include "hypervisor/vmx/switch.h"
#include "hypervisor/vmx/vmcs.h"
#include "lib/x86/cpu.h"

/* Exceptions do not exit, so it is an NMI. It has come to us, and NMIs stay blocked until an IRET.
 */
static enum exit_action handle_nmi(struct vp *vp)
{
    lp_nmi_received(this_lp());
    vmx_unblock_nmis();
    exit_nmi(vp);
    return EXIT_RETRY;
}

static enum exit_action handle_nmi_window(struct vp *vp)
{
    exit_count_other(vp);
    event_inject_nmi();
    return EXIT_RETRY;
}

/* INIT or SIPI that the guest sent to this LP. The LP is ours: nothing happens. */
static enum exit_action handle_init_or_sipi(struct vp *vp)
{
    exit_count_other(vp);
    return EXIT_RETRY;
}

static enum exit_action handle_triple_fault(struct vp *vp)
{
    panic_root(vp, "triple fault");
}

static enum exit_action handle_invalid_state(struct vp *vp)
{
    panic_root(vp, "the processor refuses its state");
}

static enum exit_action handle_machine_check(struct vp *vp)
{
    panic_root(vp, "machine check while entering it");
}

static enum exit_action handle_hypercall(struct vp *vp)
{
    return exit_hypercall(vp, guest_mode());
}

/* A write that changes bits of CR0 which are ours: once the guest's wish is noted, the instruction
 * does the rest without an exit (if it faults for another reason, the guest sees its wish
 * nevertheless; nothing depends on it). Or a write that sets the bit of CR4 which does not exist
 * for the guest. */
static enum exit_action handle_cr_access(struct vp *vp)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);

    exit_count_other(vp);
    if (CR_ACCESS_TYPE(qualification) != CR_ACCESS_TYPE_MOV_TO)
        panic_root(vp, "unexpected control register access");
    if (CR_ACCESS_REGISTER(qualification) != 0)
        return EXIT_GP;
    return guest_write_owned_cr0(guest_gpr(vp, CR_ACCESS_GPR(qualification))) ? EXIT_RETRY
                                                                              : EXIT_GP;
}

static enum exit_action handle_ept_violation(struct vp *vp)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    enum exit_action action = exit_nested_fault(vp, gpa(vmread(VMCS_GUEST_PHYSICAL_ADDRESS)));

    if (vmread(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID) {
        if (action == EXIT_RETRY)
            event_redeliver();
    } else if (qualification & EPT_VIOLATION_NMI_UNBLOCKED) {
        event_restore_nmi_blocking();
    }
    return action;
}

/* By basic exit reason; the others are not asked for. */
static enum exit_action (*const handlers[EXIT_REASON_COUNT])(struct vp *vp) = {
    [EXIT_REASON_EXCEPTION_OR_NMI] = handle_nmi,
    [EXIT_REASON_TRIPLE_FAULT] = handle_triple_fault,
    [EXIT_REASON_INIT] = handle_init_or_sipi,
    [EXIT_REASON_SIPI] = handle_init_or_sipi,
    [EXIT_REASON_NMI_WINDOW] = handle_nmi_window,
    [EXIT_REASON_TASK_SWITCH] = exit_forbidden,
    [EXIT_REASON_CPUID] = exit_cpuid,
    [EXIT_REASON_GETSEC] = exit_forbidden,
    [EXIT_REASON_INVD] = exit_invd,
    [EXIT_REASON_VMCALL] = handle_hypercall,
    [EXIT_REASON_VMCLEAR] = exit_forbidden,
    [EXIT_REASON_VMLAUNCH] = exit_forbidden,
    [EXIT_REASON_VMPTRLD] = exit_forbidden,
    [EXIT_REASON_VMPTRST] = exit_forbidden,
    [EXIT_REASON_VMREAD] = exit_forbidden,
    [EXIT_REASON_VMRESUME] = exit_forbidden,
    [EXIT_REASON_VMWRITE] = exit_forbidden,
    [EXIT_REASON_VMXOFF] = exit_forbidden,
    [EXIT_REASON_VMXON] = exit_forbidden,
    [EXIT_REASON_CR_ACCESS] = handle_cr_access,
    [EXIT_REASON_RDMSR] = exit_rdmsr,
    [EXIT_REASON_WRMSR] = exit_wrmsr,
    [EXIT_REASON_INVALID_GUEST_STATE] = handle_invalid_state,
    [EXIT_REASON_MSR_LOADING] = handle_invalid_state,
    [EXIT_REASON_MACHINE_CHECK] = handle_machine_check,
    [EXIT_REASON_EPT_VIOLATION] = handle_ept_violation,
    [EXIT_REASON_INVEPT] = exit_forbidden,
    [EXIT_REASON_INVVPID] = exit_forbidden,
    [EXIT_REASON_XSETBV] = exit_xsetbv,
    [EXIT_REASON_VMFUNC] = exit_forbidden,
};

static void handle_exit(struct vp *vp)
{
    uint32_t reason = (uint32_t)vmread(VMCS_EXIT_REASON) & EXIT_REASON_BASIC;

    if (reason >= EXIT_REASON_COUNT || handlers[reason] == NULL)
        panic_root(vp, "unexpected VM exit");
    switch (handlers[reason](vp)) {
    case EXIT_SKIP:
        event_skip_instruction();
        break;
    case EXIT_RETRY:
        break;
    case EXIT_UD:
        event_inject_fault(vp, X86_VECTOR_UD);
        break;
    case EXIT_GP:
        event_inject_fault(vp, X86_VECTOR_GP);
        break;
    }
}

/* Intel SDM vol. 3, 30.4. */
static const char *instruction_error_text(uint64_t error)
{
    static const char *const texts[] = {
        [4] = "VMLAUNCH with a VMCS that is not clear",
        [5] = "VMRESUME with a VMCS that is not launched",
        [7] = "invalid control fields",
        [8] = "invalid host state",
        [26] = "events blocked by MOV SS",
    };
    if (error < sizeof(texts) / sizeof(texts[0]) && texts[error] != NULL)
        return texts[error];
    return "unknown";
}

static _Noreturn void panic_refused(void)
{
    uint64_t error = vmread(VMCS_INSTRUCTION_ERROR);
    panic("VM entry failed with error %llu (%s)", (unsigned long long)error,
          instruction_error_text(error));
}

void vmx_run(struct vp *vp)
{
    if (vp->nested_flush) {
        vp->nested_flush = false;
        if (!invept(INVEPT_SINGLE_CONTEXT, vmread(VMCS_EPT_POINTER)))
            panic("INVEPT failed");
    }
    switch (vmx_switch(vp)) {
    case VMX_EXITED:
        handle_exit(vp);
        break;
    case VMX_NOT_ENTERED:
        break;
    case VMX_REFUSED:
        panic_refused();
    }
}
