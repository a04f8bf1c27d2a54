/* The border to ring 3: reaching its memory, entering it. */
#ifndef VENEER_PARENT_PROC_USER_H
#define VENEER_PARENT_PROC_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/kernel/interrupt.h"

/* Prepares system calls on this CPU. Each CPU, once. */
void user_init_cpu(void);

/* Copies from or to memory of the calling process. False: a part of it is not there, or may not be
 * written; some bytes may have been copied. Thread. */
bool user_read(void *to, uint64_t from, uint64_t size);
bool user_write(uint64_t to, const void *from, uint64_t size);

/* If @frame is of an exception in one of the functions above: makes it return false, and is true.
 */
bool user_fix_fault(struct trap_frame *frame);

/* Continues in ring 3 with @frame, which is at the top of the thread's kernel stack. Interrupts are
 * off. */
_Noreturn void user_enter(const struct trap_frame *frame);

/* user.asm */
bool user_copy(void *to, const void *from, uint64_t size);
extern const char user_copy_start[], user_copy_end[], user_copy_fault[];
extern bool user_smap; /* STAC and CLAC exist and are needed */
void system_call_entry(void);

#endif
