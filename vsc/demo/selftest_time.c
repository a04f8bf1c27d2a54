/* Tests of clocks: the reference time, the TSC. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define ROUNDS 1000
#define SLACK 20 /* 100 ns */
#define PERIOD_US 20000
#define RATE_PARTS 50 /* rates agree within one part in this many */

#define CPUID_80000001_EDX_RDTSCP (1u << 27)
#define MSR_TSC_AUX 0xc0000103u

static void check_page(void)
{
    const struct reference_tsc_page *page = clock_page();
    uint64_t before = 0, after = 0;

    check_equal(rdmsr(HV_X64_MSR_REFERENCE_TSC), (uint64_t)page | HV_X64_MSR_PAGE_ENABLE,
                "REFERENCE_TSC");
    if (!check(clock_from_tsc(rdtsc(), &before), "the reference TSC page is not valid"))
        return;
    for (unsigned i = 0; i < ROUNDS; i++) {
        clock_from_tsc(rdtsc(), &before);
        uint64_t time = clock_reference();

        clock_from_tsc(rdtsc(), &after);
        if (!check(before <= time + SLACK && time <= after + SLACK,
                   "the page has %llu to %llu, the MSR %llu", (unsigned long long)before,
                   (unsigned long long)after, (unsigned long long)time))
            return;
    }
}

void test_time(void)
{
    uint64_t last = clock_reference();

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t now = clock_reference();

        if (!check(now >= last, "the reference time goes back"))
            break;
        last = now;
    }
    check_page();

    /* The frequency that the MSR names is the TSC's in reference time. */
    uint64_t time = clock_reference(), tsc = rdtsc();

    clock_delay(PERIOD_US);
    time = clock_reference() - time;
    tsc = rdtsc() - tsc;
    uint64_t expected = tsc * 10000 / clock_tsc_khz();

    check(time + time / RATE_PARTS >= expected && expected + expected / RATE_PARTS >= time,
          "%llu ticks take %llu, not %llu, units of 100 ns", (unsigned long long)tsc,
          (unsigned long long)time, (unsigned long long)expected);
}

static volatile uint64_t turn_tsc;
static volatile uint32_t turn_count;
static volatile bool turn_back;

/* VPs take turns; each one's TSC must not be less than the last one's. */
static void take_turns(void *argument)
{
    uint32_t parity = *(uint32_t *)argument;

    while (turn_count < ROUNDS) {
        if (turn_count % 2 != parity) {
            cpu_pause();
            continue;
        }
        uint64_t now = rdtsc();

        if (now < turn_tsc)
            turn_back = true;
        turn_tsc = now;
        __atomic_store_n(&turn_count, turn_count + 1, __ATOMIC_RELEASE);
    }
}

void test_tsc(void)
{
    uint32_t zero = 0, one = 1, low, high, aux;

    for (uint32_t i = 1; i < smp_count(); i++) {
        turn_tsc = turn_count = 0;
        turn_back = false;
        smp_call_begin(i, take_turns, &one);
        take_turns(&zero);
        check(smp_call_wait(i), "VP %u does not answer", i);
        check(!turn_back, "the TSC goes back between VP 0 and VP %u", i);
    }
    if (!(cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_RDTSCP)) {
        note("the processor has no RDTSCP");
        return;
    }
    wrmsr(MSR_TSC_AUX, 0x4321);
    cpuid(0, 0);
    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
    check_equal(aux, 0x4321, "TSC_AUX by RDTSCP");
    check_equal(rdmsr(MSR_TSC_AUX), 0x4321, "TSC_AUX");
}
