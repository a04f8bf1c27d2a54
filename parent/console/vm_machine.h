/* Subcommands of `vm` on the machine of a child: its drives, keyboard, power button and screen.
 * Each gets the command's words: vm, its own name, the child's name, and the rest; false if it
 * failed, which has been printed. The console's thread. */
#ifndef VENEER_PARENT_CONSOLE_VM_MACHINE_H
#define VENEER_PARENT_CONSOLE_VM_MACHINE_H

#include <stdbool.h>

struct child;

typedef bool vm_subcommand(struct child *child, unsigned count, char **arguments);

vm_subcommand vm_insert;     /* DRIVE PATH; children on the bus: LUN PATH */
vm_subcommand vm_eject;      /* DRIVE, or LUN */
vm_subcommand vm_type;       /* TEXT... */
vm_subcommand vm_keys;       /* KEY... */
vm_subcommand vm_mouse;      /* DX DY [BUTTONS] */
vm_subcommand vm_button;     /* no more words */
vm_subcommand vm_screen;     /* no more words */
vm_subcommand vm_screenshot; /* FILE */

#endif
