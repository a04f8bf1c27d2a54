#include "hypervisor/x86/apic.h"

#include "hypervisor/memory.h"
#include "hypervisor/reftime.h"
#include "lib/x86/lapic.h"

#define X2APIC_MSR(offset) (MSR_X2APIC_FIRST + (offset) / 16)
#define ICR_POLL_LIMIT 1000000u /* a LAPIC accepts a command within microseconds */

static volatile uint8_t *xapic;
static spa_t xapic_base;

void apic_init(spa_t base)
{
    xapic_base = base;
    xapic = memory_map_device(base, PAGE_SIZE);
}

spa_t apic_base(void)
{
    return xapic_base;
}

bool apic_is_x2apic(void)
{
    return (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC) != 0;
}

static uint32_t xapic_read(uint32_t offset)
{
    return *(volatile uint32_t *)(xapic + offset);
}

static void xapic_write(uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(xapic + offset) = value;
}

static uint32_t apic_read(uint32_t offset)
{
    return apic_is_x2apic() ? (uint32_t)rdmsr(X2APIC_MSR(offset)) : xapic_read(offset);
}

static void apic_write(uint32_t offset, uint32_t value)
{
    if (apic_is_x2apic())
        wrmsr(X2APIC_MSR(offset), value);
    else
        xapic_write(offset, value);
}

uint32_t apic_id(void)
{
    uint32_t id = apic_read(LAPIC_ID);

    return apic_is_x2apic() ? id : id >> 24;
}

static void wait_until_sent(void)
{
    for (uint32_t i = 0; i < ICR_POLL_LIMIT; i++) {
        if ((xapic_read(LAPIC_ICR_LOW) & LAPIC_ICR_PENDING) == 0)
            return;
        cpu_pause();
    }
}

void apic_send(bool x2apic, uint32_t destination, uint32_t command)
{
    if (x2apic) {
        /* The write is not serializing: what the target shall see must be visible first. */
        __asm__ volatile("mfence" ::: "memory");
        wrmsr(X2APIC_MSR(LAPIC_ICR_LOW), (uint64_t)destination << 32 | command);
        return;
    }
    uint32_t high = xapic_read(LAPIC_ICR_HIGH);
    wait_until_sent();
    xapic_write(LAPIC_ICR_HIGH, destination << 24);
    xapic_write(LAPIC_ICR_LOW, command);
    wait_until_sent();
    xapic_write(LAPIC_ICR_HIGH, high);
}

uint64_t apic_measure_timer(uint64_t tsc_ticks, uint64_t tsc_frequency)
{
    uint32_t svr = apic_read(LAPIC_SVR), lvt = apic_read(LAPIC_LVT_TIMER);
    uint32_t divide = apic_read(LAPIC_TIMER_DIVIDE);

    apic_write(LAPIC_SVR, svr | LAPIC_SVR_ENABLE);
    apic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    apic_write(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED);
    apic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);

    uint64_t start = rdtsc();
    uint32_t first = apic_read(LAPIC_TIMER_CURRENT);
    while (rdtsc() - start < tsc_ticks)
        cpu_pause();
    uint32_t elapsed = first - apic_read(LAPIC_TIMER_CURRENT);
    uint64_t tsc_elapsed = rdtsc() - start;

    apic_write(LAPIC_TIMER_INITIAL, 0);
    apic_write(LAPIC_TIMER_DIVIDE, divide);
    apic_write(LAPIC_LVT_TIMER, lvt);
    apic_write(LAPIC_SVR, svr);
    unsigned __int128 product = (unsigned __int128)elapsed * tsc_frequency;
    return divide_128((uint64_t)(product >> 64), (uint64_t)product, tsc_elapsed);
}

/* The divider of the timer by its register (Intel SDM vol. 3, figure 10-10): 2, 4 … 128, 1. */
static unsigned divider_shift(uint32_t divide)
{
    return ((divide & 3) + (divide >> 1 & 4) + 1) % 8;
}

/* LAPIC timer ticks, before the divider, in @tsc_ticks; far away is as good as never. */
static uint64_t ticks_in(uint64_t tsc_ticks)
{
    uint64_t frequency = reftime_tsc_frequency();

    if (tsc_ticks / frequency >= 60)
        return UINT32_MAX;
    return tsc_ticks * (reftime_apic_frequency() / 1000) / (frequency / 1000);
}

void apic_arm_timer(bool x2apic, uint64_t tsc)
{
    uint32_t lvt =
        x2apic ? (uint32_t)rdmsr(X2APIC_MSR(LAPIC_LVT_TIMER)) : xapic_read(LAPIC_LVT_TIMER);
    uint64_t now = rdtsc(), ticks = 1;

    if ((lvt & LAPIC_TIMER_MODE_MASK) == LAPIC_LVT_TIMER_TSC_DEADLINE) {
        wrmsr(MSR_TSC_DEADLINE, tsc);
        return;
    }
    if ((lvt & LAPIC_TIMER_MODE_MASK) != LAPIC_TIMER_MODE_ONE_SHOT)
        return;
    if (tsc > now)
        ticks += ticks_in(tsc - now) >> divider_shift(apic_read(LAPIC_TIMER_DIVIDE));
    apic_write(LAPIC_TIMER_INITIAL, ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX);
}
