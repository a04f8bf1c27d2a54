#include "hypervisor/reftime.h"

#include "lib/x86/cpu.h"

static uint64_t tsc_frequency __attribute__((section(".data.constant_after_boot")));
static uint64_t apic_frequency __attribute__((section(".data.constant_after_boot")));
/* 100 ns per TSC tick, times 2^64. */
static uint64_t tsc_scale __attribute__((section(".data.constant_after_boot")));

void reftime_set_tsc_frequency(uint64_t frequency)
{
    tsc_frequency = frequency;
    tsc_scale = divide_128(10000000, 0, frequency);
}

void reftime_set_apic_frequency(uint64_t frequency)
{
    apic_frequency = frequency;
}

uint64_t reftime_tsc_frequency(void)
{
    return tsc_frequency;
}

uint64_t reftime_apic_frequency(void)
{
    return apic_frequency;
}

uint64_t reftime_from_tsc(uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * tsc_scale >> 64);
}

uint64_t reftime_to_tsc(uint64_t reference_time)
{
    if (reference_time == 0)
        return 0;
    if (reference_time >= tsc_scale)
        return UINT64_MAX;
    /* The least t with t * tsc_scale >= reference_time * 2^64, so that reftime_from_tsc() of it is
     * not earlier. */
    return divide_128(reference_time - 1, UINT64_MAX, tsc_scale) + 1;
}

uint64_t reftime_scale(void)
{
    return tsc_scale;
}

void reftime_delay(uint64_t microseconds)
{
    uint64_t start = rdtsc(), ticks = microseconds * (tsc_frequency / 1000000 + 1);

    while (rdtsc() - start < ticks)
        cpu_pause();
}
