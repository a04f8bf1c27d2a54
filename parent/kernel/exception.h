/* What to do about exceptions of the processor. */
#ifndef VENEER_PARENT_EXCEPTION_H
#define VENEER_PARENT_EXCEPTION_H

#include "parent/kernel/interrupt.h"

/* An exception other than NMI: continues at the fault_try() that expects it, or panics. */
void exception_handle(struct trap_frame *frame);

/* An NMI: counted; stops this CPU if another one panics. */
void exception_nmi(void);

/* The manual's name of an exception: "#GP". Never NULL. */
const char *exception_name(uint64_t vector);

#endif
