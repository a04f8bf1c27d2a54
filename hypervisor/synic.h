/* The synthetic interrupt controller of a VP, of children as of the root (TLFS 11), and its
 * synthetic timers (TLFS 12; children only, stimer.c).
 *
 * A message or event for a VP may come from any LP: the VP's SynIC lock is taken, its pages are
 * written, and the interrupt is raised: for a child by lapic_post(), for the root by its real local
 * APIC. */
#ifndef VENEER_HYPERVISOR_SYNIC_H
#define VENEER_HYPERVISOR_SYNIC_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/lock.h"
#include "include/hv/status.h"
#include "include/hv/synic.h"

struct vp;

struct stimer {
    uint64_t config, count; /* as the MSRs read */
    bool message_pending;   /* expired; its message has not found a free slot yet */
    uint64_t expired_at;    /* reference time of that */
};

struct synic {
    struct spinlock lock; /* all below, but for the timers, which are the VP's LP's */
    uint64_t control, siefp, simp;
    uint32_t waiting; /* bit per SINT: since the last EOM a message found its slot taken */
    uint64_t sint[HV_SYNIC_SINT_COUNT];
    struct stimer timers[HV_SYNIC_TIMER_COUNT];
};

/* The state after reset: everything off, SINTs masked. */
void synic_reset(struct vp *vp);

/* SynIC MSRs (SCONTROL to SINT15) and the synthetic timers' (STIMER0_CONFIG to STIMER3_COUNT).
 * False: #GP, nothing has changed. On the VP's LP. */
bool synic_read_msr(struct vp *vp, uint32_t msr, uint64_t *value);
bool synic_write_msr(struct vp *vp, uint32_t msr, uint64_t value);

/* Puts @message, whose payload size is valid, into slot @sint of @vp and raises the interrupt.
 * HV_STATUS_INSUFFICIENT_BUFFERS: the slot is taken: its "pending" flag is set, and the VP's write
 * to EOM tells synic_retry() of whoever queued it. HV_STATUS_INVALID_SYNIC_STATE: the page is off,
 * or not there. Any LP. */
enum hv_status synic_deliver_message(struct vp *vp, unsigned sint,
                                     const struct hv_message *message);

/* Whether event flag @flag of @sint is set, without a lock: then a signal has nothing to do. */
bool synic_event_is_set(struct vp *vp, unsigned sint, unsigned flag);

/* Sets event flag @flag of @sint; raises the interrupt if it was clear. *@newly (if not NULL) says
 * that. HV_STATUS_INVALID_SYNIC_STATE as above. Any LP. */
enum hv_status synic_signal_event(struct vp *vp, unsigned sint, unsigned flag, bool *newly);

/* Delivers what waits for a free slot: messages of ports to @vp (port.c), timer messages, and for
 * the root the list of ready VPs. At EOM, and for VP_ATTENTION_MESSAGE. On the VP's LP. */
void synic_retry(struct vp *vp);

/* The synthetic timers' part of the above. */
uint64_t stimer_read_msr(struct vp *vp, uint32_t msr);
bool stimer_write_msr(struct vp *vp, uint32_t msr, uint64_t value);
void stimer_retry(struct vp *vp);

/* Synthetic timer @timer has expired (vp_timer.c). */
void stimer_expired(struct vp *vp, unsigned timer);

#endif
