#include "worker/timer.h"

#include "parent/user/system.h"
#include "worker/machine.h"

#define NS_PER_US 1000u
#define NS_PER_SECOND 1000000000ull

/* By the machine's lock. */
static struct device_timer *first; /* of the armed ones, in order of their deadlines */
static uint64_t sleeping_until;    /* ns; what the thread waits for */

static uint64_t wall_clock_offset; /* ns; of the wall clock to now() */
static uint32_t wake_up, woken;    /* ends of a pipe: a message is "look again" */

static uint64_t now(void *context)
{
    (void)context;
    return system_time() * NS_PER_US;
}

static uint64_t wall_clock(void *context)
{
    return now(context) + wall_clock_offset;
}

static void remove(struct device_timer *timer)
{
    for (struct device_timer **link = &first; *link; link = &(*link)->next)
        if (*link == timer) {
            *link = timer->next;
            return;
        }
}

static void insert(struct device_timer *timer)
{
    struct device_timer **link = &first;
    while (*link && (*link)->deadline <= timer->deadline)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
}

static void arm(void *context, struct device_timer *timer, uint64_t deadline)
{
    (void)context;
    remove(timer);
    timer->deadline = deadline;
    if (deadline == DEVICE_NEVER)
        return;
    insert(timer);
    if (deadline < sleeping_until) { /* a pipe that is full has woken it already */
        sleeping_until = deadline;
        system_pipe_send(wake_up, "", 1, NULL, 0, 0);
    }
}

/* Lets those expire whose time has come; returns when the next one's comes, in us. */
static uint64_t expire(void)
{
    uint64_t time = now(NULL);
    while (first && first->deadline <= time) {
        struct device_timer *timer = first;
        first = timer->next;
        timer->deadline = DEVICE_NEVER;
        timer->expired(timer->device);
    }
    sleeping_until = first ? first->deadline : DEVICE_NEVER;
    return first ? (first->deadline + NS_PER_US - 1) / NS_PER_US : SYSTEM_FOREVER;
}

static void run(void *argument)
{
    (void)argument;
    for (;;) {
        uint8_t byte;
        struct system_message message = {.buffer = (uintptr_t)&byte, .size = sizeof(byte)};
        lock_take(&machine.lock);
        uint64_t deadline = expire();
        lock_release(&machine.lock);
        system_pipe_receive(woken, &message, deadline);
    }
}

void timer_init(struct device_host *host)
{
    uint32_t ends[2];
    machine_must(system_pipe_create(ends), "no pipe for timers");
    wake_up = ends[0];
    woken = ends[1];
    wall_clock_offset = system_wall_clock() * NS_PER_SECOND - now(NULL);
    sleeping_until = DEVICE_NEVER;
    host->now = now;
    host->wall_clock = wall_clock;
    host->arm = arm;
    machine_start_thread(run, NULL);
}
