#include "parent/kernel/proc/pipe.h"

#include <stdbool.h>

#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/kernel/proc/process.h"

/* What waits in one direction. All in all a pipe takes no more than PIPE_PAGES. */
#define MAX_MESSAGES 16
#define MAX_BYTES 16384
#define PIPE_PAGES 10

struct direction {
    struct list messages;
    uint32_t count, bytes;
    bool closed; /* by the end that receives */
};

struct pipe {
    struct spinlock lock;           /* all below */
    struct direction directions[2]; /* to end 0, to end 1 */
    struct wait_queue changed;      /* whoever waits for whatever */
    struct job *job;
};

struct pipe_end {
    struct object object;
    struct pipe *pipe;
    unsigned number;
};

struct message *message_create(uint32_t size)
{
    struct message *message = heap_allocate(sizeof(*message) + size);
    if (!message)
        return NULL;
    list_init(&message->link);
    message->size = size;
    return message;
}

void message_destroy(struct message *message)
{
    for (uint32_t i = 0; i < message->handle_count; i++)
        object_put(message->handles[i].object);
    heap_free(message);
}

static struct message *take_first(struct direction *direction)
{
    struct list *item = list_take_first(&direction->messages);
    if (!item)
        return NULL;
    struct message *message = CONTAINER_OF(item, struct message, link);
    direction->count--;
    direction->bytes -= message->size;
    return message;
}

static void free_pipe(struct pipe *pipe)
{
    job_give_pages(pipe->job, PIPE_PAGES);
    job_put(pipe->job);
    heap_free(pipe);
}

static void destroy(struct object *object)
{
    struct pipe_end *end = CONTAINER_OF(object, struct pipe_end, object);
    struct pipe *pipe = end->pipe;
    struct direction *own = &pipe->directions[end->number];
    struct list rest = {&rest, &rest};

    uint64_t flags = spin_lock(&pipe->lock);
    own->closed = true;
    bool last = pipe->directions[!end->number].closed;
    for (struct message *message; (message = take_first(own)) != NULL;)
        list_add_last(&rest, &message->link);
    if (!last)
        wake_all(&pipe->changed);
    spin_unlock(&pipe->lock, flags);

    for (struct list *item; (item = list_take_first(&rest)) != NULL;)
        message_destroy(CONTAINER_OF(item, struct message, link));
    if (last)
        free_pipe(pipe);
    heap_free(end);
}

static void init_pipe(struct pipe *pipe, struct job *job)
{
    pipe->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_OBJECT);
    list_init(&pipe->directions[0].messages);
    list_init(&pipe->directions[1].messages);
    wait_queue_init(&pipe->changed);
    job_get(job);
    pipe->job = job;
}

enum system_error pipe_create(struct job *job, struct object *ends[2])
{
    if (!job_take_pages(job, PIPE_PAGES))
        return SYSTEM_ERROR_LIMIT;
    struct pipe *pipe = heap_allocate(sizeof(*pipe));
    struct pipe_end *first = heap_allocate(sizeof(*first));
    struct pipe_end *second = heap_allocate(sizeof(*second));
    if (!pipe || !first || !second) {
        heap_free(pipe);
        heap_free(first);
        heap_free(second);
        job_give_pages(job, PIPE_PAGES);
        return SYSTEM_ERROR_MEMORY;
    }
    init_pipe(pipe, job);
    *first = (struct pipe_end){.pipe = pipe, .number = 0};
    *second = (struct pipe_end){.pipe = pipe, .number = 1};
    object_init(&first->object, OBJECT_PIPE_END, destroy);
    object_init(&second->object, OBJECT_PIPE_END, destroy);
    ends[0] = &first->object;
    ends[1] = &second->object;
    return SYSTEM_OK;
}

/* False: there is no room now. */
static bool try_send(struct pipe *pipe, struct direction *to, struct message *message,
                     enum system_error *error)
{
    bool decided = true;
    uint64_t flags = spin_lock(&pipe->lock);
    if (to->closed) {
        *error = SYSTEM_ERROR_CLOSED;
    } else if (to->count < MAX_MESSAGES && to->bytes + message->size <= MAX_BYTES) {
        list_add_last(&to->messages, &message->link);
        to->count++;
        to->bytes += message->size;
        *error = SYSTEM_OK;
        wake_all(&pipe->changed);
    } else {
        decided = false;
    }
    spin_unlock(&pipe->lock, flags);
    return decided;
}

enum system_error pipe_send(struct object *object, struct message *message, uint64_t deadline)
{
    struct pipe_end *end = CONTAINER_OF(object, struct pipe_end, object);
    struct pipe *pipe = end->pipe;
    struct direction *to = &pipe->directions[!end->number];
    enum system_error error = SYSTEM_ERROR_INTERRUPTED;
    if (!WAIT_UNTIL(&pipe->changed, process_is_dying() || try_send(pipe, to, message, &error),
                    deadline))
        return SYSTEM_ERROR_TIMEOUT;
    return error;
}

/* False: nothing has come yet. */
static bool try_receive(struct pipe *pipe, unsigned number, uint32_t size, struct message **message,
                        enum system_error *error)
{
    struct direction *own = &pipe->directions[number];
    bool decided = true;
    uint64_t flags = spin_lock(&pipe->lock);
    if (own->count == 0) {
        *error = SYSTEM_ERROR_CLOSED;
        decided = pipe->directions[!number].closed;
    } else if (CONTAINER_OF(own->messages.next, struct message, link)->size > size) {
        *error = SYSTEM_ERROR_SIZE;
    } else {
        *message = take_first(own);
        *error = SYSTEM_OK;
        wake_all(&pipe->changed);
    }
    spin_unlock(&pipe->lock, flags);
    return decided;
}

enum system_error pipe_receive(struct object *object, uint32_t size, uint64_t deadline,
                               struct message **message)
{
    struct pipe_end *end = CONTAINER_OF(object, struct pipe_end, object);
    struct pipe *pipe = end->pipe;
    enum system_error error = SYSTEM_ERROR_INTERRUPTED;
    if (!WAIT_UNTIL(&pipe->changed,
                    process_is_dying() || try_receive(pipe, end->number, size, message, &error),
                    deadline))
        return SYSTEM_ERROR_TIMEOUT;
    return error;
}
