/* Processes' insides; what the rest of the kernel calls is in parent/include/process.h.
 *
 * A process lives as long as it has threads. Each ends in process_leave(), on its way back to ring
 * 3, so that nothing that a system call holds is ever lost; the last one gives back everything that
 * the process has. The structure stays until the last reference has gone: it tells how the process
 * ended. */
#ifndef VENEER_PARENT_PROC_PROCESS_H
#define VENEER_PARENT_PROC_PROCESS_H

#include "parent/include/process.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/proc/address_space.h"
#include "parent/kernel/proc/handle.h"
#include "parent/kernel/proc/job.h"
#include "parent/kernel/proc/object.h"

struct process {
    struct object object;
    uint32_t id, starter_id;
    char name[PROCESS_NAME_SIZE];
    struct job *job;
    struct address_space space;
    struct handle_table handles;
    struct list all_link; /* of the list in process.c, by its lock */

    struct spinlock lock; /* all below */
    struct list threads;
    uint32_t thread_count;
    bool dying; /* its threads are to end; atomic to read without the lock */
    bool ended; /* they have; atomic likewise */
    struct system_process_end end;
    struct wait_queue ended_queue;
};

/* What process_create() needs to know. */
struct process_plan {
    const char *name;
    const void *file;
    size_t size;
    const char *arguments;
    size_t arguments_size;
    struct process *starter;         /* NULL: the kernel, which makes a new job */
    const struct process_data *data; /* for the first handles, in front of the others */
    uint32_t data_count;
    const struct handle *handles;
    uint32_t handle_count;
};

/* Makes and starts a process with copies of the plan's handles, one reference for the caller. NULL:
 * *@error says why, and *@text (a sentence) says more or is NULL. Thread. */
struct process *process_create(const struct process_plan *plan, enum system_error *error,
                               const char **text);

/* Adds a thread that enters ring 3 with @entry's registers. Thread. */
enum system_error process_add_thread(struct process *process, const struct trap_frame *entry);

/* The process of the calling thread, NULL in kernel threads. */
struct process *current_process(void);

/* Whether the calling thread's process is to end: system calls then return as soon as they can. */
bool process_is_dying(void);

/* Ends the calling process by itself, or by an exception of ring 3, with CR2 as it was then. It
 * takes effect on the way back. */
void process_exit(int status);
void process_fault(const struct trap_frame *frame, uint64_t cr2);

/* Ends the calling thread, which holds nothing of the kernel. */
_Noreturn void process_leave(void);

/* Before each return to ring 3, interrupts off: leaves if the process is to end. */
static inline void process_check(void)
{
    if (__builtin_expect(process_is_dying(), 0))
        process_leave();
}

#endif
