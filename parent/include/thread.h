/* Kernel threads and what they wait with. Published interface of the parent's kernel: for drivers,
 * providers, services.
 *
 * Contexts: "thread" means a thread with interrupts on and no spinlock held, which may block; "any"
 * includes interrupt handlers, which may not. */
#ifndef VENEER_PARENT_INCLUDE_THREAD_H
#define VENEER_PARENT_INCLUDE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/list.h"
#include "parent/include/spinlock.h"

struct thread;

/* Higher runs first; equals share by round robin in slices of THREAD_SLICE_US. */
enum thread_priority {
    PRIORITY_IDLE = 0,
    PRIORITY_LOW = 8,
    PRIORITY_NORMAL = 16,
    PRIORITY_HIGH = 24, /* drivers, workers of devices */
    PRIORITY_COUNT = 32,
};

#define THREAD_SLICE_US 10000
#define THREAD_ANY_CPU UINT32_MAX
#define THREAD_NAME_SIZE 24

/* Makes a thread that runs @entry(@argument) at once, on CPU @cpu or wherever there is room
 * (THREAD_ANY_CPU). @name is copied, cut to fit. NULL: no memory. It ends when @entry returns or
 * calls thread_exit(). The creator owns one reference: it must call thread_join() or
 * thread_detach(). Any. */
struct thread *thread_create(const char *name, int (*entry)(void *argument), void *argument,
                             enum thread_priority priority, uint32_t cpu);

_Noreturn void thread_exit(int status);

/* Waits for the end of @thread and gives its resources back; the result is its status. Once per
 * thread. Thread. */
int thread_join(struct thread *thread);

/* Nobody will join: resources go back by themselves at the end. */
void thread_detach(struct thread *thread);

struct thread *thread_self(void);
const char *thread_name(const struct thread *thread);

/* Lets others of the same priority run. Thread. */
void thread_yield(void);

/* Thread. */
void thread_sleep(uint64_t microseconds);

/* Changes where @thread may run: for the calling thread at once (thread), for others at their next
 * turn (any). THREAD_ANY_CPU: everywhere. */
void thread_set_cpu(struct thread *thread, uint32_t cpu);

/* Any. */
void thread_set_priority(struct thread *thread, enum thread_priority priority);

/* A queue of threads that wait for a condition. Spurious wake-ups are possible: wait in a loop, as
 * WAIT_UNTIL does. */
struct wait_queue {
    struct spinlock lock;
    struct list waiters;
};

void wait_queue_init(struct wait_queue *queue);

/* Deadline for no limit. */
#define WAIT_FOREVER UINT64_MAX

struct waiter {
    struct list link;
    struct thread *thread;
    bool woken;
};

/* The parts of WAIT_UNTIL: enqueue the calling thread; sleep until woken or @deadline (microseconds
 * since boot, see time.h), false if the deadline passed; dequeue. Thread. */
void wait_begin(struct wait_queue *queue, struct waiter *waiter);
bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline);
void wait_end(struct wait_queue *queue, struct waiter *waiter);

/* Blocks until @condition is true or @deadline passes; the value is the last value of the
 * condition. Thread. */
#define WAIT_UNTIL(queue, condition, deadline)                                                     \
    ({                                                                                             \
        bool wait_result_ = (condition);                                                           \
        if (!wait_result_) {                                                                       \
            struct waiter waiter_;                                                                 \
            bool in_time_ = true;                                                                  \
            wait_begin((queue), &waiter_);                                                         \
            while (!(wait_result_ = (condition)) && in_time_)                                      \
                in_time_ = wait_sleep((queue), &waiter_, (deadline));                              \
            wait_end((queue), &waiter_);                                                           \
        }                                                                                          \
        wait_result_;                                                                              \
    })

/* Wakes all, or the one that waits longest with the highest priority. Any. */
void wake_all(struct wait_queue *queue);
void wake_one(struct wait_queue *queue);

/* An event that happens once: a request is done, a thread has ended. Unlike a flag and a wait queue
 * it may be on the stack of the thread that waits: completion_signal() is done with it when
 * completion_wait() returns. */
struct completion {
    struct wait_queue queue;
    bool done; /* the queue's lock */
};

void completion_init(struct completion *completion);

/* Any. */
void completion_signal(struct completion *completion);

/* False if @deadline passed first: then the completion must stay until it is signalled. Thread. */
bool completion_wait(struct completion *completion, uint64_t deadline);

/* Sleeping locks, not recursive. Thread. Debug builds check the owner. */
struct mutex {
    struct wait_queue queue;
    struct thread *owner;
};

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* Work for a thread of the kernel's pool, to be asked for from interrupt handlers. The pool is
 * small: functions may block for short times, not for a user's input. */
struct work {
    struct list link;
    void (*function)(struct work *work);
    bool queued; /* atomic */
};

void work_setup(struct work *work, void (*function)(struct work *work));

/* The item is the caller's and may be queued again, or be freed, once its function has begun.
 * False: it is queued already. Any. */
bool work_queue(struct work *work);

/* Threads that exist; those that have ended count until somebody has joined them. */
uint32_t thread_count(void);

/* What `ps` shows of a thread. */
struct thread_information {
    uint32_t id;
    uint32_t process_id; /* 0: of the kernel */
    char name[THREAD_NAME_SIZE];
    char state; /* R running, r ready, b blocked, x ended */
    uint8_t priority;
    uint32_t cpu;
    uint64_t run_microseconds;
    uint64_t switch_count;
};

/* Describes up to @limit threads; returns how many there are. Thread. */
uint32_t thread_list(struct thread_information *list, uint32_t limit);

#endif
