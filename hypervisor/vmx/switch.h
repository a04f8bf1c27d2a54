/* The world switch (switch.asm). */
#ifndef VENEER_HYPERVISOR_VMX_SWITCH_H
#define VENEER_HYPERVISOR_VMX_SWITCH_H

#include "hypervisor/vp.h"

enum vmx_switch {
    VMX_EXITED = 0,      /* the guest ran and has left, with an exit reason */
    VMX_NOT_ENTERED = 1, /* the LP has requests to answer, or got an NMI just before the entry */
    VMX_REFUSED = 2,     /* the instruction failed: see the VM-instruction error */
};

/* Enters the guest @vp, whose VMCS is current, with vp->gpr, and returns after its exit. Leaves no
 * register as it was but RSP and RBP: what the compiler needs, it saves once for all. */
static inline enum vmx_switch vmx_switch(struct vp *vp)
{
    enum vmx_switch result;
    struct vp *lost;

    __asm__ volatile("call vmx_switch"
                     : "=a"(result), "=D"(lost)
                     : "1"(vp)
                     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "cc", "memory");
    return result;
}

/* Where an exit arrives: HOST_RIP. */
extern const char vmx_switch_exited[];

/* Ends the blocking of NMIs that an NMI exit leaves behind. */
void vmx_unblock_nmis(void);

#endif
