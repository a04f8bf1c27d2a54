/* What the files of the VM service share. */
#ifndef VENEER_PARENT_VMMS_VM_INTERNAL_H
#define VENEER_PARENT_VMMS_VM_INTERNAL_H

#include "parent/include/list.h"
#include "parent/include/thread.h"
#include "parent/vmms/vm.h"
#include "parent/vmms/vm_log.h"

struct child;
struct child_plan;

/* A machine that has been started since the system was. */
struct vm {
    struct list link;
    char name[VM_NAME_SIZE];
    struct vm_log log;
    bool leaving; /* its end belongs to the system's; of the console's thread */
    /* By the service's lock: */
    enum vm_state state;
    char reason[VM_WHY_SIZE];
    struct child *child; /* its watcher's reference; NULL: it does not run */
    bool killed;         /* its end was asked for */
    uint32_t stop;       /* enum vm_stop_action */
    uint32_t stop_timeout;
};

extern struct mutex vm_lock;
extern struct list vm_list;          /* never shorter but by the console's thread */
extern struct wait_queue vm_changed; /* a state has */

/* The machine called @name that has been started, NULL: none. The console's thread, or the lock. */
struct vm *vm_find(const char *name);

/* Whether its worker is there. Takes the lock. */
bool vm_runs(struct vm *vm);

/* Waits until it does not run any more. False: @deadline has passed first. */
bool vm_wait_end(struct vm *vm, uint64_t deadline);

/* Opens what the machine is made of. False: printed why. */
bool vm_plan_open(const char *command, struct vm *vm, const struct vm_config *config,
                  struct child_plan *plan);

#endif
