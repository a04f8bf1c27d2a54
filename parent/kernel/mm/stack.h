/* Kernel stacks. Below each one's memory nothing is mapped, so that an overflow is a fault. Any
 * context but NMI handlers. */
#ifndef VENEER_PARENT_STACK_H
#define VENEER_PARENT_STACK_H

#include <stdbool.h>
#include <stdint.h>

#define STACK_SIZE 16384ull

/* A stack: its top, 16-byte aligned; 0: no memory. Stacks that were given back are used first, and
 * stay mapped meanwhile. */
uint64_t stack_allocate(void);
void stack_free(uint64_t top);

/* Stacks that exist, used or not. */
uint64_t stack_count(void);

/* The mapped part of the stack that @rsp is on or has overflowed from. False if it is on none. */
bool stack_bounds(uint64_t rsp, uint64_t *low, uint64_t *high);

#endif
