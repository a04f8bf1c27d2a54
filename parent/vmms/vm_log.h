/* What a machine's serial port says, and the events of its life, as a text on the store:
 * /vms/NAME/log. Lines of the machine begin with "| ", so it cannot make events up. A log that has
 * grown to VM_LOG_FILE_MAX becomes log.old, in place of the one before. */
#ifndef VENEER_PARENT_VMMS_VM_LOG_H
#define VENEER_PARENT_VMMS_VM_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "parent/include/thread.h"
#include "parent/vmms/vm_config.h"

#define VM_LOG_FILE_MAX (128u << 10)
#define VM_LOG_BUFFER 4096u

struct vm_log {
    char name[VM_NAME_SIZE];
    struct mutex lock; /* all below; outside of the store's */
    bool in_line;      /* the last character of the machine was no line end */
    bool complained;   /* it could not be written, which has been said */
    size_t used;
    char buffer[VM_LOG_BUFFER]; /* what is not in the file yet */
};

void vm_log_init(struct vm_log *log, const char *name);

/* Adds what the machine has said; of characters that are not plain ones only line ends. Thread;
 * takes the lock. */
void vm_log_hear(struct vm_log *log, const char *bytes, size_t count);

/* Adds an event, with date and time, and writes everything to the store. Thread; takes the lock. */
void vm_log_event(struct vm_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes what there is to the store. Thread; takes the lock. */
void vm_log_flush(struct vm_log *log);

#endif
