/* Starting the other CPUs and giving them work. */
#ifndef VENEER_PARENT_SMP_H
#define VENEER_PARENT_SMP_H

#include <stdint.h>

/* Starts all other VPs; each ends in sched_idle(). VP 0, once. */
void smp_start_all(void);

/* Calls @function on all CPUs, in interrupt handlers on the others, and waits until all are done.
 * Thread. */
void smp_interrupt_all(void (*function)(void *argument), void *argument);

/* Has a thread call @function with @argument on @cpu: one at a time per CPU. Thread. */
void smp_call(uint32_t cpu, void (*function)(void *argument), void *argument);

/* Waits until @cpu has made its call. Thread. */
void smp_wait(uint32_t cpu);

/* Calls @function in threads on all CPUs at the same time and waits until all are done. Thread. */
void smp_call_all(void (*function)(void *argument), void *argument);

#endif
