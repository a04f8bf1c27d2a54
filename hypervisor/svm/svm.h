/* What the files of the AMD-V backend share. */
#ifndef VENEER_HYPERVISOR_SVM_SVM_H
#define VENEER_HYPERVISOR_SVM_SVM_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/hw.h"
#include "hypervisor/svm/vmcb.h"

/* CPUID 8000000Ah EDX. */
#define SVM_FEATURE_NESTED_PAGING (1u << 0)
#define SVM_FEATURE_NEXT_RIP (1u << 3)
#define SVM_FEATURE_FLUSH_BY_ASID (1u << 6)

/* Of this machine; set by svm_enable(). */
extern uint32_t svm_features;

static inline struct vmcb *vmcb_of(const struct vp *vp)
{
    return vp->hw_state;
}

static inline bool svm_in_64bit_code(const struct vmcb *vmcb)
{
    return (vmcb->efer & EFER_LMA) != 0 && (vmcb->cs.attributes & VMCB_SEGMENT_LONG) != 0;
}

/* Enters the guest (switch.asm): loads the general registers but RAX and RSP, which are in the
 * VMCB; comes back at the next exit. The global interrupt flag is clear afterwards. */
void svm_switch(uint64_t *gpr, uint64_t vmcb_spa);

/* Takes a pending NMI or INIT by the hypervisor's own IDT: the global interrupt flag is set for a
 * moment. */
void svm_take_events(void);

/* VMLOAD: FS, GS, TR, LDTR and the system call MSRs from the VMCB at @vmcb_spa. VMSAVE: the
 * reverse. */
void svm_vmload(uint64_t vmcb_spa);
void svm_vmsave(uint64_t vmcb_spa);

/* struct hw_ops. */
void svm_run(struct vp *vp);

/* The guest gets the exception at the next entry, with error code 0 where it has one; or a double
 * fault, if the exit interrupted the delivery of another exception. */
void svm_inject_exception(struct vp *vp, enum x86_vector vector);

/* Delivers the event again whose delivery the exit interrupted, unless the guest gets an exception
 * instead. */
void svm_complete_interrupted_delivery(struct vp *vp);

/* NMIs for the guest (event.c): one is pending; deliver it now if it can be taken; exits that tell
 * when it can. */
void svm_inject_nmi(struct vp *vp);
void svm_nmi_deliver(struct vp *vp);
void svm_nmi_handler_ends(struct vp *vp);
void svm_nmi_window_opens(struct vp *vp);

/* The length of the instruction at the guest's RIP, which caused @exit_code (length.c). 0: cannot
 * be read. */
uint32_t svm_instruction_length(const struct vp *vp, enum svm_exit exit_code);

/* Whether the instruction at the guest's RIP is MOV to CR3 or CR4 (length.c). */
bool svm_is_control_register_write(const struct vp *vp);

#endif
