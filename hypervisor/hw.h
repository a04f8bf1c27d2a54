/* The backend interface: all that differs between AMD-V (svm/) and Intel VT-x (vmx/). Nothing
 * outside those folders knows a VMCB or a VMCS. */
#ifndef VENEER_HYPERVISOR_HW_H
#define VENEER_HYPERVISOR_HW_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/exit.h"
#include "hypervisor/guest_code.h"
#include "hypervisor/lp.h"
#include "hypervisor/partition.h"
#include "hypervisor/vp.h"
#include "include/hv/intercept.h"

/* Registers of a VP that the backend's control block has. */
struct vp_registers {
    uint64_t rip, rsp, rflags;
    uint64_t cr0, cr2, cr3, cr4, efer, pat, dr6, dr7;
    struct hv_x64_segment_register es, cs, ss, ds, fs, gs, ldtr, tr;
    struct hv_x64_table_register idtr, gdtr;
    uint64_t kernel_gs_base, star, lstar, cstar, sfmask;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pending_interruption; /* HV_REGISTER_PENDING_INTERRUPTION */
    uint64_t interrupt_state;      /* HV_REGISTER_INTERRUPT_STATE */
};

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
    const char *code_start, *code_end; /* whole pages; of the other backend they are the parent's */
    const char *name;                  /* for people */

    /* NULL if this processor has all that we need; otherwise what is missing and what to do, as a
     * sentence part after "Veneer cannot start: ". On each LP, before enable(). */
    const char *(*missing)(void);

    /* Turns virtualization on for this LP, using @lp->hw_page (one zeroed page). Once per LP. */
    void (*enable)(struct lp *lp);

    /* Prepares @partition->nested (format fields, not root or allocator). For the root it also
     * takes the MSR bitmap: nothing intercepted but what the backend itself needs. For children the
     * one that all share is set. */
    void (*partition_init)(struct partition *partition);

    /* Makes what all children share: the maps of intercepted ports (all) and MSRs (all but those
     * that a child may access without an exit). Boot. */
    void (*children_init)(void);

    /* Makes accesses to @msr exit. An MSR that the hardware's bitmap does not cover exits always.
     * Before the first VP runs. */
    void (*intercept_msr)(struct partition *partition, uint32_t msr, bool read, bool write);

    /* Fills @vp->hw_state (one zeroed page): everything but the start context. A root VP: on its
     * LP. A child's: on any LP, and it is resident nowhere afterwards. */
    void (*vp_init)(struct vp *vp);

    /* Enters the guest and handles the exit that follows; may go on so as long as vp_goes_on(). On
     * the VP's LP. Before an entry it honours and clears this LP's flush_pending; returns without
     * entering when this LP has requests to answer. */
    void (*run)(struct vp *vp);

    /* World switch of this LP between root VP and child: everything that an entry and exit does not
     * switch by itself but FPU and what @extra_state names. VT-x: the child's VMCS becomes current.
     * Afterwards the functions below work on the child (or the root). */
    void (*enter_child)(struct vp *root, struct vp *child);
    void (*leave_child)(struct vp *child, struct vp *root);

    /* The child's control block may be used by another LP afterwards. On the LP that it is resident
     * on, which does not run it; VT-x: the current VMCS stays. */
    void (*evict)(struct vp *child);

    /* All below: the VP has been entered (enter_child) on this LP, or is its root VP. */

    /* The guest's CR4, CR3 and EFER as the guest sees them. */
    uint64_t (*cr4)(const struct vp *vp);
    uint64_t (*cr3)(const struct vp *vp);

    /* All registers; set: @vp->hw_state_changed is true afterwards. What no processor accepts is
     * found at the next entry (exit_invalid_state()). DR0-3 are in struct vp. */
    void (*get_registers)(const struct vp *vp, struct vp_registers *registers);
    void (*set_registers)(struct vp *vp, const struct vp_registers *registers);

    /* Where the guest's instruction is, for guest_code.h. */
    void (*get_code)(const struct vp *vp, struct guest_code *code);

    /* Length of the instruction that caused the last exit; 0: not known. */
    uint8_t (*instruction_length)(struct vp *vp);

    /* Quick parts of the same. What each intercept tells: writes the header, but vp_index,
     * instruction length and access type, and RIP, RFLAGS and RSP into the register page. */
    void (*show_header)(const struct vp *vp, struct hv_x64_intercept_message_header *header);
    uint64_t (*get_rsp)(const struct vp *vp);
    void (*set_rip)(struct vp *vp, uint64_t rip);
    void (*set_rsp)(struct vp *vp, uint64_t rsp);
    void (*set_rflags)(struct vp *vp, uint64_t rflags);

    /* The instruction of the last exit is done: @length bytes on, the interrupt shadow ends, a
     * single-step trap is due. */
    void (*skip_instruction)(struct vp *vp, uint8_t length);

    /* The guest gets an exception at the next entry; a double fault or exit_triple_fault() if the
     * last exit interrupted the delivery of another one. */
    void (*inject_exception)(struct vp *vp, uint8_t vector, bool has_error, uint32_t error);

    /* The guest gets an NMI at the next entry or as soon as it can take one, if
     * exit_nmi_deliverable() says so then. */
    void (*inject_nmi)(struct vp *vp);

    /* External interrupts of a child: whether the next entry could deliver one (IF, no shadow, no
     * other event there); deliver @vector at the next entry; an exit as soon as one could be
     * delivered (exit_interrupt_window()), or not. */
    bool (*can_take_interrupt)(const struct vp *vp);
    void (*inject_interrupt)(struct vp *vp, uint8_t vector);
    void (*request_interrupt_window)(struct vp *vp, bool on);

    /* CR8 as MOV from CR8 reads it without an exit (AMD-V). */
    void (*set_cr8)(struct vp *vp, uint8_t value);

    /* Sets the exceptions that exit (bit per vector), TSC offset, and whether MOV to and from debug
     * registers exits. */
    void (*set_controls)(struct vp *vp, uint32_t exceptions, uint64_t tsc_offset,
                         bool debug_register_exits);

    /* Flags of a leaf in a partition's nested tables. @access has ACCESS_READ. */
    uint64_t (*nested_flags)(unsigned access, enum memory_type type);
    /* And the bits of a leaf that say accessed and dirty; 0 if the processor does not note them. */
    uint64_t (*nested_accessed)(void);
    uint64_t (*nested_dirty)(void);
    uint32_t (*tag_count)(void); /* ASIDs or VPIDs, 0 included; 1: none to use */

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
