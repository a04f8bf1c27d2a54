/* Time and timers of the parent's kernel. */
#ifndef VENEER_PARENT_INCLUDE_TIME_H
#define VENEER_PARENT_INCLUDE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/list.h"

/* Microseconds since the kernel started. Any. */
uint64_t time_now(void);

/* Seconds since 1970-01-01 00:00 UTC: as the RTC showed them at the start, counted on by
 * time_now(). Any. */
uint64_t time_wall_clock(void);

/* Busy waiting, for the short pauses that hardware asks for. Any. */
void time_delay(uint64_t microseconds);

/* A timer calls @function once at @deadline, in interrupt context on the CPU that set it. The
 * structure is the caller's and must stay until it has fired or timer_cancel() returned. */
struct timer {
    struct list link;
    uint64_t deadline; /* microseconds, as time_now() */
    void (*function)(struct timer *timer);
    uint32_t cpu;
    bool pending;
};

void timer_setup(struct timer *timer, void (*function)(struct timer *timer));

/* (Re)starts; two starts of one timer at the same time are the caller's error. Any. */
void timer_start(struct timer *timer, uint64_t deadline);

/* After its return the function neither runs nor will run. True: it was pending. The caller holds
 * no lock that the function takes. Any but the timer's own function. */
bool timer_cancel(struct timer *timer);

#endif
