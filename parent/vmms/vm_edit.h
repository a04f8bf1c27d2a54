/* Making and changing the descriptions of machines. What fails is printed for the command called
 * @command. The console's thread. */
#ifndef VENEER_PARENT_VMMS_VM_EDIT_H
#define VENEER_PARENT_VMMS_VM_EDIT_H

#include <stdbool.h>

/* Makes a machine called @name: from the template that is built in under the name @template or a
 * file on the store (NULL: defaults), changed by @settings, words KEY=VALUE. disk.N=SIZE makes a
 * dynamic VHD in the machine's folder; nic.N=SWITCH gets an address. All or nothing. */
bool vm_create(const char *command, const char *name, const char *template, unsigned count,
               char **settings);

/* Changes the description of a machine by @settings, as above; KEY= takes a line out. An adapter
 * keeps its address. A machine that runs is as before until it is started again. */
bool vm_edit(const char *command, const char *name, unsigned count, char **settings);

/* The name of template @n; NULL: there are no more. *@summary says what it is for. */
const char *vm_template(unsigned n, const char **summary);

#endif
