/* Names of the subcommands of `vm`, for completion. */
#ifndef VENEER_PARENT_CONSOLE_VM_NAMES_H
#define VENEER_PARENT_CONSOLE_VM_NAMES_H

/* Subcommand @n; NULL: there are no more. Any. */
const char *vm_subcommand_name(unsigned n);

#endif
