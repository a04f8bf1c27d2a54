#include "hypervisor/vp_timer.h"

#include "hypervisor/vp.h"

static void update_next(struct vp *vp)
{
    struct vp_timers *timers = &vp->timers;

    vp->timers_changed = true;
    timers->next = VP_TIMER_NEVER;
    for (unsigned i = 0; i < VP_TIMER_COUNT; i++)
        if (timers->expiry[i] < timers->next)
            timers->next = timers->expiry[i];
}

void vp_timers_reset(struct vp *vp)
{
    for (unsigned i = 0; i < VP_TIMER_COUNT; i++)
        vp->timers.expiry[i] = VP_TIMER_NEVER;
    vp->timers.next = VP_TIMER_NEVER;
    vp->timers_changed = true;
}

void vp_timer_start(struct vp *vp, unsigned timer, uint64_t expiry, uint64_t period)
{
    vp->timers.expiry[timer] = expiry;
    vp->timers.period[timer] = period;
    update_next(vp);
}

void vp_timer_stop(struct vp *vp, unsigned timer)
{
    vp_timer_start(vp, timer, VP_TIMER_NEVER, 0);
}

/* When a timer that has expired at @now does so again. */
static uint64_t next_expiry(uint64_t expiry, uint64_t period, uint64_t now)
{
    uint64_t next;

    if (period == 0)
        return VP_TIMER_NEVER;
    if (now - expiry >= period)
        expiry = now;
    return __builtin_add_overflow(expiry, period, &next) ? VP_TIMER_NEVER : next;
}

void vp_timers_run(struct vp *vp, uint64_t now)
{
    struct vp_timers *timers = &vp->timers;

    if (now < timers->next)
        return;
    for (unsigned i = 0; i < VP_TIMER_COUNT; i++) {
        if (now < timers->expiry[i])
            continue;
        /* Before the call, which may start the timer anew. */
        timers->expiry[i] = next_expiry(timers->expiry[i], timers->period[i], now);
        if (i == VP_TIMER_LAPIC)
            lapic_timer_expired(vp);
        else
            stimer_expired(vp, i);
    }
    update_next(vp);
}
