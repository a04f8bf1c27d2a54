/* The life of requests and commands. A request waits in `pending` until the last of its commands
 * has been made; a command waits in `ready` (made but not started: the device was busy, or it is to
 * be repeated) or in `started`. Ended requests go through `finished`, from which one CPU at a time
 * calls their done(), without the lock: a chain of requests that fail at once needs no deeper
 * stack. */
#include "parent/block/queue.h"

#include <stddef.h>

#include "parent/block/bounce.h"
#include "parent/block/split.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define COMMAND_LIMIT_US 30000000ull
/* A command is tried so often. Drives repeat reads of a bad medium themselves. */
#define TRIES_DEVICE 3
#define TRIES_MEDIUM 2
#define ERRORS_SHOWN 16u

struct block_queue {
    struct spinlock lock;
    struct list pending, ready, started, finished, free;
    uint32_t depth;
    uint32_t active; /* started commands */
    /* So many commands yet are started one by one, to find out which of them made the device fail.
     */
    uint32_t careful;
    bool resetting; /* nothing is started; the thread works */
    bool lost;      /* the device is; everything fails */
    bool delivering;
    struct timer timer; /* at the deadline of the first started command, or earlier */
    struct wait_queue reset_wanted;
    struct block_device *first_disk;
    struct bounce bounce;
    uint64_t errors; /* commands that have failed for good */
    struct block_command commands[];
};

static struct block_device *disk_of(struct block_device *device)
{
    return device->parent != NULL ? device->parent : device;
}

/* Gives the lock back and calls done() of what has finished, unless another CPU is at it. */
static void unlock_and_deliver(struct block_queue *queue, uint64_t flags)
{
    struct list *link;

    if (queue->delivering) {
        spin_unlock(&queue->lock, flags);
        return;
    }
    queue->delivering = true;
    while ((link = list_take_first(&queue->finished)) != NULL) {
        struct block_request *request = CONTAINER_OF(link, struct block_request, link);

        spin_unlock(&queue->lock, flags);
        request->done(request);
        flags = spin_lock(&queue->lock);
    }
    queue->delivering = false;
    spin_unlock(&queue->lock, flags);
}

static void count_request(const struct block_request *request)
{
    struct block_device *device = request->device;

    if (request->status != BLOCK_OK) {
        device->errors++;
        return;
    }
    if (request->operation == BLOCK_READ) {
        device->reads++;
        device->bytes_read += request->bytes;
    } else if (request->operation == BLOCK_WRITE) {
        device->writes++;
        device->bytes_written += request->bytes;
    }
}

/* The request, in no list, has ended. */
static void finish_request(struct block_queue *queue, struct block_request *request)
{
    if (request->status == BLOCK_PENDING)
        request->status = BLOCK_OK;
    count_request(request);
    list_add_last(&queue->finished, &request->link);
}

/* Nothing more of the request is started, and it ends with @status when what is has ended. */
static void fail_request(struct block_queue *queue, struct block_request *request,
                         enum block_status status)
{
    if (request->status == BLOCK_PENDING)
        request->status = status;
    list_remove(&request->link);
    request->rest.left = 0;
    request->flush_wanted = false;
    if (request->active == 0)
        finish_request(queue, request);
}

/* A command of the request has ended. */
static void continue_request(struct block_queue *queue, struct block_request *request,
                             enum block_status status)
{
    request->active--;
    if (status != BLOCK_OK)
        fail_request(queue, request, status);
    else if (request->active == 0 && request->rest.left == 0 && request->flush_wanted)
        list_add_first(&queue->pending, &request->link);
    else if (request->active == 0 && request->rest.left == 0)
        finish_request(queue, request);
}

/* A child can repeat a request that fails without end: the first errors are shown, and then those
 * whose number is a power of two. */
static void log_error(struct block_queue *queue, const struct block_command *command,
                      enum block_status status)
{
    const char *operation = command->operation == BLOCK_READ    ? "read"
                            : command->operation == BLOCK_WRITE ? "write"
                                                                : "flush";
    uint64_t count = ++queue->errors;

    if (count > ERRORS_SHOWN && (count & (count - 1)) != 0)
        return;
    log_print(LOG_ERROR, "%s: %s of %u sectors at %lu: %s", command->device->name, operation,
              command->sector_count, command->sector, block_status_text(status));
    if (count >= ERRORS_SHOWN)
        log_print(LOG_ERROR, "%s: that was error %lu; not all of the next ones are shown",
                  disk_of(command->device)->name, count);
}

/* The command, in no list and not counted as active, is over. */
static void end_command(struct block_queue *queue, struct block_command *command,
                        enum block_status status)
{
    struct block_request *request = command->request;

    if (command->bounced)
        bounce_release(&queue->bounce, command, status == BLOCK_OK);
    if (status != BLOCK_OK)
        log_error(queue, command, status);
    list_add_first(&queue->free, &command->link);
    continue_request(queue, request, status);
}

/* The command, in no list, has failed: it is repeated or over. */
static void fail_command(struct block_queue *queue, struct block_command *command,
                         enum block_status status)
{
    uint8_t tries = status == BLOCK_ERROR_DEVICE   ? TRIES_DEVICE
                    : status == BLOCK_ERROR_MEDIUM ? TRIES_MEDIUM
                                                   : 1;

    command->failures++;
    if (command->failures < tries && !queue->lost)
        list_add_first(&queue->ready, &command->link);
    else
        end_command(queue, command, status);
}

static void want_reset(struct block_queue *queue)
{
    queue->resetting = true;
    wake_all(&queue->reset_wanted);
}

/* What the next command for data can be. */
struct part {
    uint32_t sectors; /* 0: not even one fits */
    bool bounced;
};

static struct part next_part(const struct block_device *disk, const struct block_request *request)
{
    struct part part = {0};

    if (request->is_one_command) {
        part.sectors = (uint32_t)(request->bytes / disk->sector_size);
        return part;
    }
    part.sectors = block_command_sectors(disk, request->rest);
    part.bounced = !block_reachable(request->rest, (uint64_t)part.sectors * disk->sector_size,
                                    disk->address_limit);
    if (part.bounced)
        part.sectors = bounce_sectors(disk, request->rest.left);
    return part;
}

/* Takes the first pending request's next part as command; NULL: none can be made now. */
static struct block_command *make_command(struct block_queue *queue, struct block_request *request)
{
    struct block_device *disk = disk_of(request->device);
    bool flush = request->rest.left == 0;
    struct part part = {0};

    if (!flush)
        part = next_part(disk, request);
    if (!flush && part.sectors == 0) {
        fail_request(queue, request, BLOCK_ERROR_INVALID);
        return NULL;
    }
    if (part.bounced && bounce_taken(&queue->bounce))
        return NULL;

    struct block_command *command =
        CONTAINER_OF(list_take_first(&queue->free), struct block_command, link);

    command->device = disk;
    command->operation = flush ? BLOCK_FLUSH : request->operation;
    command->force_unit_access = request->force_unit_access && disk->has_fua;
    command->sector = flush ? 0 : request->next_sector;
    command->sector_count = part.sectors;
    command->data = request->rest;
    command->data.left = (uint64_t)part.sectors * disk->sector_size;
    command->request = request;
    command->failures = 0;
    command->bounced = part.bounced;
    if (part.bounced)
        bounce_take(&queue->bounce, command);
    request->active++;
    if (flush)
        request->flush_wanted = false;
    block_skip(&request->rest, (uint64_t)part.sectors * disk->sector_size);
    request->next_sector += part.sectors;
    /* A flush that follows comes back into the list when the data is written. */
    if (request->rest.left == 0)
        list_remove(&request->link);
    return command;
}

/* The next command to start, in no list; NULL: there is none. */
static struct block_command *next_command(struct block_queue *queue)
{
    struct list *link = list_take_first(&queue->ready);

    if (link != NULL)
        return CONTAINER_OF(link, struct block_command, link);
    while (!list_empty(&queue->pending) && !list_empty(&queue->free)) {
        struct block_request *request =
            CONTAINER_OF(queue->pending.next, struct block_request, link);
        struct block_command *command = make_command(queue, request);

        if (command != NULL || queue->pending.next == &request->link)
            return command;
    }
    return NULL;
}

static bool may_start(const struct block_queue *queue)
{
    uint32_t depth = queue->careful > 0 ? 1 : queue->depth;

    return !queue->resetting && !queue->lost && queue->active < depth;
}

static void start_commands(struct block_queue *queue)
{
    struct block_command *command;

    while (may_start(queue) && (command = next_command(queue)) != NULL) {
        enum block_status status = command->device->driver->start(command->device, command);

        if (status == BLOCK_BUSY && queue->active > 0) {
            list_add_first(&queue->ready, &command->link);
            return;
        }
        if (status == BLOCK_BUSY) /* and no completion that would bring us back */
            status = BLOCK_ERROR_DEVICE;
        if (status != BLOCK_PENDING) {
            if (status == BLOCK_ERROR_DEVICE)
                want_reset(queue);
            fail_command(queue, command, status);
            continue;
        }
        command->deadline = time_now() + COMMAND_LIMIT_US;
        command->timed_out = false;
        queue->active++;
        list_add_last(&queue->started, &command->link);
        if (!queue->timer.pending)
            timer_start(&queue->timer, command->deadline);
    }
}

/* Takes a command out of those started. */
static void stop_command(struct block_queue *queue, struct block_command *command)
{
    list_remove(&command->link);
    queue->active--;
    if (queue->careful > 0)
        queue->careful--;
}

void block_complete(struct block_command *command, enum block_status status)
{
    struct block_queue *queue = command->device->queue;
    uint64_t flags = spin_lock(&queue->lock);

    stop_command(queue, command);
    if (status == BLOCK_OK)
        end_command(queue, command, BLOCK_OK);
    else
        fail_command(queue, command, status);
    start_commands(queue);
    unlock_and_deliver(queue, flags);
}

void block_request_reset(struct block_device *device)
{
    struct block_queue *queue = device->queue;
    uint64_t flags = spin_lock(&queue->lock);

    want_reset(queue);
    spin_unlock(&queue->lock, flags);
}

void block_submit(struct block_device *device, struct block_request *request)
{
    struct block_queue *queue = device->queue;
    enum block_status status = block_check_request(device, request);
    uint64_t flags = spin_lock(&queue->lock);

    list_init(&request->link);
    request->device = device;
    request->active = 0;
    request->status = status == BLOCK_OK ? BLOCK_PENDING : status;
    if (status == BLOCK_OK && queue->lost)
        request->status = BLOCK_ERROR_DEVICE;
    if (request->status != BLOCK_PENDING || (request->rest.left == 0 && !request->flush_wanted)) {
        finish_request(queue, request);
    } else {
        list_add_last(&queue->pending, &request->link);
        start_commands(queue);
    }
    unlock_and_deliver(queue, flags);
}

/* Interrupt context. */
static void check_deadlines(struct timer *timer)
{
    struct block_queue *queue = CONTAINER_OF(timer, struct block_queue, timer);
    uint64_t flags = spin_lock(&queue->lock);

    if (!list_empty(&queue->started) && !queue->resetting) {
        struct block_command *first = CONTAINER_OF(queue->started.next, struct block_command, link);

        if (first->deadline > time_now()) {
            timer_start(&queue->timer, first->deadline);
        } else {
            log_print(LOG_WARNING, "%s: no answer for %llu s", first->device->name,
                      COMMAND_LIMIT_US / 1000000);
            first->timed_out = true;
            want_reset(queue);
        }
    }
    spin_unlock(&queue->lock, flags);
}

/* The device was reset: what is still started must be started again. Alone, or after a time-out, a
 * command counts as having failed; of several we do not know which one did it. */
static void restart_commands(struct block_queue *queue)
{
    uint32_t count = queue->active;

    while (!list_empty(&queue->started)) {
        struct block_command *command =
            CONTAINER_OF(queue->started.previous, struct block_command, link);

        stop_command(queue, command);
        if (command->timed_out || count == 1 || queue->lost)
            fail_command(queue, command, BLOCK_ERROR_DEVICE);
        else
            list_add_first(&queue->ready, &command->link);
    }
    if (count > 1)
        queue->careful = count;
}

static void fail_everything(struct block_queue *queue)
{
    struct list *link;

    while ((link = list_take_first(&queue->ready)) != NULL)
        end_command(queue, CONTAINER_OF(link, struct block_command, link), BLOCK_ERROR_DEVICE);
    while (!list_empty(&queue->pending))
        fail_request(queue, CONTAINER_OF(queue->pending.next, struct block_request, link),
                     BLOCK_ERROR_DEVICE);
}

/* The device that is to be reset. With the lock held. */
static struct block_device *failed_device(const struct block_queue *queue)
{
    const struct list *commands = list_empty(&queue->started) ? &queue->ready : &queue->started;

    if (list_empty(commands))
        return queue->first_disk;
    return CONTAINER_OF(commands->next, struct block_command, link)->device;
}

static _Noreturn int reset_thread(void *argument)
{
    struct block_queue *queue = argument;

    for (;;) {
        WAIT_UNTIL(&queue->reset_wanted, __atomic_load_n(&queue->resetting, __ATOMIC_ACQUIRE),
                   WAIT_FOREVER);

        uint64_t flags = spin_lock(&queue->lock);
        struct block_device *device = failed_device(queue);

        spin_unlock(&queue->lock, flags);

        bool working = device->driver->reset(device);

        if (!working)
            log_print(LOG_ERROR, "%s: does not work any more", device->name);
        flags = spin_lock(&queue->lock);
        queue->lost = !working;
        restart_commands(queue);
        queue->resetting = false;
        if (queue->lost)
            fail_everything(queue);
        start_commands(queue);
        unlock_and_deliver(queue, flags);
    }
}

struct block_queue *block_queue_create(struct block_device *disk)
{
    uint32_t depth = disk->queue_depth;
    struct block_queue *queue = heap_allocate(sizeof(*queue) + depth * sizeof(queue->commands[0]));

    if (queue == NULL)
        return NULL;
    queue->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_BLOCK);
    list_init(&queue->pending);
    list_init(&queue->ready);
    list_init(&queue->started);
    list_init(&queue->finished);
    list_init(&queue->free);
    for (uint32_t i = 0; i < depth; i++) {
        queue->commands[i].tag = i;
        list_add_last(&queue->free, &queue->commands[i].link);
    }
    queue->depth = depth;
    queue->first_disk = disk;
    timer_setup(&queue->timer, check_deadlines);
    wait_queue_init(&queue->reset_wanted);

    struct thread *thread = NULL;

    if (bounce_init(&queue->bounce, disk->address_limit))
        thread = thread_create(disk->name, reset_thread, queue, PRIORITY_HIGH, THREAD_ANY_CPU);
    if (thread == NULL) {
        bounce_free(&queue->bounce);
        heap_free(queue);
        return NULL;
    }
    thread_detach(thread);
    return queue;
}
