/* The two pages that a child VP shares with its parent (HvCallMapVpStatePage), and dispatching it.
 *
 * Register page (HV_VP_STATE_PAGE_REGISTERS): the VP's general registers are live in it: an exit
 * leaves them there, and the next entry loads them from there, changed or not. RSP, RIP and RFLAGS
 * are written at each exit to the parent, and taken back if their bit in `dirty` is set; segments
 * and control registers are written with all intercepts but those of single port accesses, and the
 * segments are taken back likewise. `dirty` is cleared when it has been taken. XMM registers are
 * never in it: HvCallGetVpRegisters has them.
 *
 * Behind it, from VENEER_VP_RUN_OFFSET on, is what is Veneer's own: struct veneer_vp_run.
 *
 * Intercept message page (HV_VP_STATE_PAGE_INTERCEPT_MESSAGE): one struct hv_message at its start:
 * the last intercept.
 *
 * Both pages are the hypervisor's: mapped for the root as long as the VP exists, read and write. */
#ifndef VENEER_HV_VP_PAGE_H
#define VENEER_HV_VP_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "include/hv/hypercall.h"

enum hv_vp_state_page_type {
    HV_VP_STATE_PAGE_REGISTERS = 0,
    HV_VP_STATE_PAGE_INTERCEPT_MESSAGE = 1,
};

#define HV_VP_REGISTER_PAGE_VERSION 1

/* hv_vp_register_page.dirty */
#define HV_VP_REGISTER_PAGE_DIRTY_GENERAL (1u << 0) /* RSP; the others are always taken */
#define HV_VP_REGISTER_PAGE_DIRTY_RIP (1u << 1)
#define HV_VP_REGISTER_PAGE_DIRTY_XMM (1u << 2) /* ignored */
#define HV_VP_REGISTER_PAGE_DIRTY_SEGMENTS (1u << 3)
#define HV_VP_REGISTER_PAGE_DIRTY_FLAGS (1u << 4)

struct hv_vp_register_page {
    uint16_t version; /* HV_VP_REGISTER_PAGE_VERSION */
    uint8_t valid;    /* 1 */
    uint8_t reserved;
    uint32_t dirty;   /* HV_VP_REGISTER_PAGE_DIRTY_… */
    uint64_t gpr[16]; /* RAX RCX RDX RBX RSP RBP RSI RDI R8 … R15 */
    uint64_t rip, rflags;
    uint8_t xmm[6][16]; /* not used */
    struct hv_x64_segment_register es, cs, ss, ds, fs, gs;
    uint64_t cr0, cr3, cr4, cr8, efer, dr7;
    uint64_t pending_interruption; /* HV_REGISTER_PENDING_INTERRUPTION */
    uint64_t interrupt_state;      /* HV_REGISTER_INTERRUPT_STATE */
    uint64_t instruction_emulation_hints;
};

#define VENEER_VP_RUN_OFFSET 0x400
#define VENEER_NO_DEADLINE UINT64_MAX
#define VENEER_POSTED_WRITES 128 /* entries of the ring */
#define VENEER_MIRRORED_BYTES 256

enum veneer_register_kind {
    VENEER_REGISTER_PORT = 0, /* of an I/O port */
    VENEER_REGISTER_MMIO = 1, /* at a guest physical address that is not mapped */
};

struct veneer_posted_write {
    uint64_t address; /* port or guest physical address */
    uint32_t value;
    uint8_t size; /* bytes: 1, 2, 4 */
    uint8_t kind; /* enum veneer_register_kind */
    uint16_t reserved;
};

/* Posted writes are in posted[tail % VENEER_POSTED_WRITES] up to, not including, head: the parent
 * takes them before it handles an exit, and moves `posted_tail` on. Only the hypervisor writes
 * `posted_head`. While the ring is full, a write is an ordinary intercept. */
struct veneer_vp_run {
    uint64_t deadline_tsc; /* when the VP's next timer expires, in TSC ticks as the root reads them;
                              VENEER_NO_DEADLINE if none runs. Written at each return to the parent
                            */
    uint32_t posted_head;
    uint32_t posted_tail;
    uint64_t reserved[6];
    uint8_t mirrored[VENEER_MIRRORED_BYTES];
    uint8_t padding[0x800 - VENEER_VP_RUN_OFFSET - 64 - VENEER_MIRRORED_BYTES];
    struct veneer_posted_write posted[VENEER_POSTED_WRITES];
};

/* HVCALL_DISPATCH_VP (flags: HV_DISPATCH_VP_…) makes the calling LP the VP until it blocks, needs
 * the parent, or the LP gets an interrupt. Only from the root's kernel, for a VP that no other LP
 * runs (else HV_STATUS_INVALID_VP_STATE). */
struct hv_input_dispatch_vp {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t flags;
    uint64_t time_slice; /* 100 ns; not enforced: the parent has its own timer */
    uint64_t spec_ctrl;  /* 0 */
};

#define HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND (1u << 0)  /* the intercept has been handled */
#define HV_DISPATCH_VP_ENABLE_CALLER_INTERRUPTS (1u << 1) /* always so */
/* Veneer's: as bit 0, and the VP goes on behind the instruction that was intercepted. */
#define VENEER_DISPATCH_SKIP_INSTRUCTION (1u << 16)
#define HV_DISPATCH_VP_VALID_FLAGS 0x1003fu

enum hv_vp_dispatch_state {
    HV_VP_DISPATCH_STATE_INVALID = 0,
    HV_VP_DISPATCH_STATE_BLOCKED = 1, /* HLT or waiting for SIPI: dispatch it again when the
                                         scheduler message names it, or at its deadline */
    HV_VP_DISPATCH_STATE_READY = 2,
};

enum hv_vp_dispatch_event {
    HV_VP_DISPATCH_EVENT_INVALID = 0,
    HV_VP_DISPATCH_EVENT_SUSPEND = 1,   /* it can go on (or blocks): no intercept */
    HV_VP_DISPATCH_EVENT_INTERCEPT = 2, /* the intercept message page has it */
};

struct hv_output_dispatch_vp {
    uint32_t dispatch_state; /* enum hv_vp_dispatch_state */
    uint32_t dispatch_event; /* enum hv_vp_dispatch_event */
};

/* HVCALL_VENEER_DISPATCH_VP: the same as a fast call, also from ring 3 for a VP that is bound to
 * the caller's address space (HVCALL_VENEER_BIND_VP). RDX = partition id, R8 = VP index | flags
 * << 32. Result value: status 15:0, dispatch state 23:16, dispatch event 31:24. From ring 3 an
 * interrupt of the root does not end the call: it is taken at the call's instruction, which then
 * goes on. An intercept that has not been handled (no flag) stays: the call returns it again. */
#define VENEER_DISPATCH_STATE_SHIFT 16
#define VENEER_DISPATCH_EVENT_SHIFT 24

_Static_assert(offsetof(struct hv_vp_register_page, gpr) == 8, "TLFS layout");
_Static_assert(offsetof(struct hv_vp_register_page, rip) == 136, "TLFS layout");
_Static_assert(offsetof(struct hv_vp_register_page, es) == 248, "TLFS layout");
_Static_assert(offsetof(struct hv_vp_register_page, cr0) == 344, "TLFS layout");
_Static_assert(sizeof(struct hv_vp_register_page) <= VENEER_VP_RUN_OFFSET, "layout");
_Static_assert(offsetof(struct veneer_vp_run, posted) == 0x800 - VENEER_VP_RUN_OFFSET, "layout");
_Static_assert(VENEER_VP_RUN_OFFSET + sizeof(struct veneer_vp_run) == 4096, "layout");
_Static_assert(sizeof(struct hv_input_dispatch_vp) == 32, "TLFS layout");

#endif
