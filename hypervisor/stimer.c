/* Synthetic timers of children (TLFS 12.3). */
#include "hypervisor/partition.h"
#include "hypervisor/reftime.h"
#include "hypervisor/synic.h"
#include "include/hv/msr.h"
#include "lib/string.h"

#define IS_COUNT(msr) (((msr)-HV_X64_MSR_STIMER0_CONFIG) % 2 != 0)

static struct stimer *find(struct vp *vp, uint32_t msr)
{
    return &vp->synic.timers[(msr - HV_X64_MSR_STIMER0_CONFIG) / 2];
}

uint64_t stimer_read_msr(struct vp *vp, uint32_t msr)
{
    return IS_COUNT(msr) ? find(vp, msr)->count : find(vp, msr)->config;
}

static unsigned sint_of(const struct stimer *timer)
{
    return timer->config >> HV_STIMER_SINT_SHIFT & (HV_SYNIC_SINT_COUNT - 1);
}

/* Starts or stops the timer as its registers say. What has expired before is forgotten. */
static void restart(struct vp *vp, struct stimer *timer)
{
    unsigned index = (unsigned)(timer - vp->synic.timers);
    uint64_t ticks, expiry;

    timer->message_pending = false;
    if ((timer->config & HV_STIMER_ENABLE) == 0 || timer->count == 0) {
        vp_timer_stop(vp, index);
        return;
    }
    ticks = reftime_to_tsc(timer->count);
    if ((timer->config & HV_STIMER_PERIODIC) == 0) {
        vp_timer_start(vp, index, ticks, 0);
        return;
    }
    if (__builtin_add_overflow(partition_tsc(vp->partition), ticks, &expiry))
        expiry = VP_TIMER_NEVER;
    vp_timer_start(vp, index, expiry, ticks);
}

bool stimer_write_msr(struct vp *vp, uint32_t msr, uint64_t value)
{
    struct stimer *timer = find(vp, msr);

    if (!IS_COUNT(msr)) {
        if (value & ~HV_STIMER_VALID_BITS)
            return false;
        timer->config = value;
    } else {
        timer->count = value;
        if (value == 0)
            timer->config &= ~HV_STIMER_ENABLE;
        else if (timer->config & HV_STIMER_AUTO_ENABLE)
            timer->config |= HV_STIMER_ENABLE;
    }
    /* SINT 0 is not for timers. */
    if ((timer->config & HV_STIMER_DIRECT_MODE) == 0 && sint_of(timer) == 0)
        timer->config &= ~HV_STIMER_ENABLE;
    restart(vp, timer);
    return true;
}

static uint64_t reference_time(const struct vp *vp)
{
    return reftime_from_tsc(partition_tsc(vp->partition));
}

static void send_message(struct vp *vp, struct stimer *timer)
{
    struct hv_timer_message_payload payload = {
        .timer_index = (uint32_t)(timer - vp->synic.timers),
        .expiration_time = timer->expired_at,
        .delivery_time = reference_time(vp),
    };
    struct hv_message message = {
        .message_type = HV_MESSAGE_TYPE_TIMER_EXPIRED,
        .payload_size = sizeof(payload),
    };

    memcpy(message.payload, &payload, sizeof(payload));
    /* Without a message page it is lost. */
    timer->message_pending =
        synic_deliver_message(vp, sint_of(timer), &message) == HV_STATUS_INSUFFICIENT_BUFFERS;
}

void stimer_expired(struct vp *vp, unsigned index)
{
    struct stimer *timer = &vp->synic.timers[index];
    bool periodic = (timer->config & HV_STIMER_PERIODIC) != 0;

    timer->expired_at = periodic ? reference_time(vp) : timer->count;
    if (!periodic)
        timer->config &= ~HV_STIMER_ENABLE;
    if (timer->config & HV_STIMER_DIRECT_MODE)
        lapic_post(vp, (uint8_t)(timer->config >> HV_STIMER_VECTOR_SHIFT), false);
    else
        send_message(vp, timer);
}

void stimer_retry(struct vp *vp)
{
    for (unsigned i = 0; i < HV_SYNIC_TIMER_COUNT; i++)
        if (vp->synic.timers[i].message_pending)
            send_message(vp, &vp->synic.timers[i]);
}
