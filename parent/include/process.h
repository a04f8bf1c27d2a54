/* Processes, as the rest of the kernel sees them: starting programs, waiting for them, ending them.
 */
#ifndef VENEER_PARENT_INCLUDE_PROCESS_H
#define VENEER_PARENT_INCLUDE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/include/system_call.h"

struct object;
struct process;

#define PROCESS_NAME_SIZE 32

struct process_data {
    const void *bytes;
    size_t size; /* > 0 */
};

/* A program to start. All of it is copied. */
struct process_program {
    const char *name;
    const void *file; /* ELF */
    size_t size;
    const char *arguments; /* words, each ended by NUL */
    size_t arguments_size; /* in all, at most SYSTEM_MAX_ARGUMENTS */
    /* For the program to read: its first handles are memory that holds these. */
    const struct process_data *data;
    uint32_t data_count; /* at most SYSTEM_MAX_START_HANDLES */
    /* Its next handles: streams (stream.h) and devices for a child (channel_device.h), of which it
     * gets references of its own. At most SYSTEM_MAX_START_HANDLES. */
    struct object *const *objects;
    uint32_t object_count;
};

/* Starts @program. The result is a reference, for process_put(). On an error NULL, and *@error (if
 * not NULL) is a sentence without full stop that says why. Thread. */
struct process *process_start(const struct process_program *program, const char **error);

/* Waits for the end. False if @deadline passed first. Thread. */
bool process_wait(struct process *process, struct system_process_end *end, uint64_t deadline);

/* Ends @process, if it has not ended yet, with @status. Does not wait. Any. */
void process_kill(struct process *process, int status);

/* The one with number @id, with a reference, or NULL. */
struct process *process_find(uint32_t id);

void process_get(struct process *process);
void process_put(struct process *process);

/* The first object of this type (parent/kernel/proc/object.h) that @process has a handle of, with a
 * reference; NULL: there is none. Any. */
struct object *process_object(struct process *process, uint32_t type);

uint32_t process_id(const struct process *process);
const char *process_name(const struct process *process);

/* What `ps` shows of a process. */
struct process_information {
    uint32_t id, starter_id;
    char name[PROCESS_NAME_SIZE];
    uint32_t threads, handles;
    uint64_t pages; /* mapped */
    bool ended;
};

/* Describes up to @limit processes; returns how many there are. Thread. */
uint32_t process_list(struct process_information *list, uint32_t limit);

/* Writes an account of how @process ended to the log; of a fault with registers and backtrace. */
void process_report(const struct process *process, const struct system_process_end *end);

#endif
