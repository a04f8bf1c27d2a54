/* The timers of a child VP: four synthetic ones and the local APIC's. The hypervisor owns no timer:
 * expired ones are found before each entry, and the parent is told the next deadline.
 *
 * All times are TSC ticks of the partition (partition_tsc()): they stand still with it. Called on
 * the VP's LP. */
#ifndef VENEER_HYPERVISOR_VP_TIMER_H
#define VENEER_HYPERVISOR_VP_TIMER_H

#include <stdint.h>

struct vp;

#define VP_TIMER_LAPIC 4u /* 0 to 3: the synthetic timers */
#define VP_TIMER_COUNT 5u
#define VP_TIMER_NEVER UINT64_MAX

struct vp_timers {
    uint64_t expiry[VP_TIMER_COUNT]; /* VP_TIMER_NEVER: stopped */
    uint64_t period[VP_TIMER_COUNT]; /* 0: one shot */
    uint64_t next;                   /* the earliest expiry */
    uint64_t served;                 /* the one that the dispatch has seen to (dispatch.c) */
};

/* Stops all. */
void vp_timers_reset(struct vp *vp);

/* Starts or restarts a timer. @expiry may be in the past: it expires at the next vp_timers_run().
 */
void vp_timer_start(struct vp *vp, unsigned timer, uint64_t expiry, uint64_t period);
void vp_timer_stop(struct vp *vp, unsigned timer);

/* Serves timers that have expired at @now: stimer_expired() or lapic_timer_expired(). A periodic
 * timer that is late by more than a period expires once and continues from @now on. */
void vp_timers_run(struct vp *vp, uint64_t now);

#endif
