/* Giving up: the kernel has found that it cannot go on. */
#ifndef VENEER_PARENT_PANIC_H
#define VENEER_PARENT_PANIC_H

#include <stdbool.h>

#include "parent/kernel/interrupt.h"

/* Stops all CPUs, prints the message and a backtrace, and "RESULT FAIL" for those who wait for it;
 * halts. Any context. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an exception that nobody expects, with its registers. */
_Noreturn void panic_exception(const struct trap_frame *frame);

/* Whether a CPU panics; the others then call panic_stop_cpu() from their NMI handler. */
bool panic_in_progress(void);
_Noreturn void panic_stop_cpu(void);

#endif
