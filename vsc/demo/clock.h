/* Time: the TSC, and the partition's reference time in units of 100 ns. */
#ifndef VENEER_VSC_DEMO_CLOCK_H
#define VENEER_VSC_DEMO_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* TLFS 12.7. */
struct reference_tsc_page {
    volatile uint32_t sequence;
    uint32_t reserved;
    volatile uint64_t scale;
    volatile int64_t offset;
};

/* Finds the TSC's frequency, and enables the reference TSC page. */
void clock_init(void);

/* Ticks per millisecond. */
uint64_t clock_tsc_khz(void);

/* The TSC's value @microseconds from now; waits that long. */
uint64_t clock_deadline(uint64_t microseconds);
void clock_delay(uint64_t microseconds);

/* Reference time from the MSR, and from a TSC value through the page (false: it is not valid). */
uint64_t clock_reference(void);
bool clock_from_tsc(uint64_t tsc, uint64_t *time);

const struct reference_tsc_page *clock_page(void);

#endif
