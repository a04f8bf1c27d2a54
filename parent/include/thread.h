/* Kernel threads and what they wait with. Published interface of the parent's kernel: for drivers, providers, services.
 *
 * Contexts: "thread" means a thread with interrupts on and no spinlock held, which may block; "any" includes interrupt
 * handlers, which may not. */
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

/* Makes a thread that runs @entry(@argument) at once, on CPU @cpu or wherever there is room (THREAD_ANY_CPU). @name is copied, cut
 * to fit. NULL: no memory. It ends when @entry returns or calls thread_exit(). The creator owns one reference: it must call thread_join() or
 * thread_detach(). Thread context. */
struct thread *thread_create(const char *name, int (*entry)(void *argument), void *argument,
                             enum thread_priority priority, uint32_t cpu);

_Noreturn void thread_exit(int status);

/* Waits for the end of @thread and gives its resources back; the result is its status. Once per thread. Thread. */
int thread_join(struct thread *thread);

/* Nobody will join: resources go back by themselves at the end. */
void thread_detach(struct thread *thread);

struct thread *thread_self(void);
const char *thread_name(const struct thread *thread);

/* Lets others of the same priority run. Thread. */
void thread_yield(void);

/* Thread. */
void thread_sleep(uint64_t microseconds);

/* Changes where @thread may run; takes effect at its next turn. */
void thread_set_cpu(struct thread *thread, uint32_t cpu);
void thread_set_priority(struct thread *thread, enum thread_priority priority);

/* A queue of threads that wait for a condition. Spurious wake-ups are possible: wait in a loop, as WAIT_UNTIL does. */
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

/* The parts of WAIT_UNTIL: enqueue the calling thread; sleep until woken or @deadline (microseconds since boot, see time.h),
 * false if the deadline passed; dequeue. */
void wait_begin(struct wait_queue *queue, struct waiter *waiter);
bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline);
void wait_end(struct wait_queue *queue, struct waiter *waiter);

/* Blocks until @condition is true or @deadline passes; the value is the last value of the condition. Thread. */
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

/* Sleeping locks, not recursive. Thread. Debug builds check the owner. */
struct mutex {
    struct wait_queue queue;
    struct thread *owner;
};

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* Work for a thread of the kernel's pool, to be asked for from interrupt handlers. The item is the caller's and may be queued again once
 * its function has begun. False: it is queued already. Any. */
struct work {
    struct list link;
    void (*function)(struct work *work);
    bool queued;
};

bool work_queue(struct work *work);

#endif
