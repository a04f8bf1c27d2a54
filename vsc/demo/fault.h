/* Running code that may raise an exception. */
#ifndef VENEER_VSC_DEMO_FAULT_H
#define VENEER_VSC_DEMO_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "vsc/demo/interrupts.h"

#define FAULT_NONE (-1)

struct fault {
    int vector; /* FAULT_NONE: there was none */
    uint64_t error;
    uint64_t rip;
    uint64_t cr2;
};

/* Calls @function; an exception, or VECTOR_LEAVE, ends it. True if there was one, which @fault then
 * describes; otherwise @fault says FAULT_NONE. */
bool fault_try(struct fault *fault, void (*function)(void *), void *argument);

/* The vector of fault_try() for RDMSR or WRMSR, or FAULT_NONE. */
int rdmsr_try(uint32_t msr, uint64_t *value);
int wrmsr_try(uint32_t msr, uint64_t value);

/* Runs @function in ring 3 until it faults or leaves by VECTOR_LEAVE; gives the vector. */
int ring3_try(void (*function)(void));

/* For interrupts.c: ends the fault_try() that runs, or the child. */
void fault_handle(struct interrupt_frame *frame);

#endif
