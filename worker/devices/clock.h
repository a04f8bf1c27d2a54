/* Ticks of a clock that has run since ns 0. */
#ifndef VENEER_WORKER_DEVICES_CLOCK_H
#define VENEER_WORKER_DEVICES_CLOCK_H

#include <stdint.h>

#define NS_PER_SECOND 1000000000ull

/* Whole ticks of a clock of @hz (below 2^32) in @ns. */
static inline uint64_t clock_ticks(uint64_t ns, uint64_t hz)
{
    return ns / NS_PER_SECOND * hz + ns % NS_PER_SECOND * hz / NS_PER_SECOND;
}

/* The first ns at which clock_ticks() is @ticks. */
static inline uint64_t clock_ns(uint64_t ticks, uint64_t hz)
{
    return ticks / hz * NS_PER_SECOND + (ticks % hz * NS_PER_SECOND + hz - 1) / hz;
}

#endif
