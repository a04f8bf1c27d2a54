/* The VM service: machines that are described on the store (vm_store.h), and what becomes of them.
 * It runs in the kernel, as the children's other services do, because programs have no files; it
 * uses children by child.h only, and everything is asked of it by name, so that it can become a
 * program.
 *
 * Functions are for the console's thread, which runs commands one by one; what fails is printed for
 * the command called @command. A thread of its own watches each machine that runs. */
#ifndef VENEER_PARENT_VMMS_VM_H
#define VENEER_PARENT_VMMS_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/vmms/vm_config.h"

enum vm_state { VM_OFF, VM_STARTING, VM_RUNNING, VM_STOPPING, VM_FAILED };

struct vm_status {
    enum vm_state state;
    char reason[VM_WHY_SIZE]; /* why it has failed; else empty */
};

const char *vm_state_text(enum vm_state state);

/* Once, when the store is there: removes what a power cut has left of machines, and starts those
 * that start with the system. */
void vm_service_start(void);

/* Of the machine called @name. Any thread. */
void vm_get_status(const char *name, struct vm_status *status);

/* Whether the service has started it and it has not ended. */
bool vm_is_running(const char *name);

/* Starts the machine that is described on the store. */
bool vm_start(const char *command, const char *name);

/* Asks its system to switch itself off and waits until it has, at most @timeout seconds, or as long
 * as its configuration says if that is 0. With @force it is ended then, or if it does not listen.
 * ^C ends the wait. */
bool vm_stop(const char *command, const char *name, uint32_t timeout, bool force);

/* Ends it at once. */
bool vm_kill(const char *command, const char *name);

/* Its system starts anew: by itself if it listens to that, else it is stopped as by vm_stop() and
 * started. */
bool vm_restart(const char *command, const char *name);

/* Before the system ends: does the stop action of all that run, and waits for them. */
void vm_stop_all(void);

/* Writes what its log has in memory to the store. */
void vm_flush_log(const char *name);

/* Notes in its log what has been done with it. */
void vm_note(const char *name, const char *text);

/* Forgets the state of a machine that does not run and has been deleted. */
void vm_forget(const char *name);

#endif
