/* Virtual processors (VPs): their structure, and what others may ask of one. */
#ifndef VENEER_HYPERVISOR_VP_H
#define VENEER_HYPERVISOR_VP_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/address.h"
#include "lib/instruction.h"
#include "hypervisor/lapic.h"
#include "hypervisor/synic.h"
#include "hypervisor/vp_timer.h"
#include "include/hv/hypercall.h"
#include "include/hv/intercept.h"
#include "include/hv/parent.h"
#include "include/hv/synic.h"
#include "include/hv/vp_page.h"
#include "include/hv/vp_registers.h"

struct lp;
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

/* struct vp.state. Of a root VP: VP_WAITING, VP_STARTING, VP_RUNNING. */
enum vp_state {
    VP_WAITING,  /* root: for HvCallStartVirtualProcessor */
    VP_STARTING, /* root: its context is being set */
    VP_IDLE,     /* child: not dispatched, could run */
    VP_BLOCKED,  /* child: not dispatched; HLT, or waits for a SIPI */
    VP_RUNNING,  /* dispatched on vp->lp */
    VP_ACCESSED, /* child: stopped for vp_access_begin() */
};

/* struct vp.attention: what a VP must look at before its next entry. */
enum vp_attention {
    VP_ATTENTION_INTERRUPT = 1 << 0, /* something that lapic_pending() depends on has changed */
    VP_ATTENTION_NMI = 1 << 1,
    VP_ATTENTION_INIT = 1 << 2,     /* vp->startup has it */
    VP_ATTENTION_SIPI = 1 << 3,     /* likewise */
    VP_ATTENTION_MESSAGE = 1 << 4,  /* a message may be deliverable */
    VP_ATTENTION_START = 1 << 5,    /* vp->context is to be taken over */
    VP_ATTENTION_CANCEL = 1 << 6,   /* the dispatch is to end */
    VP_ATTENTION_RESET = 1 << 7,    /* its registers are to be those of a reset */
    VP_ATTENTION_CONTROLS = 1 << 8, /* intercepts or time have changed: vp_update_controls() */
};

/* How far a child VP has come since its INIT: bits of HV_REGISTER_INTERNAL_ACTIVITY_STATE. */
enum vp_activity {
    VP_ACTIVE = 0,
    VP_WAIT_FOR_SIPI = HV_ACTIVITY_STARTUP_SUSPEND,
    VP_HALTED = HV_ACTIVITY_HALT_SUSPEND,
    VP_GUEST_IDLE = HV_ACTIVITY_IDLE_SUSPEND,
};

/* Why a dispatched VP goes back to its parent. */
enum vp_leave {
    VP_STAY,
    VP_LEAVE_INTERRUPT, /* the LP has an interrupt for the root */
    VP_LEAVE_CANCEL,
    VP_LEAVE_BLOCKED,
    VP_LEAVE_INTERCEPT, /* the message page has it */
};

/* A posted or mirrored register (include/hv/vp_page.h). */
struct register_rule {
    uint64_t address;
    uint8_t kind, size, flags; /* flags 0: the entry is free */
    uint8_t mirror_offset;
};

/* What a walk through a guest's page tables has seen: as long as the entries have these values, and
 * its partition's map_generation is the same, it would end at the same place. */
#define GUEST_WALK_MAX 5
struct guest_walk {
    unsigned count; /* of entries; with GUEST_WALK_MAX + 1 it cannot be said */
    const volatile uint64_t *entries[GUEST_WALK_MAX];
    uint64_t values[GUEST_WALK_MAX];
};

/* A page of code where an instruction was found (guest_code.h). */
struct guest_code_page {
    uint64_t page, cr3, generation;
    const uint8_t *memory; /* NULL: none */
    uint64_t cr0, cr4, efer;
    struct guest_walk walk;
};
#define GUEST_CODE_PAGES 4

/* An instruction's bytes, zeros behind them, and in the last one how many there are, and what the
 * code segment says: all that decoding depends on. */
#define GUEST_CODE_MAX 15u
struct guest_instruction {
    union {
        uint8_t bytes[GUEST_CODE_MAX + 1];
        uint64_t words[2];
    };
};
#define GUEST_INSTRUCTION_COUNT 0x0fu
#define GUEST_INSTRUCTION_LONG_MODE 0x10u
#define GUEST_INSTRUCTION_DEFAULT_32 0x20u

/* One that has been decoded. */
struct decoded_mov {
    struct guest_instruction instruction;
    struct mov_instruction mov; /* `length` is 0 if it is another instruction */
    struct hv_veneer_mov told;  /* the same for the parent */
};
#define DECODED_MOVS 8

/* State that is switched only for VPs that have used it, as bits of struct vp.extra_state. */
enum vp_extra_state {
    VP_EXTRA_DEBUG_REGISTERS = 1 << 0,
    VP_EXTRA_TSC_AUX = 1 << 1,
};

/* Changed by the LP that runs the VP only, or by one that has stopped it (vp_access.h); `state`,
 * `attention`, and the words that lapic.h and synic.h name, atomically by others, too. One page. */
struct vp {
    /* The guest's general registers, valid between an exit and the next entry. A child's are in its
     * register page, which its parent may write at any time: each is read once, then checked, then
     * used. */
    volatile uint64_t *gpr;
    void *hw_state;     /* VMCB or VMCS: one page */
    spa_t hw_state_spa; /* the same */
    struct partition *partition;
    struct veneer_vp_statistics *statistics; /* never NULL */
    uint32_t index;
    uint32_t attention; /* enum vp_attention; atomic */
    uint32_t state;     /* enum vp_state; atomic */
    /* LPs that wait in vp_access_begin(); atomic. No dispatch gets ahead of them, else one that
     * comes at once after each that they have ended would keep them waiting for ever. */
    uint32_t access_wanted;
    /* What keeps it from being entered again at once; all 0 if nothing does (vp_goes_on()). */
    union {
        struct {
            uint8_t leave;       /* enum vp_leave, set by exit handlers */
            uint8_t activity;    /* children: enum vp_activity */
            bool timers_changed; /* timers.next is to be seen to */
            /* AMD-V. */
            bool hw_state_changed; /* registers were set from outside since the last entry */
            bool nmi_pending;      /* waits to be injected (svm/event.c) */
            bool nmi_at_iret; /* the guest's IRET is the next instruction, unless RIP or RSP differ
                               */
        };
        uint64_t halt_reasons;
    };
    uint8_t extra_state;
    bool hw_launched; /* VT-x: VMRESUME, not VMLAUNCH */
    uint32_t tag;     /* ASID or VPID, of the LP below in its present generation (lp.h) */
    uint32_t tag_generation;
    struct lp *tag_lp;
    uint64_t host_rsp; /* VT-x: the stack pointer that an exit loads */

    /* AMD-V. */
    bool nmi_blocked;   /* until the guest's IRET, or an interrupt window (svm/event.c) */
    bool lme_held_back; /* see svm_set_efer() */
    uint64_t nmi_iret_rip, nmi_iret_rsp;

    struct guest_code_page code[GUEST_CODE_PAGES]; /* by the low bits of the page's number */
    struct decoded_mov movs[DECODED_MOVS];         /* by some bits of the address */
    /* The last page that was found not to be there, when nested.map_count was that. */
    uint64_t missing_page, missing_count;

    struct hv_initial_vp_context context; /* given at start; its LP takes it over */
    uint64_t start_rdi;                   /* root: RDI at start */
    uint64_t own_gpr[GPR_COUNT];          /* root: what gpr points to */

    /* Children. */
    struct lp *lp;      /* that it is resident on: its FPU registers are live there, its VMCS is
                           active there; NULL: nowhere */
    uint64_t bound_cr3; /* address space that may dispatch it from ring 3; 0: none */
    struct hv_vp_register_page *register_page;
    struct veneer_vp_run *run; /* in the same page */
    struct hv_message *message;
    void *fpu; /* XSAVE area: one page */
    uint32_t posted_head;
    bool window_requested;    /* an exit is asked for as soon as an interrupt can be taken */
    uint8_t startup_vector;   /* of VP_ATTENTION_SIPI */
    bool intercepted;         /* an intercept waits for the parent's answer */
    uint8_t intercept_length; /* of its instruction; 0: not known */
    uint8_t notifications;    /* HV_REGISTER_DELIVERABILITY_NOTIFICATIONS */
    bool nmi_requested;       /* hw->inject_nmi() is to give it one, not only to tell its parent */
    bool full_registers;      /* the register page has segments and control registers, too */
    uint64_t xcr0, tsc_aux, tsc_adjust, mtrr_default_type;
    uint64_t debug_registers[4], dr6;
    uint64_t syscall_msrs[4];     /* VT-x: STAR, LSTAR, CSTAR, SFMASK */
    uint64_t kernel_gs_base, cr2; /* VT-x: while another VP is on the LP */
    uint64_t assist_page;         /* HV_X64_MSR_VP_ASSIST_PAGE */
    uint8_t rule_count;
    struct lapic lapic;
    struct synic synic;
    struct vp_timers timers;
    struct register_rule rules[VENEER_RULE_MAX];
};

_Static_assert(sizeof(struct vp) <= PAGE_SIZE, "a VP is one page");

static inline uint64_t lapic_read_cr8(const struct vp *vp)
{
    return vp->lapic.tpr >> 4;
}

/* Makes VP @index of the root, waiting for its start. Boot only. */
void vp_create_root(struct vp *vp, struct partition *partition, uint32_t index);

/* Makes the VP look at @bits (enum vp_attention) before it goes on: if it runs on another LP, that
 * one is kicked out of the guest; if it is blocked, the parent is told that it is ready
 * (dispatch.h). Any LP; the partition is referenced. What the bits speak of has been written
 * before. */
void vp_attention(struct vp *vp, uint32_t bits);

/* Prints gpr[] but RSP, for panics. */
void vp_print_gpr(const struct vp *vp);

/* Runs the root VP of this LP for ever: enters the guest, handles exits, answers requests. */
_Noreturn void vp_run_root(struct vp *vp);

#endif
