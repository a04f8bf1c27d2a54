#include "vsc/demo/clock.h"

#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/hyperv.h"

/* Without a frequency MSR, only to bound waits. */
#define ASSUMED_KHZ 200000

static union {
    struct reference_tsc_page page;
    uint8_t bytes[PAGE_SIZE];
} reference __attribute__((aligned(PAGE_SIZE)));

static uint64_t khz = ASSUMED_KHZ;

void clock_init(void)
{
    if (hyperv_has(HV_ACCESS_FREQUENCY_MSRS))
        khz = rdmsr(HV_X64_MSR_TSC_FREQUENCY) / 1000;
    if (khz == 0)
        khz = ASSUMED_KHZ;
    if (hyperv_has(HV_ACCESS_PARTITION_REFERENCE_TSC))
        wrmsr(HV_X64_MSR_REFERENCE_TSC, (uint64_t)&reference | HV_X64_MSR_PAGE_ENABLE);
}

uint64_t clock_tsc_khz(void)
{
    return khz;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return rdtsc() + microseconds * khz / 1000;
}

void clock_delay(uint64_t microseconds)
{
    uint64_t end = clock_deadline(microseconds);

    while (rdtsc() < end)
        cpu_pause();
}

uint64_t clock_reference(void)
{
    return rdmsr(HV_X64_MSR_TIME_REF_COUNT);
}

const struct reference_tsc_page *clock_page(void)
{
    return &reference.page;
}

bool clock_from_tsc(uint64_t tsc, uint64_t *time)
{
    const struct reference_tsc_page *page = &reference.page;
    uint32_t sequence;

    do {
        sequence = page->sequence;
        if (sequence == HV_REFERENCE_TSC_INVALID)
            return false;
        *time = (uint64_t)((unsigned __int128)tsc * page->scale >> 64) + (uint64_t)page->offset;
    } while (page->sequence != sequence);
    return true;
}
