/* Time: the TSC as clock, and the local APIC's timer of each CPU. */
#ifndef VENEER_PARENT_TIMER_H
#define VENEER_PARENT_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* Measures the local APIC's timer against the TSC, whose frequency the hypervisor told. VP 0; its
 * local APIC is on. */
void timer_init(void);

/* TSC ticks in @microseconds. */
uint64_t timer_tsc_ticks(uint64_t microseconds);

/* Busy waiting, any context. */
void timer_delay(uint64_t microseconds);

/* Interrupts this CPU after @microseconds, once or again and again; replaces what was set before.
 * The interrupt counts up its timer_count. Periods that the timer cannot count are shortened or
 * lengthened to what it can. */
void timer_start(uint64_t microseconds, bool periodic);
void timer_stop(void);

/* Hz of the local APIC's timer. */
uint64_t timer_lapic_frequency(void);

#endif
