/* Starting the other CPUs and giving them work. */
#ifndef VENEER_PARENT_SMP_H
#define VENEER_PARENT_SMP_H

#include <stdint.h>

/* Starts all other VPs; each ends in cpu_idle(). VP 0, once. */
void smp_start_all(void);

/* Halts with interrupts on; makes the calls that others ask for. */
_Noreturn void cpu_idle(void);

/* Has @cpu, another one and idle, call @function with @argument in its idle loop, interrupts on. */
void smp_call(uint32_t cpu, void (*function)(void *argument), void *argument);

/* Waits until @cpu has made its call. Interrupts are on. */
void smp_wait(uint32_t cpu);

/* Calls @function on all CPUs at the same time and waits until all are done. */
void smp_call_all(void (*function)(void *argument), void *argument);

#endif
