/* The clock's insides; what everybody may call is in parent/include/time.h. */
#ifndef VENEER_PARENT_TIME_H
#define VENEER_PARENT_TIME_H

#include <stdint.h>

#include "parent/include/time.h"

/* Starts the clock, which is the TSC: it counts alike on all CPUs, and the hypervisor told its
 * frequency. VP 0, first of all that has to do with time. */
void time_init(void);

/* TSC ticks in @microseconds, rounded up; UINT64_MAX if they are too many. */
uint64_t time_to_tsc(uint64_t microseconds);

/* Whole microseconds in @ticks of the TSC. */
uint64_t time_from_tsc(uint64_t ticks);

/* The first TSC value at which time_now() is @microseconds or more. */
uint64_t time_tsc_at(uint64_t microseconds);

/* time_now() when the TSC is @tsc, which may still be to come then; UINT64_MAX stays what it is. */
uint64_t time_at_tsc(uint64_t tsc);

/* @a * @b / @c through a 128-bit product; UINT64_MAX if the result does not fit. */
uint64_t scale(uint64_t a, uint64_t b, uint64_t c);

#endif
