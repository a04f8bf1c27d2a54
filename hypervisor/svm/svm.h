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

/* Takes a pending NMI or INIT by the hypervisor's own IDT: the global interrupt flag is set for a
 * moment. */
void svm_take_events(void);

/* VMLOAD: FS, GS, TR, LDTR and the system call MSRs from the VMCB at @vmcb_spa. VMSAVE: the
 * reverse. */
static inline void svm_vmload(uint64_t vmcb_spa)
{
    __asm__ volatile("vmload" : : "a"(vmcb_spa) : "memory");
}

static inline void svm_vmsave(uint64_t vmcb_spa)
{
    __asm__ volatile("vmsave" : : "a"(vmcb_spa) : "memory");
}

/* struct hw_ops: exit.c, registers.c, length.c, event.c. */
void svm_run(struct vp *vp);
void svm_get_registers(const struct vp *vp, struct vp_registers *registers);
void svm_set_registers(struct vp *vp, const struct vp_registers *registers);
bool svm_registers_valid(const struct vp *vp);
uint64_t svm_get_efer(const struct vp *vp);
void svm_set_efer(struct vp *vp, uint64_t efer);
void svm_show_header(const struct vp *vp, struct hv_x64_intercept_message_header *header);
void svm_get_code(const struct vp *vp, struct guest_code *code);
uint8_t svm_instruction_length(struct vp *vp);
void svm_skip_instruction(struct vp *vp, uint8_t length);
void svm_inject_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error);
void svm_inject_nmi(struct vp *vp);
bool svm_can_take_interrupt(const struct vp *vp);
void svm_inject_interrupt(struct vp *vp, uint8_t vector);
void svm_request_interrupt_window(struct vp *vp, bool on);

/* A segment register of the VMCB in the TLFS's format, and the reverse. */
static inline struct hv_x64_segment_register svm_segment_register(const struct vmcb_segment *s)
{
    return (struct hv_x64_segment_register){
        .base = s->base,
        .limit = s->limit,
        .selector = s->selector,
        .attributes =
            (uint16_t)((s->attributes & VMCB_SEGMENT_TYPE_BITS) | (s->attributes & 0xf00) << 4),
    };
}

struct vmcb_segment svm_segment(const struct hv_x64_segment_register *segment);

/* Delivers the event again whose delivery the exit interrupted, unless the guest gets an exception
 * instead. */
void svm_complete_interrupted_delivery(struct vp *vp);

/* After an exit in an interrupt shadow, whose instruction is to be executed next: keeps it for
 * where the processor does not. */
void svm_keep_interrupt_shadow(struct vp *vp);

/* NMIs for the guest (event.c): deliver a pending one now if it can be taken; exits that tell when
 * it can. */
void svm_nmi_deliver(struct vp *vp);
void svm_nmi_handler_ends(struct vp *vp);
void svm_window_opens(struct vp *vp);

/* The MOV to or from a control or debug register at the guest's RIP (length.c). False: another
 * instruction. */
struct svm_register_move {
    bool to; /* the special register */
    uint8_t number, gpr;
    uint8_t length;
};
bool svm_decode_register_move(struct vp *vp, struct svm_register_move *move);

/* Fills address size and segment of the INS or OUTS at the guest's RIP. False: another
 * instruction. */
bool svm_decode_string_io(struct vp *vp, struct exit_string_io *io);

#endif
