/* Virtual processors (VPs). */
#ifndef VENEER_HYPERVISOR_VP_H
#define VENEER_HYPERVISOR_VP_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/address.h"
#include "include/hv/hypercall.h"

struct partition;

/* Order of struct vp's general registers: that of instruction encodings and of the TLFS's register
 * names. */
enum gpr {
    GPR_RAX,
    GPR_RCX,
    GPR_RDX,
    GPR_RBX,
    GPR_RSP, /* kept by the backend in its control block, not here */
    GPR_RBP,
    GPR_RSI,
    GPR_RDI,
    GPR_R8,
    GPR_R9,
    GPR_R10,
    GPR_R11,
    GPR_R12,
    GPR_R13,
    GPR_R14,
    GPR_R15,
    GPR_COUNT
};

enum vp_state {
    VP_WAITING,  /* for HvCallStartVirtualProcessor */
    VP_STARTING, /* its context is being set */
    VP_RUNNING,
};

/* Changed by the LP that runs the VP only; `state` atomically by others, too. */
struct vp {
    uint64_t gpr[GPR_COUNT]; /* the guest's, valid between an exit and the next entry */
    spa_t hw_state_spa;      /* VMCB or VMCS: one page */
    void *hw_state;          /* the same, mapped */
    bool hw_launched;        /* VT-x: VMRESUME, not VMLAUNCH */
    uint64_t host_rsp;       /* VT-x: the stack pointer that an exit loads */
    bool nmi_pending;        /* AMD-V: an NMI waits to be injected */
    bool nmi_blocked;        /* AMD-V: until the guest's IRET, or an interrupt window */
    bool nmi_at_iret; /* AMD-V: that IRET is the next instruction, unless RIP or RSP differ */
    uint64_t nmi_iret_rip, nmi_iret_rsp;
    bool nested_flush; /* the backend drops nested translations before the next entry */

    struct partition *partition;
    uint32_t index;
    uint32_t state;                       /* enum vp_state */
    struct hv_initial_vp_context context; /* given at start; its LP takes it over */
    uint64_t start_rdi;                   /* RDI at start */
    struct hv_output_veneer_get_exit_counts exits;
};

/* Makes VP @index of @partition, waiting for its start. Boot only. */
void vp_create(struct vp *vp, struct partition *partition, uint32_t index);

/* Prints gpr[] but RSP, for panics. */
void vp_print_gpr(const struct vp *vp);

/* Runs the root VP of this LP for ever: enters the guest, handles exits, answers requests. */
_Noreturn void vp_run_root(struct vp *vp);

#endif
