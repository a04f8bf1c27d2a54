#include "parent/kernel/time.h"

#include "lib/x86/cpu.h"
#include "parent/drivers/rtc.h"
#include "parent/include/log.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/boot.h"

#define MICROSECONDS 1000000ull

static uint64_t start;            /* TSC */
static uint64_t wall_clock_start; /* seconds since 1970 at that time */
static uint64_t microseconds_per; /* TSC tick, in units of 2^-64 */

uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    if ((uint64_t)(product >> 64) >= c)
        return UINT64_MAX;
    return divide_128((uint64_t)(product >> 64), (uint64_t)product, c);
}

void time_init(void)
{
    /* Any TSC that a processor with virtualization has is faster than 1 MHz. */
    microseconds_per = divide_128(MICROSECONDS, 0, boot_info.tsc_frequency);
    start = rdtsc();
    if (!rtc_read(&wall_clock_start))
        log_print(LOG_WARNING, "rtc: no valid date; the time is counted from 1970");
}

uint64_t time_wall_clock(void)
{
    return wall_clock_start + time_now() / MICROSECONDS;
}

uint64_t time_from_tsc(uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * microseconds_per >> 64);
}

uint64_t time_now(void)
{
    return time_from_tsc(rdtsc() - start);
}

uint64_t time_to_tsc(uint64_t microseconds)
{
    uint64_t ticks = scale(microseconds, boot_info.tsc_frequency, MICROSECONDS);
    return ticks == UINT64_MAX ? ticks : ticks + 1;
}

uint64_t time_tsc_at(uint64_t microseconds)
{
    uint64_t ticks = time_to_tsc(microseconds);
    return ticks > UINT64_MAX - start ? UINT64_MAX : start + ticks;
}

uint64_t time_at_tsc(uint64_t tsc)
{
    if (tsc == UINT64_MAX)
        return tsc;
    return tsc <= start ? 0 : time_from_tsc(tsc - start);
}

void time_delay(uint64_t microseconds)
{
    uint64_t begin = rdtsc();
    uint64_t ticks = time_to_tsc(microseconds);
    while (rdtsc() - begin < ticks)
        spin_wait();
}
