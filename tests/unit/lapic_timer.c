/* The timer of the virtual local APIC. */
#include "tests/unit/lapic_machine.h"

/* @frequency of the TSC, @divide register and count: the time that they need. */
static void check_one_shot(uint64_t tsc_frequency, uint32_t divide, uint32_t count, uint64_t ticks)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    frequency = tsc_frequency;
    lapic_write_page(vp, LAPIC_LVT_TIMER, 0xec);
    lapic_write_page(vp, LAPIC_TIMER_DIVIDE, divide);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, count);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], now + ticks);
    CHECK_EQUAL(vp->timers.period[VP_TIMER_LAPIC], 0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), count);
    now += ticks - 1;
    run_timer(vp);
    CHECK_EQUAL(lapic_pending(vp), NONE);
    uint32_t current = lapic_read_page(vp, LAPIC_TIMER_CURRENT);
    CHECK(current > 0 && current <= 200000000 / tsc_frequency + 1);
    now += 1;
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 0);
    run_timer(vp);
    CHECK_EQUAL(take(vp), 0xec);
    now += 10 * ticks;
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 0);
}

static void test_one_shot(void)
{
    check_one_shot(2000000000, 0xb, 1000, 10000);
    check_one_shot(2000000000, 0x0, 1000, 20000);
    check_one_shot(2000000000, 0x3, 1000, 160000);
    check_one_shot(2000000000, 0x8, 1000, 320000);
    check_one_shot(2000000000, 0xa, 1, 1280);
    check_one_shot(10000001, 0xb, 20, 2); /* rounded up */
    check_one_shot(15999999999, 0xa, 0xffffffff, 43980465098052ull);
    check_one_shot(10000001, 0xa, 0xffffffff, 27487793437ull);
}

static void test_periodic(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    lapic_write_page(vp, LAPIC_TIMER_DIVIDE, 0xb);
    lapic_write_page(vp, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 500);
    for (unsigned i = 0; i < 3; i++) {
        now += 2500;
        CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 250);
        now += 2500;
        CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 500);
        run_timer(vp);
        CHECK_EQUAL(take(vp), 0xec);
        lapic_eoi(vp);
    }
    now += 5000 * 3 + 1000; /* nobody ran it */
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 400);
    run_timer(vp);
    CHECK_EQUAL(take(vp), 0xec);
    lapic_eoi(vp);

    /* A new divider goes on with the count; so does the other mode. */
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 500);
    now += 1000;
    lapic_write_page(vp, LAPIC_TIMER_DIVIDE, 0x0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 400);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], now + 8000);
    CHECK_EQUAL(vp->timers.period[VP_TIMER_LAPIC], 10000);
    lapic_write_page(vp, LAPIC_LVT_TIMER, 0xec);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], now + 8000);
    CHECK_EQUAL(vp->timers.period[VP_TIMER_LAPIC], 0);
    lapic_write_page(vp, LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | 0xec); /* runs on, silently */
    now += 8000;
    run_timer(vp);
    CHECK_EQUAL(take(vp), NONE);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 0);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], VP_TIMER_NEVER);
}

static void test_tsc_deadline(void)
{
    struct vp *vp = &vps[0];
    uint64_t *expiry = &vp->timers.expiry[VP_TIMER_LAPIC];

    turn_on(false);
    lapic_write_tsc_deadline(vp, now + 100); /* another mode */
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 1000);
    lapic_write_page(vp, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_TSC_DEADLINE | 0xec);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_INITIAL), 0);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 1000);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);

    lapic_write_tsc_deadline(vp, now + 100);
    CHECK_EQUAL(*expiry, now + 100);
    CHECK_EQUAL(lapic_read_tsc_deadline(vp), now + 100);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 0);
    now += 100;
    run_timer(vp);
    CHECK_EQUAL(lapic_read_tsc_deadline(vp), 0);
    CHECK_EQUAL(take(vp), 0xec);
    lapic_eoi(vp);
    lapic_write_tsc_deadline(vp, 1); /* long ago */
    run_timer(vp);
    CHECK_EQUAL(take(vp), 0xec);
    lapic_eoi(vp);
    lapic_write_tsc_deadline(vp, now + 100);
    lapic_write_tsc_deadline(vp, 0);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    lapic_write_tsc_deadline(vp, UINT64_MAX);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER - 1);

    vp->tsc_adjust = 5000;
    lapic_write_tsc_deadline(vp, now + 5700);
    CHECK_EQUAL(*expiry, now + 700);
    vp->tsc_adjust = 0 - now; /* the guest has set its TSC to 0 */
    lapic_write_tsc_deadline(vp, 30);
    CHECK_EQUAL(*expiry, now + 30);
    lapic_write_page(vp, LAPIC_LVT_TIMER, 0xec);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    CHECK_EQUAL(lapic_read_tsc_deadline(vp), 0);
}

int main(void)
{
    test_one_shot();
    test_periodic();
    test_tsc_deadline();
    return unit_result();
}
