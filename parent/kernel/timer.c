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
#define CALIBRATION_READINGS 10

static uint64_t lapic_frequency; /* Hz */

/* a * b / c through a 128-bit product; UINT64_MAX if the result does not fit. */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    uint64_t quotient, remainder;
    if ((uint64_t)(product >> 64) >= c)
        return UINT64_MAX;
    __asm__("divq %4"
            : "=a"(quotient), "=d"(remainder)
            : "a"((uint64_t)product), "d"((uint64_t)(product >> 64)), "r"(c)
            : "cc");
    return quotient;
}

uint64_t timer_tsc_ticks(uint64_t microseconds)
{
    return scale(microseconds, boot_info.tsc_frequency, MICROSECONDS);
}

void timer_delay(uint64_t microseconds)
{
    uint64_t start = rdtsc();
    uint64_t ticks = timer_tsc_ticks(microseconds);
    while (rdtsc() - start < ticks)
        spin_wait();
}

static void count_interrupt(void)
{
    this_cpu()->timer_count++;
}

/* The timer's count and the TSC at the same moment: of some readings the one with the least
 * between two looks at the TSC, since an emulator's or another's time may come in between. */
static uint32_t read_with_tsc(uint64_t *tsc)
{
    uint64_t least = UINT64_MAX;
    uint32_t count = 0;
    for (int i = 0; i < CALIBRATION_READINGS; i++) {
        uint64_t before = rdtsc();
        uint32_t now = lapic_read(LAPIC_TIMER_CURRENT);
        uint64_t width = rdtsc() - before;
        if (width < least) {
            least = width;
            count = now;
            *tsc = before + width / 2;
        }
    }
    return count;
}

void timer_init(void)
{
    uint64_t start_tsc, end_tsc;
    interrupt_register(VECTOR_TIMER, count_interrupt);
    uint64_t flags = interrupts_save();
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    uint32_t start = read_with_tsc(&start_tsc);
    timer_delay(CALIBRATION_MICROSECONDS);
    uint32_t end = read_with_tsc(&end_tsc);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    interrupts_restore(flags);
    lapic_frequency = scale(start - end, boot_info.tsc_frequency, end_tsc - start_tsc);
}

void timer_start(uint64_t microseconds, bool periodic)
{
    uint64_t exact = scale(microseconds, lapic_frequency, MICROSECONDS);
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
