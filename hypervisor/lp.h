/* Logical processors (LPs): per-LP state, and requests from one LP to another by NMI.
 *
 * Each LP has a 64 KiB slot of address space with its stacks between unmapped guard pages and its
 * struct lp, so that the state is found from the stack pointer alone: after a VM exit on AMD-V, FS,
 * GS and TR are still the guest's. */
#ifndef VENEER_HYPERVISOR_LP_H
#define VENEER_HYPERVISOR_LP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/address.h"
#include "include/hv/synic.h"
#include "lib/x86/tss.h"

#define MAX_LPS 256

#define LP_SLOT_SIZE 0x10000ull
#define LP_STACK_LOW 0x1000ull /* 16 KiB; what is below is a guard page */
#define LP_STACK_HIGH 0x5000ull
#define LP_NMI_STACK_LOW 0x6000ull /* 8 KiB */
#define LP_NMI_STACK_HIGH 0x8000ull
#define LP_FAULT_STACK_LOW 0x9000ull /* 8 KiB: double fault, machine check */
#define LP_FAULT_STACK_HIGH 0xb000ull
#define LP_STATE_OFFSET 0xc000ull /* struct lp, one page */
#define LP_SLOT_PAGES 9           /* that are backed by memory */

struct vp;

/* What an LP may be asked for, as bits. */
enum lp_request {
    LP_REQUEST_FLUSH = 1 << 0,    /* drop cached nested translations */
    LP_REQUEST_START_VP = 1 << 1, /* the root VP is there, or has its start context now */
    LP_REQUEST_STOP = 1 << 2,     /* panic: halt for good */
    LP_REQUEST_ROOT_NMI = 1 << 3, /* of the LP itself: it got an NMI that is the root VP's */
    LP_REQUEST_KICK = 1 << 4,     /* the child VP that runs here has something to look at */
    LP_REQUEST_EVICT = 1 << 5,    /* the resident child VP is wanted elsewhere */
};

/* Layout of lp->requests: bits 7:0 are those requests that wait for their answer; above is the
 * number of the last request, whatever it was. */
#define LP_REQUEST_BITS 0xffu
#define LP_REQUEST_NUMBER_SHIFT 8

struct lp {
    uint32_t index; /* dense, from 0 = the LP that booted */
    uint32_t apic_id;
    struct vp *root_vp;
    struct vp *vp; /* the VP that runs here; the root's, unless a child is dispatched */

    /* Requests. A sender sets a bit and takes the next number in one step, then sends an NMI unless
     * one is on its way. */
    uint32_t requests;        /* LP_REQUEST_BITS and number; atomic */
    uint32_t request_done;    /* requests up to this number have been answered */
    uint32_t nmi_outstanding; /* 1: an NMI of ours has been sent and not yet been received */

    bool x2apic; /* mode of this LP's local APIC; the root may switch it on */
    volatile bool online;
    uint32_t lock_level; /* bit n: holds a lock of level n, see lock.h */

    /* The child VP whose FPU registers (and, on VT-x, VMCS) are on this LP: the last one that was
     * dispatched. It may still be running. */
    struct vp *resident_vp;
    /* What comes before the next entry of any VP; `pending` is 0 if nothing does (vp_goes_on()). */
    union {
        struct {
            bool flush_pending;    /* all nested translations are dropped */
            bool root_nmi_pending; /* the root VP gets an NMI: a child leaves */
        };
        uint16_t pending;
    };
    uint32_t next_tag; /* the next ASID or VPID for a child */
    uint32_t tag_generation;
    /* Children to tell this LP's root VP of (HV_SYNIC_SINT_SCHEDULER). */
    struct ready_vp {
        uint64_t partition_id;
        uint32_t vp_index;
    } ready_vps[HV_SCHEDULER_MAX_PAIRS];
    uint32_t ready_count;
    bool ready_overflow;
    uint64_t root_debug_registers[4], root_tsc_aux; /* while a child has its own */
    /* HVCALL_VENEER_SHARE_DEADLINE, in the root's memory; or NULL */
    const volatile struct veneer_root_timer *root_timer;
    uint64_t armed_deadline; /* TSC for which we armed the timer, … */
    uint64_t armed_changes;  /* … and root_timer->changes then */

    spa_t hw_page; /* VMXON region, or host save area of AMD-V */
    struct tss tss;
    uint64_t gdt[8];
};

_Static_assert(sizeof(struct lp) <= PAGE_SIZE, "struct lp is one page");

extern uint32_t lp_count;

/* State of LP @index < lp_count. */
static inline struct lp *lp_by_index(uint32_t index)
{
    return (struct lp *)(LP_AREA_BASE + index * LP_SLOT_SIZE + LP_STATE_OFFSET);
}

/* Whether the address @stack is in an LP's slot. Not so while LP 0 boots on its first stack. */
static inline bool lp_stack_contains(uint64_t stack)
{
    return stack >= LP_AREA_BASE && stack < LP_AREA_BASE + MAX_LPS * LP_SLOT_SIZE;
}

/* State of the LP that executes this. Only on a stack in an LP slot. */
static inline struct lp *this_lp(void)
{
    uint64_t stack;
    __asm__("mov %%rsp, %0" : "=r"(stack));
    return (struct lp *)((stack & ~(LP_SLOT_SIZE - 1)) + LP_STATE_OFFSET);
}

/* Takes memory for the slots of @count LPs with the given APIC ids and maps them; the hypervisor's
 * final page tables are active. The first id is the LP that boots. LP 0, once. */
void lp_create_all(const uint32_t *apic_ids, uint32_t count);

/* Loads GDT, TSS and IDT, and control registers that the hypervisor runs with. On each LP, on its
 * own stack. */
void lp_init(struct lp *lp);

/* Starts all other LPs by INIT-SIPI and waits until each is online. @trampoline is a free RAM page
 * below 1 MiB: its content is saved and restored. Stops the boot with a message if one does not
 * come up. LP 0. */
void lp_start_others(spa_t trampoline);

/* Sets @request for @target (not this LP) and makes sure that it looks at it soon. Any context.
 * Returns the request's number, for lp_wait(). */
uint32_t lp_request(struct lp *target, enum lp_request request);

/* Waits until @target has answered request @number; answers this LP's own requests meanwhile. */
void lp_wait(struct lp *target, uint32_t number);

/* Asks all LPs, this one included, and waits for all. */
void lp_request_all(enum lp_request request);

/* Answers what others asked of this LP. Called before each VM entry and in every waiting loop. */
void lp_answer_requests(struct lp *lp);

/* To be called for each NMI that this LP receives, by whatever way. NMI context. */
void lp_nmi_received(struct lp *lp);

/* Gives @vp an ASID or VPID that has no translations on this LP yet. If they are used up, all start
 * anew, with lp->flush_pending. */
void lp_assign_tag(struct lp *lp, struct vp *vp);

/* The backend is about to drop all translations of this LP: lp->flush_pending is served, and tags
 * can be given anew. */
void lp_flushed(struct lp *lp);

/* Halts until a request is there. */
void lp_halt_until_request(struct lp *lp);

#endif
