/* What is common to both processors when a guest leaves for the hypervisor. The backends' exit
 * handlers decode the hardware's reason, call these, and do what the returned action says. All run
 * on the LP of @vp, whose gpr[] is valid. */
#ifndef VENEER_HYPERVISOR_EXIT_H
#define VENEER_HYPERVISOR_EXIT_H

#include <stdbool.h>

#include "hypervisor/address.h"
#include "hypervisor/vp.h"

/* How the guest goes on. */
enum exit_action {
    EXIT_SKIP,  /* after the instruction that caused the exit */
    EXIT_RETRY, /* with the same instruction */
    EXIT_UD,    /* with #UD at it */
    EXIT_GP,    /* with #GP(0) at it */
};

/* What the guest's processor mode allows. */
struct exit_mode {
    uint8_t cpl;
    bool protected_mode; /* CR0.PE, not virtual-8086 */
    bool long_mode;      /* 64-bit code segment */
};

/* The exception that the guest gets for a fault @vector at an exit that interrupted the delivery of
 * exception @first: the fault, or a double fault. A fault in the delivery of a double fault is a
 * triple fault: the machine stops (Intel SDM vol. 3, table 6-5). */
enum x86_vector exit_escalate_fault(const struct vp *vp, uint8_t first, enum x86_vector vector);

/* Each of the following counts the exit, in total and by kind. */

/* CPUID: leaf in EAX, subleaf in ECX (cpuid.c). */
enum exit_action exit_cpuid(struct vp *vp);

/* RDMSR and WRMSR: number in ECX (msr.c). */
enum exit_action exit_rdmsr(struct vp *vp);
enum exit_action exit_wrmsr(struct vp *vp);

/* VMCALL or VMMCALL (hypercall.c). */
enum exit_action exit_hypercall(struct vp *vp, struct exit_mode mode);

/* XSETBV of a guest that has CR4.OSXSAVE set and CPL 0: sets XCR0 for it if the value is one that
 * this processor takes (exit.c). */
enum exit_action exit_xsetbv(struct vp *vp);

/* INVD: caches are written back instead, lest the guest throw away what others wrote. */
enum exit_action exit_invd(struct vp *vp);

/* An access to @address that the nested tables do not allow (root.c for the root: devices are
 * mapped at first touch). */
enum exit_action exit_nested_fault(struct vp *vp, gpa_t address);

/* An NMI that hit this LP while the guest ran. The backend has called lp_nmi_received(). */
void exit_nmi(struct vp *vp);

/* Any other exit that an instruction of the guest may cause and that we forbid: #UD, as if it did
 * not exist. */
enum exit_action exit_forbidden(struct vp *vp);

/* Any exit that the backend handles without one of the above: only counts it. */
void exit_count_other(struct vp *vp);

#endif
