/* Reference time: conversion to the TSC and back, at both ends of the range. */
#include "tests/unit/unit.h"

#include "hypervisor/reftime.c"

_Noreturn void boot_stop(const char *format, ...)
{
    (void)format;
    __builtin_trap();
}

uint64_t apic_measure_timer(uint64_t tsc_ticks, uint64_t frequency)
{
    (void)tsc_ticks;
    return frequency;
}

/* The tick is the first one of its time. */
static void check(uint64_t time)
{
    uint64_t ticks = reftime_to_tsc(time);

    CHECK(reftime_from_tsc(ticks) >= time);
    CHECK(ticks == 0 || reftime_from_tsc(ticks - 1) < time);
}

static void test_frequency(uint64_t frequency)
{
    tsc_frequency = frequency;
    tsc_scale = divide_128(10000000, 0, frequency);
    check(0);
    for (uint64_t time = 1; time < tsc_scale; time = time * 3 + 1) {
        check(time);
        if (time > UINT64_MAX / 4)
            break;
    }
    check(tsc_scale - 1);
    CHECK_EQUAL(reftime_to_tsc(tsc_scale), UINT64_MAX);
    CHECK_EQUAL(reftime_to_tsc(UINT64_MAX), UINT64_MAX);
    CHECK_EQUAL(reftime_from_tsc(frequency) / 10, 999999); /* a second, rounded down */
    CHECK_EQUAL(reftime_scale(), tsc_scale);
}

int main(void)
{
    test_frequency(10000001);
    test_frequency(1000000000);
    test_frequency(2399998123);
    test_frequency(5700000000);
    return unit_result();
}
