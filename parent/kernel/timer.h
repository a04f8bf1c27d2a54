/* Timers' insides: each CPU has a queue of the timers that were started on it, and one hardware
 * timer, which is armed for whatever comes first. What everybody may call is in
 * parent/include/time.h. */
#ifndef VENEER_PARENT_TIMER_H
#define VENEER_PARENT_TIMER_H

#include <stdint.h>

#include "include/hv/parent.h"
#include "parent/include/spinlock.h"
#include "parent/include/time.h"

struct timer_queue {
    struct spinlock lock;
    struct list timers;    /* by deadline */
    struct timer *running; /* whose function is being called; atomic */
    uint64_t next_tsc;     /* of the first timer, or UINT64_MAX: by this CPU, interrupts off */
    /* When the interrupt comes: by this CPU, interrupts off. The hypervisor reads it, too (vid.c):
     * while a child runs on this CPU it may have the interrupt come earlier. */
    _Alignas(16) struct veneer_root_timer hardware;
    uint64_t interrupts; /* by this CPU: timer interrupts */
};

/* Makes the queue of a CPU. */
void timer_queue_init(struct timer_queue *queue);

/* Measures the local APIC's timer against the TSC. VP 0; its local APIC is on, time_init() was
 * called. */
void timer_init(void);

/* Prepares this CPU's hardware timer. */
void timer_init_cpu(void);

/* Has the timer interrupt come at @tsc at the latest. Interrupts are off. */
void timer_arm(uint64_t tsc);

/* Hz of the local APIC's timer. */
uint64_t timer_lapic_frequency(void);

#endif
