/* Programs: ELF files, and where they come from. */
#ifndef VENEER_PARENT_PROC_PROGRAM_H
#define VENEER_PARENT_PROC_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "parent/kernel/proc/process.h"

/* Maps the plan's program, a stack and the arguments into the empty address space of @process;
 * *@entry gets the registers to begin with. On an error *@text may say more. Thread. */
enum system_error program_load(struct process *process, const struct process_plan *plan,
                               struct trap_frame *entry, const char **text);

/* The file of the program called @name: for now a module that the boot loader gave. False: there is
 * none. */
bool program_find(const char *name, const void **file, size_t *size);

#endif
