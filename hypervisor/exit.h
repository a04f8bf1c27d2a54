/* What is common to both processors when a guest leaves for the hypervisor. The backends' exit
 * handlers decode the hardware's reason, call these, and do what the returned action says. All run
 * on the LP of @vp, whose gpr[] is valid. */
#ifndef VENEER_HYPERVISOR_EXIT_H
#define VENEER_HYPERVISOR_EXIT_H

#include <stdbool.h>

#include "hypervisor/address.h"
#include "hypervisor/partition.h"
#include "hypervisor/vp.h"

/* How the guest goes on. If vp->leave says so, after its parent has been asked. */
enum exit_action {
    EXIT_SKIP,  /* after the instruction that caused the exit */
    EXIT_RETRY, /* with the same instruction */
    EXIT_UD,    /* with #UD at it */
    EXIT_GP,    /* with #GP(0) at it */
};

/* Counts an exit of @kind, a member of struct veneer_vp_statistics. */
#define EXIT_COUNT(vp, kind)                                                                       \
    do {                                                                                           \
        struct veneer_vp_statistics *statistics_ = (vp)->statistics;                               \
        statistics_->exits++;                                                                      \
        statistics_->kind++;                                                                       \
    } while (0)

/* By what kind of code a hypercall is made. */
enum exit_mode {
    EXIT_MODE_KERNEL_64,
    EXIT_MODE_USER_64,   /* ring 3 */
    EXIT_MODE_KERNEL_32, /* protected mode, not 64-bit code */
    EXIT_MODE_OTHER,     /* no hypercalls */
};

static inline enum exit_mode exit_mode(unsigned cpl, bool protected_mode, bool code_64)
{
    if (code_64)
        return cpl == 0 ? EXIT_MODE_KERNEL_64 : cpl == 3 ? EXIT_MODE_USER_64 : EXIT_MODE_OTHER;
    return cpl == 0 && protected_mode ? EXIT_MODE_KERNEL_32 : EXIT_MODE_OTHER;
}

/* A string access of a port, decoded. */
struct exit_string_io {
    uint16_t port;
    uint8_t size; /* bytes: 1, 2, 4 */
    bool in, rep;
    uint8_t length;                         /* of the instruction */
    uint8_t address_size;                   /* bytes, 2, 4, 8 */
    struct hv_x64_segment_register segment; /* ES of INS, the source's of OUTS */
};

/* A nested page fault or EPT violation. */
struct exit_memory {
    gpa_t address;
    uint64_t linear; /* if @linear_valid: of the access itself, not of a page-table walk */
    bool linear_valid;
    bool write, execute;
};

/* An exit that nobody asked for: a bug, or of the root's that needs an answer. The root: the
 * machine stops. A child: its parent gets HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE. */
enum exit_action exit_unexpected(struct vp *vp);

/* The exception that the guest gets for a fault @vector at an exit that interrupted the delivery of
 * exception @first: the fault, or a double fault. A fault in the delivery of a double fault is a
 * triple fault: exit_triple_fault() is called (Intel SDM vol. 3, table 6-5). */
enum x86_vector exit_escalate_fault(struct vp *vp, uint8_t first, enum x86_vector vector);

/* Each of the following counts the exit, in total and by kind. */

/* CPUID: leaf in EAX, subleaf in ECX (cpuid.c). */
enum exit_action exit_cpuid(struct vp *vp);

/* RDMSR and WRMSR: number in ECX (msr.c). */
enum exit_action exit_rdmsr(struct vp *vp);
enum exit_action exit_wrmsr(struct vp *vp);

/* VMCALL or VMMCALL: HVCALL_VENEER_DISPATCH_VP of the root (dispatch.c), and all else
 * (hypercall.c). */
enum exit_action exit_dispatch(struct vp *root, enum exit_mode mode, uint64_t cr3);
enum exit_action exit_other_hypercall(struct vp *vp, enum exit_mode mode);

static inline enum exit_action exit_hypercall(struct vp *vp, enum exit_mode mode, uint64_t cr3)
{
    if (vp->gpr[GPR_RCX] == (HVCALL_VENEER_DISPATCH_VP | HV_HYPERCALL_FAST) &&
        partition_is_root(vp->partition))
        return exit_dispatch(vp, mode, cr3);
    return exit_other_hypercall(vp, mode);
}

/* XSETBV of a guest that has CR4.OSXSAVE set and CPL 0: sets XCR0 for it if the value is one that
 * this processor takes (exit.c). */
enum exit_action exit_xsetbv(struct vp *vp);

/* Whether XSETBV of @vp may set XCR0 to @value. */
bool exit_xcr0_valid(const struct vp *vp, uint64_t value);

/* INVD: caches are written back instead, lest the guest throw away what others wrote. */
enum exit_action exit_invd(struct vp *vp);

/* An access that the nested tables do not allow. The root's: devices are mapped at first touch
 * (root.c). A child's (child_exit.c). */
enum exit_action exit_root_nested_fault(struct vp *vp, const struct exit_memory *access);
enum exit_action exit_child_nested_fault(struct vp *vp, const struct exit_memory *access);

static inline enum exit_action exit_nested_fault(struct vp *vp, const struct exit_memory *access)
{
    return partition_is_root(vp->partition) ? exit_root_nested_fault(vp, access)
                                            : exit_child_nested_fault(vp, access);
}

/* Exits of children only (intercept.c, child_exit.c). */
enum exit_action exit_port(struct vp *vp, uint16_t port, uint8_t size, bool in, uint8_t length);
enum exit_action exit_string_io(struct vp *vp, const struct exit_string_io *io);
enum exit_action exit_hlt(struct vp *vp);
enum exit_action exit_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error,
                                uint64_t parameter);
enum exit_action exit_triple_fault(struct vp *vp); /* root: the machine stops */
enum exit_action
exit_invalid_state(struct vp *vp); /* the processor refuses its registers; likewise */
enum exit_action exit_physical_interrupt(struct vp *vp);
enum exit_action exit_interrupt_window(struct vp *vp);
enum exit_action exit_write_cr8(struct vp *vp, uint64_t value);
enum exit_action exit_read_cr8(struct vp *vp, unsigned gpr);
enum exit_action exit_debug_register(struct vp *vp); /* first use: retried with its own */

/* The guest could take the NMI that hw->inject_nmi() has been called for. False: it does not get
 * it; vp->leave may be set. */
bool exit_nmi_deliverable(struct vp *vp);

/* An NMI that hit this LP while the guest ran. The backend has called lp_nmi_received(). */
void exit_nmi(struct vp *vp);

/* Any other exit that an instruction of the guest may cause and that we forbid: #UD, as if it did
 * not exist. */
enum exit_action exit_forbidden(struct vp *vp);

/* Any exit that the backend handles without one of the above: only counts it. */
void exit_count_other(struct vp *vp);

#endif
