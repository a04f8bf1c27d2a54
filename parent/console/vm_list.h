/* Subcommands of `vm` that show machines. Words as in vm_machine.h. The console's thread. */
#ifndef VENEER_PARENT_CONSOLE_VM_LIST_H
#define VENEER_PARENT_CONSOLE_VM_LIST_H

#include <stdbool.h>

bool vm_list_all(unsigned count, char **arguments);  /* [--json] */
bool vm_show(unsigned count, char **arguments);      /* NAME [--json] */
bool vm_print_log(unsigned count, char **arguments); /* NAME [LINES] */

#endif
