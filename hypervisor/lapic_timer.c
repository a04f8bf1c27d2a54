/* The timer of the virtual local APIC (Intel SDM vol. 3, 10.5.4). */
#include "hypervisor/partition.h"
#include "hypervisor/reftime.h"
#include "lib/x86/lapic.h"

#define TIMER_MODE_MASK (3u << 17)

static bool counts(const struct lapic *lapic)
{
    return (lapic->lvt[LVT_TIMER] & TIMER_MODE_MASK) != LAPIC_LVT_TIMER_TSC_DEADLINE;
}

static bool is_periodic(const struct lapic *lapic)
{
    return (lapic->lvt[LVT_TIMER] & TIMER_MODE_MASK) == LAPIC_LVT_TIMER_PERIODIC;
}

/* By how many bits the divide register divides: its bits 3, 1, 0 are 0 for 1 bit, …, 7 for none. */
static unsigned divide_shift(const struct lapic *lapic)
{
    uint32_t divide = lapic->timer_divide;

    return ((divide & 3) + (divide >> 1 & 4) + 1) & 7;
}

/* TSC ticks that the timer needs for @count, rounded up. Below 2^46: TSCs are slower than 16 GHz.
 */
static uint64_t tsc_ticks(const struct lapic *lapic, uint32_t count)
{
    unsigned __int128 product =
        (unsigned __int128)((uint64_t)count << divide_shift(lapic)) * reftime_tsc_frequency() +
        (LAPIC_VIRTUAL_FREQUENCY - 1);

    return divide_128((uint64_t)(product >> 64), (uint64_t)product, LAPIC_VIRTUAL_FREQUENCY);
}

uint32_t lapic_timer_current(const struct vp *vp)
{
    const struct lapic *lapic = &vp->lapic;
    uint64_t expiry = vp->timers.expiry[VP_TIMER_LAPIC];
    uint64_t now = partition_tsc(vp->partition);

    if (!counts(lapic) || expiry == VP_TIMER_NEVER || lapic->timer_initial == 0)
        return 0;
    /* Time may have been set back by the parent, or the expiry not have been served yet. */
    uint64_t total = tsc_ticks(lapic, lapic->timer_initial), remaining = expiry - now;
    if (now >= expiry)
        remaining = is_periodic(lapic) ? total - (now - expiry) % total : 0;
    if (remaining >= total)
        return lapic->timer_initial;
    uint64_t divisor = reftime_tsc_frequency() << divide_shift(lapic);
    unsigned __int128 product =
        (unsigned __int128)remaining * LAPIC_VIRTUAL_FREQUENCY + (divisor - 1);
    return (uint32_t)divide_128((uint64_t)(product >> 64), (uint64_t)product, divisor);
}

/* Goes on with @count. */
static void start(struct vp *vp, uint32_t count)
{
    struct lapic *lapic = &vp->lapic;

    if (count == 0) {
        vp_timer_stop(vp, VP_TIMER_LAPIC);
        return;
    }
    vp_timer_start(vp, VP_TIMER_LAPIC, partition_tsc(vp->partition) + tsc_ticks(lapic, count),
                   is_periodic(lapic) ? tsc_ticks(lapic, lapic->timer_initial) : 0);
}

void lapic_timer_write_initial(struct vp *vp, uint32_t count)
{
    if (!counts(&vp->lapic))
        return;
    vp->lapic.timer_initial = count;
    start(vp, count);
}

void lapic_timer_write_divide(struct vp *vp, uint32_t value)
{
    uint32_t current = lapic_timer_current(vp);

    vp->lapic.timer_divide = value & 0xb;
    if (counts(&vp->lapic))
        start(vp, current);
}

/* To TSC-deadline mode and back, the timer stops; between the others it goes on. */
void lapic_timer_write_lvt(struct vp *vp, uint32_t value)
{
    struct lapic *lapic = &vp->lapic;
    uint32_t changed = lapic->lvt[LVT_TIMER] ^ value, current = lapic_timer_current(vp);
    bool counted = counts(lapic);

    lapic->lvt[LVT_TIMER] = value;
    if ((changed & TIMER_MODE_MASK) == 0)
        return;
    if (counted != counts(lapic)) {
        lapic->timer_initial = current = 0;
        lapic->tsc_deadline = 0;
    }
    start(vp, current);
}

uint64_t lapic_read_tsc_deadline(const struct vp *vp)
{
    return vp->lapic.tsc_deadline;
}

void lapic_write_tsc_deadline(struct vp *vp, uint64_t value)
{
    if (counts(&vp->lapic))
        return;
    vp->lapic.tsc_deadline = value;
    if (value == 0) {
        vp_timer_stop(vp, VP_TIMER_LAPIC);
        return;
    }
    uint64_t now = partition_tsc(vp->partition), guest_now = now + vp->tsc_adjust;
    uint64_t wait = value > guest_now ? value - guest_now : 0;
    uint64_t longest = VP_TIMER_NEVER - 1 - now;
    vp_timer_start(vp, VP_TIMER_LAPIC, now + (wait < longest ? wait : longest), 0);
}

void lapic_timer_expired(struct vp *vp)
{
    vp->lapic.tsc_deadline = 0;
    lapic_raise(vp, LVT_TIMER);
}
