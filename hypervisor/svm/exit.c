/* AMD-V backend: entries and the exits that follow. */
#include "hypervisor/dispatch.h"
#include "hypervisor/panic.h"
#include "hypervisor/svm/svm.h"
#include "hypervisor/vp_context.h"

/* Not inlined: the common exits are to have few registers to save. */
#define RARE __attribute__((noinline))

static enum exit_action read_efer(struct vp *vp)
{
    uint64_t efer = svm_get_efer(vp);

    EXIT_COUNT(vp, msr);
    vp->gpr[GPR_RAX] = (uint32_t)efer;
    vp->gpr[GPR_RDX] = efer >> 32;
    return EXIT_SKIP;
}

/* Rules as for WRMSR on the processor (APM 3.1.7): reserved bits and a change of LME with paging on
 * fault; LMA is read-only and ignored. */
static RARE enum exit_action write_efer(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);
    uint64_t value = vp->gpr[GPR_RDX] << 32 | (uint32_t)vp->gpr[GPR_RAX];
    struct cpuid_result extended = cpuid(0x80000001, 0);
    uint64_t allowed = EFER_LMA | EFER_LME | EFER_NXE | EFER_SCE;

    EXIT_COUNT(vp, msr);
    if (extended.edx & (1u << 25))
        allowed |= EFER_FFXSR;
    if (value & ~allowed)
        return EXIT_GP;
    if ((value ^ svm_get_efer(vp)) & EFER_LME && vmcb->cr0 & CR0_PG)
        return EXIT_GP;
    svm_set_efer(vp, (value & ~EFER_LMA) | (vmcb->efer & EFER_LMA));
    return EXIT_SKIP;
}

static enum exit_action handle_msr(struct vp *vp)
{
    bool write = vmcb_of(vp)->exit_info1 & 1;

    if ((uint32_t)vp->gpr[GPR_RCX] == MSR_EFER)
        return write ? write_efer(vp) : read_efer(vp);
    return write ? exit_wrmsr(vp) : exit_rdmsr(vp);
}

static inline enum exit_action handle_vmmcall(struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);

    if (svm_in_64bit_code(vmcb))
        return exit_hypercall(vp, exit_mode(vmcb->cpl, true, true), vmcb->cr3);
    bool protected_mode = vmcb->cr0 & CR0_PE && !(vmcb->rflags & RFLAGS_VM);
    return exit_hypercall(vp, exit_mode(vmcb->cpl, protected_mode, false), vmcb->cr3);
}

static inline void keep_interrupt_shadow(struct vp *vp)
{
    if (__builtin_expect(vmcb_of(vp)->interrupt_shadow & 1, 0))
        svm_keep_interrupt_shadow(vp);
}

static RARE enum exit_action handle_nmi(struct vp *vp)
{
    keep_interrupt_shadow(vp);
    svm_take_events();
    exit_nmi(vp);
    return EXIT_RETRY;
}

/* The LP stays ours. After the exit the INIT is still pending, and would end each VMRUN at once,
 * until it is taken: as #SX, by VM_CR.R_INIT (APM 15.17, 15.30.1). */
static RARE enum exit_action handle_init(struct vp *vp)
{
    svm_take_events();
    exit_count_other(vp);
    return EXIT_RETRY;
}

/* QEMU's TCG makes this exit, with the guest's state saved, where #GP is due: MOV to CR3 or CR4
 * that sets reserved bits. Else it is the entry that failed; then TCG has saved its host's state.
 */
static RARE enum exit_action handle_invalid(struct vp *vp)
{
    struct svm_register_move move;

    if (!vp->hw_state_changed && svm_decode_register_move(vp, &move) && move.to &&
        (move.number == 3 || move.number == 4)) {
        exit_count_other(vp);
        return EXIT_GP;
    }
    return exit_invalid_state(vp);
}

/* The end of the guest's NMI handler is near; or an interrupt window has opened. */
static RARE enum exit_action handle_window(struct vp *vp, uint32_t code)
{
    if (code == SVM_EXIT_IRET) {
        exit_count_other(vp);
        svm_nmi_handler_ends(vp);
        return EXIT_RETRY;
    }
    vp->window_requested = false;
    svm_window_opens(vp);
    return exit_interrupt_window(vp);
}

static enum exit_action handle_nested_fault(struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    struct exit_memory access = {
        .address = gpa(vmcb->exit_info2),
        .write = (vmcb->exit_info1 & NESTED_FAULT_WRITE) != 0,
        .execute = (vmcb->exit_info1 & NESTED_FAULT_EXECUTE) != 0,
    };

    return exit_nested_fault(vp, &access);
}

static RARE enum exit_action handle_string_io(struct vp *vp, uint32_t info, uint8_t length)
{
    struct exit_string_io io = {
        .port = (uint16_t)(info >> 16),
        .size = IOIO_SIZE(info),
        .in = (info & IOIO_IN) != 0,
        .rep = (info & IOIO_REP) != 0,
        .length = length,
    };

    if (!svm_decode_string_io(vp, &io))
        return EXIT_RETRY; /* the guest has changed its code meanwhile */
    return exit_string_io(vp, &io);
}

static inline enum exit_action handle_io(struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    uint32_t info = (uint32_t)vmcb->exit_info1;
    uint8_t length = (uint8_t)(vmcb->exit_info2 - vmcb->rip);

    if (__builtin_expect((info & IOIO_STRING) != 0, 0))
        return handle_string_io(vp, info, length);
    return exit_port(vp, (uint16_t)(info >> 16), IOIO_SIZE(info), info & IOIO_IN, length);
}

/* A guest whose LME is held back writes CR4: now that is known what will be in it. */
static enum exit_action write_cr4_held_back(struct vp *vp, uint64_t value)
{
    exit_count_other(vp);
    if (value & ~vp_context_limits().cr4)
        return EXIT_GP;
    vmcb_of(vp)->cr4 = value;
    svm_set_efer(vp, svm_get_efer(vp));
    this_lp()->flush_pending = true;
    return EXIT_SKIP;
}

static RARE enum exit_action handle_write_cr(struct vp *vp)
{
    struct svm_register_move move;
    enum exit_action action;

    if (!svm_decode_register_move(vp, &move) || !move.to)
        return EXIT_RETRY; /* the guest has changed its code meanwhile */
    uint64_t value = move.gpr == GPR_RSP ? vmcb_of(vp)->rsp : vp->gpr[move.gpr];
    action = move.number == 8 ? exit_write_cr8(vp, value) : write_cr4_held_back(vp, value);
    if (action != EXIT_SKIP)
        return action;
    svm_skip_instruction(vp, move.length);
    return EXIT_RETRY;
}

static RARE enum exit_action handle_exception(struct vp *vp, uint8_t vector)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    bool has_error = x86_has_error_code(vector);
    uint32_t error = (uint32_t)vmcb->exit_info1;

    if (vp->partition->exception_intercepts >> vector & 1)
        return exit_exception(vp, vector, has_error, error, vmcb->exit_info2);
    exit_count_other(vp);
    svm_inject_exception(vp, vector, has_error, error);
    return EXIT_RETRY;
}

static RARE enum exit_action handle_other(struct vp *vp, uint32_t code)
{
    switch (code) {
    case SVM_EXIT_CR4_WRITE:
    case SVM_EXIT_CR8_WRITE:
        return handle_write_cr(vp);
    case SVM_EXIT_NMI:
        return handle_nmi(vp);
    case SVM_EXIT_INIT:
        return handle_init(vp);
    case SVM_EXIT_IRET:
    case SVM_EXIT_VINTR:
        return handle_window(vp, code);
    case SVM_EXIT_INVD:
    case SVM_EXIT_WBINVD:
        return exit_invd(vp);
    case SVM_EXIT_XSETBV:
        return exit_xsetbv(vp);
    case SVM_EXIT_RDPMC:
        exit_count_other(vp);
        return EXIT_GP;
    case SVM_EXIT_INVLPGA:
    case SVM_EXIT_VMRUN:
    case SVM_EXIT_VMLOAD:
    case SVM_EXIT_VMSAVE:
    case SVM_EXIT_STGI:
    case SVM_EXIT_CLGI:
    case SVM_EXIT_SKINIT:
    case SVM_EXIT_MONITOR:
    case SVM_EXIT_MWAIT:
        return exit_forbidden(vp);
    case SVM_EXIT_SHUTDOWN:
        return exit_triple_fault(vp);
    case SVM_EXIT_INVALID:
        return handle_invalid(vp);
    default:
        if (code >= SVM_EXIT_EXCEPTION_FIRST && code <= SVM_EXIT_EXCEPTION_LAST)
            return handle_exception(vp, (uint8_t)(code - SVM_EXIT_EXCEPTION_FIRST));
        if (code >= SVM_EXIT_DR_FIRST && code <= SVM_EXIT_DR_LAST)
            return exit_debug_register(vp);
        return exit_unexpected(vp);
    }
}

/* The common ones here, by as few instructions as possible. */
static inline enum exit_action handle(struct vp *vp, uint32_t code)
{
    switch (code) {
    case SVM_EXIT_IOIO:
        return handle_io(vp);
    case SVM_EXIT_VMMCALL:
        return handle_vmmcall(vp);
    case SVM_EXIT_MSR:
        return handle_msr(vp);
    case SVM_EXIT_CPUID:
        return exit_cpuid(vp);
    case SVM_EXIT_HLT:
        return exit_hlt(vp);
    case SVM_EXIT_INTR:
        keep_interrupt_shadow(vp);
        return exit_physical_interrupt(vp);
    default:
        return code == SVM_EXIT_NESTED_PAGE_FAULT ? handle_nested_fault(vp)
                                                  : handle_other(vp, code);
    }
}

#define MOVE_BIT(value, from, to)                                                                  \
    (((value) & (from)) / ((from) > (to) ? (from) / (to) : 1) * ((to) > (from) ? (to) / (from) : 1))

/* Without branches: each intercept needs it. */
static inline uint16_t execution_state(const struct vmcb *v)
{
    return (uint16_t)(v->cpl | MOVE_BIT((uint32_t)v->cr0, CR0_PE, HV_EXECUTION_CR0_PE) |
                      MOVE_BIT((uint32_t)v->cr0, CR0_AM, HV_EXECUTION_CR0_AM) |
                      MOVE_BIT((uint32_t)v->efer, EFER_LMA, HV_EXECUTION_EFER_LMA) |
                      MOVE_BIT((uint32_t)v->exit_interrupt_info, EVENT_VALID,
                               HV_EXECUTION_INTERRUPTION_PENDING) |
                      MOVE_BIT((uint32_t)v->interrupt_shadow, 1, HV_EXECUTION_INTERRUPT_SHADOW));
}

void svm_show_header(const struct vp *vp, struct hv_x64_intercept_message_header *header)
{
    const struct vmcb *v = vmcb_of(vp);
    struct hv_vp_register_page *page = vp->register_page;
    header->execution_state = execution_state(v);
    header->cs = svm_segment_register(&v->cs);
    header->rip = page->rip = v->rip;
    header->rflags = page->rflags = v->rflags;
    page->gpr[GPR_RSP] = v->rsp;
}

/* What flags do at the end of an instruction. */
static RARE void step(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vmcb->rflags &= ~RFLAGS_RF;
    if (vmcb->rflags & RFLAGS_TF) {
        vmcb->dr6 |= DR6_BS;
        svm_inject_exception(vp, X86_VECTOR_DB, false, 0);
    }
}

void svm_skip_instruction(struct vp *vp, uint8_t length)
{
    struct vmcb *vmcb = vmcb_of(vp);

    if (length == 0)
        return; /* the guest has changed its code meanwhile: let it run into that itself */
    vmcb->rip += length;
    if (!svm_in_64bit_code(vmcb))
        vmcb->rip = (uint32_t)vmcb->rip;
    vmcb->interrupt_shadow = 0;
    if (__builtin_expect((vmcb->rflags & (RFLAGS_RF | RFLAGS_TF)) != 0, 0))
        step(vp);
}

static inline void finish(struct vp *vp, enum exit_action action)
{
    if (__builtin_expect(action == EXIT_SKIP, 1))
        svm_skip_instruction(vp, svm_instruction_length(vp));
    else if (__builtin_expect(action != EXIT_RETRY, 0))
        svm_inject_exception(vp, action == EXIT_UD ? X86_VECTOR_UD : X86_VECTOR_GP,
                             action == EXIT_GP, 0);
}

/* What is not the same at each entry. False: the guest is not entered. */
__attribute__((noinline)) static bool prepare(struct vp *vp, struct lp *lp)
{
    struct vmcb *vmcb = vmcb_of(vp);

    /* What may keep it from being entered comes first, lest a flush is lost. */
    if (vp->nmi_pending || vp->nmi_at_iret)
        svm_nmi_deliver(vp);
    if (vp->leave != VP_STAY)
        return false;
    if (vp->hw_state_changed && !svm_registers_valid(vp)) {
        exit_invalid_state(vp);
        return false;
    }
    if (lp->flush_pending) {
        lp_flushed(lp);
        vmcb->tlb_control = TLB_FLUSH_ALL;
    }
    if (partition_is_root(vp->partition)) {
        vp->tag_lp = lp; /* it keeps its ASID */
        vp->tag_generation = lp->tag_generation;
    } else if (vp->tag_lp != lp || vp->tag_generation != lp->tag_generation) {
        lp_assign_tag(lp, vp);
        vmcb->asid = vp->tag;
        if (lp->flush_pending)
            return false; /* all have been used: begin anew */
    }
    return true;
}

/* Leaves no register as it was but RSP and RBP: what the compiler needs, it saves once for all. */
static inline void enter(struct vp *vp)
{
    struct vp *lost;

    __asm__ volatile("call svm_switch"
                     : "=D"(lost)
                     : "0"(vp)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15", "cc", "memory");
}

static inline void run_once(struct vp *vp, struct vmcb *vmcb)
{
    vmcb->rax = vp->gpr[GPR_RAX];
    enter(vp);
    vp->gpr[GPR_RAX] = vmcb->rax;
    vmcb->event_injection = 0;

    finish(vp, handle(vp, (uint32_t)vmcb->exit_code));
    if (__builtin_expect(
            ((vmcb->exit_interrupt_info & EVENT_VALID) | (vmcb->virtual_interrupt & V_IRQ)) != 0,
            0))
        svm_complete_interrupted_delivery(vp);
}

void svm_run(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);
    struct lp *lp = this_lp();
    bool once = lp->flush_pending || vp->tag_generation != lp->tag_generation || vp->tag_lp != lp ||
                vp->halt_reasons != 0;

    if (__builtin_expect(once, 0) && !prepare(vp, lp))
        return;
    do {
        run_once(vp, vmcb);
    } while (__builtin_expect(!once && vp_goes_on(lp, vp), 1));
    if (__builtin_expect(once, 0)) {
        vmcb->tlb_control = TLB_KEEP;
        vp->hw_state_changed = false;
    }
}
