#include "hypervisor/vmx/exit.h"

#include <stddef.h>

#include "hypervisor/dispatch.h"
#include "hypervisor/exit.h"
#include "hypervisor/lp.h"
#include "hypervisor/panic.h"
#include "hypervisor/vmx/event.h"
#include "hypervisor/vmx/guest.h"
#include "hypervisor/vmx/switch.h"
#include "hypervisor/vmx/vmcs.h"
#include "hypervisor/vmx/world.h"
#include "lib/x86/cpu.h"

#define DR7_GD (1ull << 13)

/* Their delivery may raise them again without end, and without an instruction boundary at which an
 * interrupt or NMI would get the LP back: children's always exit. */
#define ENDLESS_EXCEPTIONS (1u << X86_VECTOR_DB | 1u << X86_VECTOR_AC)

/* It has come to us, and NMIs stay blocked until an IRET. */
static enum exit_action handle_nmi(struct vp *vp)
{
    lp_nmi_received(this_lp());
    vmx_unblock_nmis();
    exit_nmi(vp);
    return EXIT_RETRY;
}

/* What the delivery of #DB does besides, where the exit has come before it. */
static void note_debug_exception(uint64_t qualification)
{
    write_dr6((read_dr6() & ~DEBUG_EXCEPTION_BREAKPOINTS) | (qualification & DEBUG_EXCEPTION_BITS));
    vmcs_set_bits(VMCS_GUEST_DR7, DR7_GD, false);
    vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0); /* Bochs 2.7 leaves it */
}

/* NMIs; and exceptions of children that the parent wants to see, or that must exit. */
static enum exit_action handle_exception(struct vp *vp)
{
    uint32_t info = (uint32_t)vmread(VMCS_EXIT_INTERRUPTION_INFO), error = 0;
    uint8_t vector = info & INTERRUPTION_VECTOR;

    if ((info & INTERRUPTION_TYPE) == INTERRUPTION_TYPE_NMI)
        return handle_nmi(vp);
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    /* Bochs 2.7 has error codes in real mode, too. */
    bool has_error = info & INTERRUPTION_ERROR_CODE_VALID && vmread(VMCS_GUEST_CR0) & CR0_PE;
    if (has_error)
        error = (uint32_t)vmread(VMCS_EXIT_INTERRUPTION_ERROR_CODE);
    event_resume_interrupted(info & INTERRUPTION_NMI_UNBLOCKED && vector != X86_VECTOR_DF);
    if (vector == X86_VECTOR_DB)
        note_debug_exception(qualification);
    if (vp->partition->exception_intercepts >> vector & 1)
        return exit_exception(vp, vector, has_error, error,
                              vector == X86_VECTOR_PF ? qualification : 0);
    exit_count_other(vp);
    if (vector == X86_VECTOR_PF)
        write_cr2(qualification);
    event_reflect(vp, info, error);
    return EXIT_RETRY;
}

static enum exit_action handle_nmi_window(struct vp *vp)
{
    exit_count_other(vp);
    event_nmi_window(vp);
    return EXIT_RETRY;
}

/* INIT or SIPI that the root sent to this LP. The LP is ours: nothing happens. Bochs 2.7 saves a
 * blocking that no entry takes. */
static enum exit_action handle_init_or_sipi(struct vp *vp)
{
    exit_count_other(vp);
    vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
            vmread(VMCS_GUEST_INTERRUPTIBILITY) &
                (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS | BLOCKING_BY_NMI));
    return EXIT_RETRY;
}

/* Nobody needs a child that switches tasks; the root does not leave long mode. */
static enum exit_action handle_task_switch(struct vp *vp)
{
    return partition_is_root(vp->partition) ? exit_forbidden(vp) : exit_unexpected(vp);
}

static inline enum exit_action handle_hypercall(struct vp *vp)
{
    return exit_hypercall(vp, guest_mode(), vmread(VMCS_GUEST_CR3));
}

/* CR8. Or a write that changes bits of CR0 which are ours: once the guest's wish is noted, the
 * instruction does the rest without an exit (if it faults for another reason, the guest sees its
 * wish nevertheless; nothing depends on it). Or a write that sets bits of CR4 which do not exist
 * for the guest. */
static enum exit_action handle_cr_access(struct vp *vp)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    unsigned gpr = CR_ACCESS_GPR(qualification);

    switch (CR_ACCESS_KIND(qualification)) {
    case CR_ACCESS_MOV_TO(8):
        return exit_write_cr8(vp, guest_gpr(vp, gpr));
    case CR_ACCESS_MOV_FROM(8):
        return exit_read_cr8(vp, gpr);
    case CR_ACCESS_MOV_TO(0):
        exit_count_other(vp);
        return guest_write_owned_cr0(guest_gpr(vp, gpr)) ? EXIT_RETRY : EXIT_GP;
    case CR_ACCESS_MOV_TO(4):
        exit_count_other(vp);
        return EXIT_GP;
    default:
        return exit_unexpected(vp);
    }
}

__attribute__((noinline)) static enum exit_action
handle_string_io(struct vp *vp, uint32_t qualification, uint8_t length)
{
    uint32_t info = (uint32_t)vmread(VMCS_EXIT_INSTRUCTION_INFO);
    bool in = (qualification & IO_IN) != 0;
    enum vmcs_segment segment = in ? SEGMENT_ES : IO_INFO_SEGMENT(info);
    struct exit_string_io io = {
        .port = (uint16_t)(qualification >> IO_PORT_SHIFT),
        .size = IO_SIZE(qualification),
        .in = in,
        .rep = (qualification & IO_REP) != 0,
        .length = length,
        .address_size = (uint8_t)IO_INFO_ADDRESS_SIZE(info),
        .segment = guest_segment(segment),
    };

    if (segment < SEGMENT_FS && guest_in_64bit_code())
        io.segment.base = 0; /* the processor ignores it */
    return exit_string_io(vp, &io);
}

static inline enum exit_action handle_io(struct vp *vp)
{
    uint32_t qualification = (uint32_t)vmread(VMCS_EXIT_QUALIFICATION);
    uint8_t length = (uint8_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);

    if (__builtin_expect((qualification & IO_STRING) != 0, 0))
        return handle_string_io(vp, qualification, length);
    return exit_port(vp, (uint16_t)(qualification >> IO_PORT_SHIFT), IO_SIZE(qualification),
                     (qualification & IO_IN) != 0, length);
}

/* The system call MSRs are ours, everybody's: world.c knows them by their writes. */
static enum exit_action handle_wrmsr(struct vp *vp)
{
    uint32_t index = (uint32_t)vp->gpr[GPR_RCX] - MSR_STAR;

    if (index >= SYSCALL_MSRS)
        return exit_wrmsr(vp);
    uint64_t value = vp->gpr[GPR_RDX] << 32 | (uint32_t)vp->gpr[GPR_RAX];
    EXIT_COUNT(vp, msr);
    return guest_write_syscall_msr(vp, index, value) ? EXIT_SKIP : EXIT_GP;
}

static enum exit_action handle_rdpmc(struct vp *vp)
{
    exit_count_other(vp);
    return EXIT_GP;
}

static inline enum exit_action handle_ept_violation(struct vp *vp)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    struct exit_memory access = {
        .address = gpa(vmread(VMCS_GUEST_PHYSICAL_ADDRESS)),
        .linear = vmread(VMCS_GUEST_LINEAR_ADDRESS),
        .linear_valid = (qualification & EPT_VIOLATION_LINEAR_VALID) == EPT_VIOLATION_LINEAR_VALID,
        .write = (qualification & EPT_VIOLATION_WRITE) != 0,
        .execute = (qualification & EPT_VIOLATION_EXECUTE) != 0,
    };

    event_resume_interrupted(qualification & EPT_VIOLATION_NMI_UNBLOCKED);
    return exit_nested_fault(vp, &access);
}

/* By exit reason, but for those in handle(); the others are not asked for. */
static enum exit_action (*const handlers[EXIT_REASON_COUNT])(struct vp *vp) = {
    [EXIT_REASON_EXCEPTION_OR_NMI] = handle_exception,
    [EXIT_REASON_TRIPLE_FAULT] = exit_triple_fault,
    [EXIT_REASON_INIT] = handle_init_or_sipi,
    [EXIT_REASON_SIPI] = handle_init_or_sipi,
    [EXIT_REASON_INTERRUPT_WINDOW] = exit_interrupt_window,
    [EXIT_REASON_NMI_WINDOW] = handle_nmi_window,
    [EXIT_REASON_TASK_SWITCH] = handle_task_switch,
    [EXIT_REASON_GETSEC] = exit_forbidden,
    [EXIT_REASON_INVD] = exit_invd,
    [EXIT_REASON_RDPMC] = handle_rdpmc,
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
    [EXIT_REASON_MOV_DR] = exit_debug_register,
    [EXIT_REASON_MWAIT] = exit_forbidden,
    [EXIT_REASON_MONITOR] = exit_forbidden,
    [EXIT_REASON_PREEMPTION_TIMER] = exit_physical_interrupt,
    [EXIT_REASON_INVEPT] = exit_forbidden,
    [EXIT_REASON_INVVPID] = exit_forbidden,
    [EXIT_REASON_WBINVD] = exit_invd,
    [EXIT_REASON_XSETBV] = exit_xsetbv,
    [EXIT_REASON_VMFUNC] = exit_forbidden,
};

/* The others are instructions; of an event's delivery, an instruction's length is not its own. */
static bool is_event(uint32_t reason)
{
    return reason <= EXIT_REASON_TASK_SWITCH || reason >= EXIT_REASON_COUNT ||
           reason == EXIT_REASON_PREEMPTION_TIMER || reason == EXIT_REASON_EPT_VIOLATION ||
           reason == EXIT_REASON_EPT_MISCONFIGURATION;
}

uint8_t vmx_instruction_length(struct vp *vp)
{
    (void)vp;
    if (is_event((uint32_t)vmread(VMCS_EXIT_REASON)))
        return 0;
    return (uint8_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
}

void vmx_set_controls(struct vp *vp, uint32_t exceptions, uint64_t tsc_offset,
                      bool debug_register_exits)
{
    (void)vp;
    vmwrite(VMCS_EXCEPTION_BITMAP, exceptions | ENDLESS_EXCEPTIONS);
    vmwrite(VMCS_TSC_OFFSET, tsc_offset);
    vmcs_set_bits(VMCS_PROCESSOR_BASED_CONTROLS, PROCESSOR_MOV_DR_EXITING, debug_register_exits);
}

/* A failed entry leaves a VMCS that was not launched as it was, where vmx_switch() has noted an
 * exit (Intel SDM vol. 3, 26.8). */
static void handle_unexpected(struct vp *vp, uint32_t reason)
{
    if (reason == (EXIT_REASON_ENTRY_FAILURE | EXIT_REASON_MACHINE_CHECK))
        panic_root(vp, "machine check while entering it");
    if (!(reason & EXIT_REASON_ENTRY_FAILURE)) {
        exit_unexpected(vp);
        return;
    }
    exit_invalid_state(vp);
    world_start_anew(vp);
}

__attribute__((noinline)) static enum exit_action handle_other(struct vp *vp, uint32_t reason)
{
    if (reason < EXIT_REASON_COUNT && handlers[reason] != NULL)
        return handlers[reason](vp);
    handle_unexpected(vp, reason);
    return EXIT_RETRY;
}

/* The common ones here, by as few instructions as possible. */
static inline enum exit_action handle(struct vp *vp, uint32_t reason)
{
    switch (reason) {
    case EXIT_REASON_IO:
        return handle_io(vp);
    case EXIT_REASON_VMCALL:
        return handle_hypercall(vp);
    case EXIT_REASON_EPT_VIOLATION:
        return handle_ept_violation(vp);
    case EXIT_REASON_RDMSR:
        return exit_rdmsr(vp);
    case EXIT_REASON_WRMSR:
        return handle_wrmsr(vp);
    case EXIT_REASON_CPUID:
        return exit_cpuid(vp);
    case EXIT_REASON_HLT:
        return exit_hlt(vp);
    case EXIT_REASON_EXTERNAL_INTERRUPT:
        return exit_physical_interrupt(vp);
    default:
        return handle_other(vp, reason);
    }
}

static inline void handle_exit(struct vp *vp)
{
    enum exit_action action = handle(vp, (uint32_t)vmread(VMCS_EXIT_REASON));

    if (__builtin_expect(action == EXIT_SKIP, 1))
        event_skip((uint8_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
    else if (__builtin_expect(action != EXIT_RETRY, 0))
        event_inject_exception(vp, action == EXIT_UD ? X86_VECTOR_UD : X86_VECTOR_GP, true, 0);
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
    struct lp *lp = this_lp();

    if (__builtin_expect(lp->flush_pending, 0))
        world_flush(lp, vp);
    do {
        enum vmx_switch result = vmx_switch(vp);
        if (__builtin_expect(result != VMX_EXITED, 0)) {
            if (result == VMX_REFUSED)
                panic_refused();
            return;
        }
        handle_exit(vp);
        if (vp->leave != VP_STAY) /* the usual end: no need to look at all the rest */
            return;
    } while (__builtin_expect(vp_goes_on(lp, vp), 1));
}
