/* The folders of machines on the store: /vms/NAME with vm.conf, the machine's log, and the disks
 * that were made with it. A folder without vm.conf is no machine. Machines come and go by renaming
 * a folder whose name cannot be a machine's: NAME.new while it is made, NAME.del while it is
 * deleted; so after a power cut each is whole or not there.
 *
 * What fails is printed for the command called @command. The console's thread. */
#ifndef VENEER_PARENT_VMMS_VM_STORE_H
#define VENEER_PARENT_VMMS_VM_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "parent/vmms/vm_config.h"

#define VM_FOLDER "/vms"
#define VM_NEW ".new"
#define VM_FILE_PATH_SIZE 64

/* /vms/NAME@suffix/FILE, or the folder if @file is NULL. @name is good. */
void vm_store_path(const char *name, const char *suffix, const char *file,
                   char path[VM_FILE_PATH_SIZE]);

/* Whether there is a machine called @name. */
bool vm_store_exists(const char *name);

/* Calls @function with the name of each machine, in the order of the names, at most 64. Not from
 * such a function. */
void vm_store_for_each(void (*function)(void *context, const char *name), void *context);

/* Reads a machine's text; and what it means, when each thing that is wrong is printed with file and
 * line. Nothing is printed if @command is NULL. False: it cannot be read, or is not good. */
bool vm_store_read(const char *command, const char *name, char text[VM_TEXT_SIZE]);
bool vm_store_check(const char *command, const char *name, const char *text,
                    struct vm_config *config);
bool vm_store_load(const char *command, const char *name, char text[VM_TEXT_SIZE],
                   struct vm_config *config);

/* Replaces the text of a machine that exists. */
bool vm_store_save(const char *command, const char *name, const char *text);

/* Makes the folder NAME.new for a machine that is not there yet. */
bool vm_store_begin(const char *command, const char *name);

/* Makes the machine whose folder has been begun. Or drops that folder. */
bool vm_store_finish(const char *command, const char *name, const char *text);
void vm_store_abandon(const char *name);

/* Deletes a machine: with @all its whole folder; else disks, and what others have put there,
 * stay, *@kept tells. */
bool vm_store_delete(const char *command, const char *name, bool all, bool *kept);

/* After the start: removes what a power cut has left of machines, which the log says. */
void vm_store_recover(void);

#endif
