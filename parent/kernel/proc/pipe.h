/* Pipes: two ends, each with a queue of messages that the other one has sent. */
#ifndef VENEER_PARENT_PROC_PIPE_H
#define VENEER_PARENT_PROC_PIPE_H

#include "parent/include/list.h"
#include "parent/kernel/proc/handle.h"
#include "parent/kernel/proc/job.h"

/* Owns its handles' references. */
struct message {
    struct list link;
    uint32_t size;
    uint32_t handle_count;
    struct handle handles[SYSTEM_MAX_MESSAGE_HANDLES];
    uint8_t data[];
};

/* With room for @size bytes and no handles; NULL: no memory. */
struct message *message_create(uint32_t size);
void message_destroy(struct message *message);

/* Makes a pipe: both ends, with a reference each. Thread. */
enum system_error pipe_create(struct job *job, struct object *ends[2]);

/* Queues @message, which belongs to the pipe then, for the other end; waits for room. On an error
 * it stays the caller's. Thread. */
enum system_error pipe_send(struct object *end, struct message *message, uint64_t deadline);

/* Takes the next message, of at most @size bytes, which belongs to the caller then; waits for it.
 * Messages that were sent before the other end was closed still come. Thread. */
enum system_error pipe_receive(struct object *end, uint32_t size, uint64_t deadline,
                               struct message **message);

#endif
