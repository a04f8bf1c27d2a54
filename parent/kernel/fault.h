/* Trying something that may cause an exception. Thread context. */
#ifndef VENEER_PARENT_FAULT_H
#define VENEER_PARENT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/kernel/cpu.h"

/* Result of the functions below when there was no exception; otherwise they give its vector. */
#define FAULT_NONE (-1)

/* Calls @function with @argument. If an exception hits in it, the function ends there, and *@fault
 * (may be NULL) says what it was. Calls may be nested. */
int fault_try(void (*function)(void *), void *argument, struct fault *fault);

/* One access to memory. */
int try_read8(uint64_t va, uint8_t *value);
int try_write8(uint64_t va, uint8_t value);

/* Calls the code at @va. *@fault as in fault_try(). */
int try_execute(uint64_t va, struct fault *fault);

/* One access to a model-specific register; *@value stays as it is if there is an exception. */
int try_rdmsr(uint32_t msr, uint64_t *value);
int try_wrmsr(uint32_t msr, uint64_t value);

/* Writes of control registers. */
int try_write_cr0(uint64_t value);
int try_write_cr4(uint64_t value);

/* fault.asm: calls @function; true if an exception ended it. Where exceptions continue. */
bool fault_call(void (*function)(void *), void *argument);
extern const char fault_resume[];

#endif
