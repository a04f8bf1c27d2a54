/* How the operations of `make bench` are measured: one header for our programs and for the peer's
 * (tests/bench/linux.c), so that both are measured alike. */
#ifndef VENEER_PARENT_USER_CHEAPEST_H
#define VENEER_PARENT_USER_CHEAPEST_H

#include <stdint.h>

#define BATCHES 20 /* the cheapest one counts: timer interrupts hit the others */
#define CALLS 1000 /* of one batch */
#define WARM_UP 100

static inline uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* Calls @operation CALLS times a batch; returns the TSC ticks of one call in the cheapest batch. */
static inline uint64_t cheapest(void (*operation)(void *argument), void *argument)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < WARM_UP; i++)
        operation(argument);
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t start = read_tsc();
        for (int i = 0; i < CALLS; i++)
            operation(argument);
        uint64_t ticks = read_tsc() - start;
        if (ticks < least)
            least = ticks;
    }
    return least / CALLS;
}

#endif
