/* AMD-V backend: one entry and the exit that follows. */
#include "hypervisor/panic.h"
#include "hypervisor/svm/svm.h"

/* EFER as the guest sees it is without SVME, which must be set for VMRUN. */
static enum exit_action read_efer(struct vp *vp)
{
    uint64_t efer = vmcb_of(vp)->efer & ~EFER_SVME;

    exit_count_other(vp);
    vp->gpr[GPR_RAX] = (uint32_t)efer;
    vp->gpr[GPR_RDX] = efer >> 32;
    return EXIT_SKIP;
}

/* Rules as for WRMSR on the processor (APM 3.1.7): reserved bits and a change of LME with paging on
 * fault; LMA is read-only and ignored. */
static enum exit_action write_efer(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);
    uint64_t value = vp->gpr[GPR_RDX] << 32 | (uint32_t)vp->gpr[GPR_RAX];
    struct cpuid_result extended = cpuid(0x80000001, 0);
    uint64_t allowed = EFER_LMA | EFER_LME | EFER_NXE | EFER_SCE;

    exit_count_other(vp);
    if (extended.edx & (1u << 25))
        allowed |= EFER_FFXSR;
    if (value & ~allowed)
        return EXIT_GP;
    if ((value ^ vmcb->efer) & EFER_LME && vmcb->cr0 & CR0_PG)
        return EXIT_GP;
    vmcb->efer = (value & ~EFER_LMA) | (vmcb->efer & EFER_LMA) | EFER_SVME;
    return EXIT_SKIP;
}

static enum exit_action handle_msr(struct vp *vp)
{
    bool write = vmcb_of(vp)->exit_info1 & 1;

    if ((uint32_t)vp->gpr[GPR_RCX] == MSR_EFER)
        return write ? write_efer(vp) : read_efer(vp);
    return write ? exit_wrmsr(vp) : exit_rdmsr(vp);
}

static enum exit_action handle_vmmcall(struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    struct exit_mode mode = {
        .cpl = vmcb->cpl,
        .protected_mode = vmcb->cr0 & CR0_PE && !(vmcb->rflags & RFLAGS_VM),
        .long_mode = svm_in_64bit_code(vmcb),
    };

    return exit_hypercall(vp, mode);
}

static enum exit_action handle_nmi(struct vp *vp)
{
    svm_take_events();
    exit_nmi(vp);
    return EXIT_RETRY;
}

/* The LP stays ours. After the exit the INIT is still pending, and would end each VMRUN at once,
 * until it is taken: as #SX, by VM_CR.R_INIT (APM 15.17, 15.30.1). */
static enum exit_action handle_init(struct vp *vp)
{
    svm_take_events();
    exit_count_other(vp);
    return EXIT_RETRY;
}

/* QEMU's TCG makes this exit, with the guest's state saved, where #GP is due: MOV to CR3 or CR4
 * that sets reserved bits. */
static enum exit_action handle_invalid(struct vp *vp)
{
    if (!svm_is_control_register_write(vp))
        panic_root(vp, "its state is invalid for VMRUN");
    exit_count_other(vp);
    return EXIT_GP;
}

/* The end of the guest's NMI handler is near; or an interrupt window has opened. */
static enum exit_action handle_nmi_window(struct vp *vp, uint32_t code)
{
    exit_count_other(vp);
    if (code == SVM_EXIT_IRET)
        svm_nmi_handler_ends(vp);
    else
        svm_nmi_window_opens(vp);
    return EXIT_RETRY;
}

static enum exit_action handle(struct vp *vp, uint32_t code)
{
    switch (code) {
    case SVM_EXIT_CPUID:
        return exit_cpuid(vp);
    case SVM_EXIT_MSR:
        return handle_msr(vp);
    case SVM_EXIT_VMMCALL:
        return handle_vmmcall(vp);
    case SVM_EXIT_NMI:
        return handle_nmi(vp);
    case SVM_EXIT_IRET:
    case SVM_EXIT_VINTR:
        return handle_nmi_window(vp, code);
    case SVM_EXIT_NESTED_PAGE_FAULT:
        return exit_nested_fault(vp, gpa(vmcb_of(vp)->exit_info2));
    case SVM_EXIT_INVD:
        return exit_invd(vp);
    case SVM_EXIT_INIT:
        return handle_init(vp);
    case SVM_EXIT_INVLPGA:
    case SVM_EXIT_VMRUN:
    case SVM_EXIT_VMLOAD:
    case SVM_EXIT_VMSAVE:
    case SVM_EXIT_STGI:
    case SVM_EXIT_CLGI:
    case SVM_EXIT_SKINIT:
        return exit_forbidden(vp);
    case SVM_EXIT_SHUTDOWN:
        panic_root(vp, "triple fault");
    case SVM_EXIT_INVALID:
        return handle_invalid(vp);
    default:
        panic_root(vp, "an exit that was not asked for");
    }
}

/* Ends the instruction: also the interrupt shadow of an STI or MOV SS before it, and an RF of its
 * own. */
static void skip_instruction(struct vp *vp, uint32_t code)
{
    struct vmcb *vmcb = vmcb_of(vp);
    uint32_t length = svm_instruction_length(vp, code);

    if (length == 0)
        return; /* the guest has changed its code or tables meanwhile: let it run into that itself
                 */
    vmcb->rip += length;
    vmcb->interrupt_shadow = 0;
    vmcb->rflags &= ~RFLAGS_RF;
    if (vmcb->rflags & RFLAGS_TF) {
        vmcb->dr6 |= DR6_BS;
        svm_inject_exception(vp, X86_VECTOR_DB);
    }
}

static void finish(struct vp *vp, uint32_t code, enum exit_action action)
{
    switch (action) {
    case EXIT_SKIP:
        skip_instruction(vp, code);
        break;
    case EXIT_UD:
        svm_inject_exception(vp, X86_VECTOR_UD);
        break;
    case EXIT_GP:
        svm_inject_exception(vp, X86_VECTOR_GP);
        break;
    case EXIT_RETRY:
        break;
    }
}

void svm_run(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vmcb->tlb_control = TLB_KEEP;
    if (vp->nested_flush) {
        vmcb->tlb_control =
            svm_features & SVM_FEATURE_FLUSH_BY_ASID ? TLB_FLUSH_ASID : TLB_FLUSH_ALL;
        vp->nested_flush = false;
    }
    svm_nmi_deliver(vp);
    vmcb->rax = vp->gpr[GPR_RAX];
    svm_switch(vp->gpr, vp->hw_state_spa.value);
    vp->gpr[GPR_RAX] = vmcb->rax;
    vmcb->event_injection = 0;

    uint32_t code = (uint32_t)vmcb->exit_code;
    finish(vp, code, handle(vp, code));
    svm_complete_interrupted_delivery(vp);
}
