/* Tests of the local APIC's timer. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/vp.h"

#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define ASSUMED_HZ 1000000000ull
#define SHORT_US 1000
#define SETTLE_US 5000
#define WAIT_US 3000000
#define PERIODS 5
/* A clock may differ by so much from another: one part in. */
#define TOLERANCE 20

static uint32_t ticks_of(uint64_t microseconds)
{
    uint64_t hz =
        hyperv_has(HV_ACCESS_FREQUENCY_MSRS) ? rdmsr(HV_X64_MSR_APIC_FREQUENCY) : ASSUMED_HZ;

    return (uint32_t)(hz * microseconds / 1000000);
}

static void check_not_early(uint64_t start, uint64_t microseconds, const char *what)
{
    uint64_t passed = (rdtsc() - start) * 1000 / clock_tsc_khz();

    if (hyperv_present())
        check(passed + microseconds / TOLERANCE >= microseconds, "%s: after %llu us, not %llu",
              what, (unsigned long long)passed, (unsigned long long)microseconds);
}

static void check_one_shot(void)
{
    uint32_t before = vp_interrupts(VECTOR_TIMER);
    uint64_t start = rdtsc();

    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    lapic_write(LAPIC_TIMER_INITIAL, ticks_of(SHORT_US));
    check(interrupt_wait(VECTOR_TIMER, before + 1, WAIT_US), "one-shot: no interrupt");
    check_not_early(start, SHORT_US, "one-shot");
    check_equal(lapic_read(LAPIC_TIMER_CURRENT), 0, "the count after a one-shot");
    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(VECTOR_TIMER), before + 1, "interrupts of a one-shot");

    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_MASKED);
    lapic_write(LAPIC_TIMER_INITIAL, ticks_of(SHORT_US));
    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(VECTOR_TIMER), before + 1, "interrupts with a masked one-shot");
}

static void check_periodic(void)
{
    uint32_t before = vp_interrupts(VECTOR_TIMER);
    uint64_t start = rdtsc();

    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_TIMER_PERIODIC);
    lapic_write(LAPIC_TIMER_INITIAL, ticks_of(SHORT_US));
    check(interrupt_wait(VECTOR_TIMER, before + PERIODS, WAIT_US), "periodic: %u interrupts",
          vp_interrupts(VECTOR_TIMER) - before);
    check_not_early(start, SHORT_US * (PERIODS - 1), "periodic");
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    clock_delay(SETTLE_US);

    uint32_t stopped = vp_interrupts(VECTOR_TIMER);

    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(VECTOR_TIMER), stopped, "interrupts after the periodic timer's stop");
}

void test_timer(void)
{
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    check_one_shot();
    check_periodic();

    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_MASKED);
    lapic_write(LAPIC_TIMER_INITIAL, ~0u);
    uint32_t first = lapic_read(LAPIC_TIMER_CURRENT);

    clock_delay(SHORT_US);
    uint32_t second = lapic_read(LAPIC_TIMER_CURRENT);

    check(second < first && second != 0, "the count goes from %u to %u", first, second);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
}

void test_deadline(void)
{
    uint32_t before = vp_interrupts(VECTOR_TIMER);

    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_TSC_DEADLINE)) {
        note("the processor has no TSC-deadline mode");
        return;
    }
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_TIMER_TSC_DEADLINE);
    __asm__ volatile("mfence" ::: "memory");

    uint64_t deadline = clock_deadline(SHORT_US);

    wrmsr(MSR_TSC_DEADLINE, deadline);
    check(interrupt_wait(VECTOR_TIMER, before + 1, WAIT_US), "no interrupt");
    check(rdtsc() >= deadline, "the interrupt is early");
    check_equal(rdmsr(MSR_TSC_DEADLINE), 0, "the deadline afterwards");
    wrmsr(MSR_TSC_DEADLINE, 1);
    check(interrupt_wait(VECTOR_TIMER, before + 2, WAIT_US), "no interrupt for the past");
    /* Removed before its time: unless the machine was so busy meanwhile that it had come. */
    do {
        clock_delay(SETTLE_US);
        before = vp_interrupts(VECTOR_TIMER);
        deadline = clock_deadline(SHORT_US);
        wrmsr(MSR_TSC_DEADLINE, deadline);
        wrmsr(MSR_TSC_DEADLINE, 0);
    } while (rdtsc() >= deadline);
    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(VECTOR_TIMER), before, "interrupts after the deadline's removal");
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_MASKED);
}
