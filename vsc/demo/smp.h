/* The other VPs: starting them, and running functions on them. */
#ifndef VENEER_VSC_DEMO_SMP_H
#define VENEER_VSC_DEMO_SMP_H

#include <stdbool.h>
#include <stdint.h>

/* Starts VPs 1 to @count - 1, one after the other: by HvCallStartVirtualProcessor or by INIT and
 * SIPI. VP 0, once. Those that do not come up are left out of smp_count(). */
void smp_start(uint32_t count, bool by_hypercall);
bool smp_started_by_hypercall(void);

/* VPs that run, VP 0 included: 0 to smp_count() - 1. */
uint32_t smp_count(void);

/* Lets VP @index, not the calling one, call @function with interrupts on, and goes on; waits until
 * the call is over. False: it takes more than some seconds. */
void smp_call_begin(uint32_t index, void (*function)(void *), void *argument);
bool smp_call_wait(uint32_t index);

/* Both. */
bool smp_call(uint32_t index, void (*function)(void *), void *argument);

#endif
