#include "parent/kernel/timer.h"

#include "lib/x86/cpu.h"
#include "lib/x86/lapic.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/lock.h"

#define MICROSECONDS 1000000ull
#define CALIBRATION_MICROSECONDS 10000ull

static uint64_t lapic_frequency; /* Hz */

uint64_t timer_tsc_ticks(uint64_t microseconds)
{
    return (uint64_t)((unsigned __int128)microseconds * boot_info.tsc_frequency / MICROSECONDS);
}

void timer_delay(uint64_t microseconds)
{
    uint64_t start = rdtsc();
    uint64_t ticks = timer_tsc_ticks(microseconds);
    while (rdtsc() - start < ticks)
        cpu_pause();
}

static void count_interrupt(void)
{
    this_cpu()->timer_count++;
}

void timer_init(void)
{
    interrupt_register(VECTOR_TIMER, count_interrupt);
    uint64_t flags = interrupts_save();
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    timer_delay(CALIBRATION_MICROSECONDS);
    uint32_t elapsed = UINT32_MAX - lapic_read(LAPIC_TIMER_CURRENT);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    interrupts_restore(flags);
    lapic_frequency = elapsed * (MICROSECONDS / CALIBRATION_MICROSECONDS);
}

void timer_start(uint64_t microseconds, bool periodic)
{
    unsigned __int128 exact = (unsigned __int128)microseconds * lapic_frequency / MICROSECONDS;
    uint32_t count = exact > UINT32_MAX ? UINT32_MAX : exact == 0 ? 1 : (uint32_t)exact;
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | (periodic ? LAPIC_LVT_TIMER_PERIODIC : 0));
    lapic_write(LAPIC_TIMER_INITIAL, count);
}

void timer_stop(void)
{
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    lapic_write(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED);
}

uint64_t timer_lapic_frequency(void)
{
    return lapic_frequency;
}
