/* The backend interface: all that differs between AMD-V (svm/) and Intel VT-x (vmx/). Nothing
 * outside those folders knows a VMCB or a VMCS. */
#ifndef VENEER_HYPERVISOR_HW_H
#define VENEER_HYPERVISOR_HW_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/exit.h"
#include "hypervisor/lp.h"
#include "hypervisor/partition.h"
#include "hypervisor/vp.h"

enum access {
    ACCESS_READ = 1,
    ACCESS_WRITE = 2,
    ACCESS_EXECUTE = 4,
    ACCESS_ALL = 7,
};

enum memory_type {
    MEMORY_WRITE_BACK, /* RAM */
    MEMORY_DEVICE,     /* as the guest's PAT and the firmware's MTRRs say */
};

struct hw_ops {
    const char *name; /* for people */

    /* NULL if this processor has all that we need; otherwise what is missing and what to do, as a
     * sentence part after "Veneer cannot start: ". On each LP, before enable(). */
    const char *(*missing)(void);

    /* Turns virtualization on for this LP, using @lp->hw_page (one zeroed page). Once per LP. */
    void (*enable)(struct lp *lp);

    /* Prepares @partition->nested (format fields, not root or allocator) and takes its MSR bitmap:
     * nothing intercepted but what the backend itself needs. Boot. */
    void (*partition_init)(struct partition *partition);

    /* Makes accesses to @msr exit. An MSR that the hardware's bitmap does not cover exits always.
     * Before the first VP runs. */
    void (*intercept_msr)(struct partition *partition, uint32_t msr, bool read, bool write);

    /* Fills @vp->hw_state (one zeroed page): everything but the start context. On the LP that will
     * run it. */
    void (*vp_init)(struct vp *vp);

    /* Takes the valid @context (vp_context.h) over; general registers other than RSP become 0, but
     * @rdi in RDI. On the VP's LP. */
    void (*vp_set_context)(struct vp *vp, const struct hv_initial_vp_context *context,
                           uint64_t rdi);

    /* Enters the guest and handles the one exit that follows. On the VP's LP. Before the entry it
     * honours and clears @vp->nested_flush; returns without entering when this LP has requests to
     * answer. */
    void (*run)(struct vp *vp);

    /* The guest's CR4, as the guest sees it. On the VP's LP. */
    uint64_t (*cr4)(const struct vp *vp);

    /* The guest gets an NMI at the next entry or as soon as it can take one. On the VP's LP. */
    void (*inject_nmi)(struct vp *vp);

    /* Flags of a leaf in a partition's nested tables. @access has ACCESS_READ. */
    uint64_t (*nested_flags)(unsigned access, enum memory_type type);

    /* Prints the guest's registers, for panics. On the VP's LP. */
    void (*print_state)(const struct vp *vp);

    /* Whether the hypervisor runs with its own TSS from the exit on (then interrupts may have
     * stacks of their own). */
    bool own_tss;
    uint8_t hypercall_instruction[3]; /* VMMCALL or VMCALL */
};

/* The backend of this machine; set once at boot by hw_select(), constant afterwards. */
extern const struct hw_ops *hw;
extern const struct hw_ops svm_ops, vmx_ops;

/* Chooses by CPUID; stops the boot with a message if there is none or something is missing. */
void hw_select(void);

#endif
