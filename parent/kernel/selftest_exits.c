/* Self test "exits": the hypervisor is not in the way while the parent idles and takes interrupts.
 */
#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/selftest.h"
#include "parent/include/time.h"

#define IDLE_MICROSECONDS 100000
#define TIMER_INTERRUPTS 1000
#define TIMER_MICROSECONDS 100

/* A timer that starts itself again as often as is asked for. */
struct pulse {
    struct timer timer;
    uint64_t period; /* microseconds */
    uint32_t left;   /* interrupts */
};

static void beat(struct timer *timer)
{
    struct pulse *pulse = CONTAINER_OF(timer, struct pulse, timer);
    if (--pulse->left > 0)
        timer_start(timer, time_now() + pulse->period);
}

/* Halts until a timer has interrupted this CPU @count times, @microseconds apart. */
static void halt_for_timer(uint32_t count, uint64_t microseconds)
{
    struct pulse pulse = {.period = microseconds, .left = count};
    timer_setup(&pulse.timer, beat);
    timer_start(&pulse.timer, time_now() + microseconds);
    for (;;) {
        interrupts_disable();
        if (__atomic_load_n(&pulse.left, __ATOMIC_RELAXED) == 0)
            break;
        halt_until_interrupt();
    }
    interrupts_enable();
}

static uint64_t exit_count(void)
{
    struct hv_output_veneer_get_exit_counts counts = {0};
    check_equal(hyperv_get_exit_counts(HV_VP_INDEX_SELF, &counts), HV_STATUS_SUCCESS,
                "status of the exit counts");
    check_equal(counts.cpuid + counts.msr + counts.hypercall + counts.memory + counts.nmi +
                    counts.other,
                counts.total, "sum of the exit counts");
    return counts.total;
}

/* The second reading counts itself. */
static uint64_t exits_since(uint64_t before)
{
    return exit_count() - before - 1;
}

static void run(void)
{
    uint64_t before = exit_count();
    halt_for_timer(1, IDLE_MICROSECONDS);
    uint64_t idle = exits_since(before);

    before = exit_count();
    halt_for_timer(TIMER_INTERRUPTS, TIMER_MICROSECONDS);
    uint64_t timer = exits_since(before);

    note("%lu exits in %u ms of idling, %lu exits in %u timer interrupts", idle,
         IDLE_MICROSECONDS / 1000, timer, TIMER_INTERRUPTS);
    check_equal(idle, 0, "number of exits while idle");
    check_equal(timer, 0, "number of exits during timer interrupts");
}

const struct selftest selftest_exits = {"exits", run, SELFTEST_TOGETHER, false};
