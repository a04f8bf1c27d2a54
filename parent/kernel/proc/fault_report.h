/* Accounts of exceptions in ring 3. */
#ifndef VENEER_PARENT_PROC_FAULT_REPORT_H
#define VENEER_PARENT_PROC_FAULT_REPORT_H

#include "parent/include/system_call.h"
#include "parent/kernel/interrupt.h"

/* Describes the exception of ring 3 that gave @frame, with the return addresses that its frame
 * pointers lead to. Its thread, interrupts on; CR2 is what it was at the exception. */
void fault_report_make(const struct trap_frame *frame, uint64_t cr2, struct system_fault *fault);

#endif
