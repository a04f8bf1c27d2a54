/* Subcommands of `vm` that make, change, start and end machines. Words as in vm_machine.h. The
 * console's thread. */
#ifndef VENEER_PARENT_CONSOLE_VM_MANAGE_H
#define VENEER_PARENT_CONSOLE_VM_MANAGE_H

#include <stdbool.h>

bool vm_run_create(unsigned count, char **arguments);  /* NAME [KEY=VALUE...] [--template WHICH] */
bool vm_run_edit(unsigned count, char **arguments);    /* NAME KEY=VALUE... */
bool vm_run_delete(unsigned count, char **arguments);  /* NAME [--disks] [--yes] */
bool vm_run_start(unsigned count, char **arguments);   /* NAME */
bool vm_run_stop(unsigned count, char **arguments);    /* NAME [--timeout SECONDS] [--force] */
bool vm_run_restart(unsigned count, char **arguments); /* NAME */
bool vm_run_kill(unsigned count, char **arguments);    /* NAME */

#endif
