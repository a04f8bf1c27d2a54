/* Wait queues, completions and mutexes. */
#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/sched/scheduler.h"
#include "parent/kernel/time.h"

void wait_queue_init(struct wait_queue *queue)
{
    queue->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_WAIT);
    list_init(&queue->waiters);
}

void wait_begin(struct wait_queue *queue, struct waiter *waiter)
{
    waiter->thread = current_thread();
    waiter->woken = false;
    uint64_t flags = spin_lock(&queue->lock);
    list_add_last(&queue->waiters, &waiter->link);
    spin_unlock(&queue->lock, flags);
}

bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline)
{
    (void)queue;
    if (__atomic_exchange_n(&waiter->woken, false, __ATOMIC_ACQ_REL))
        return true;
    if (deadline != WAIT_FOREVER && time_now() >= deadline)
        return false;
    sched_block_until(deadline);
    return __atomic_exchange_n(&waiter->woken, false, __ATOMIC_ACQ_REL) ||
           deadline == WAIT_FOREVER || time_now() < deadline;
}

void wait_end(struct wait_queue *queue, struct waiter *waiter)
{
    uint64_t flags = spin_lock(&queue->lock);
    list_remove(&waiter->link);
    bool unused = waiter->woken;
    spin_unlock(&queue->lock, flags);
    /* A wake_one() that came when we needed it no longer is for somebody else. */
    if (unused)
        wake_one(queue);
}

/* The queue's lock is held: the waiter cannot leave. */
static void wake(struct waiter *waiter)
{
    if (!__atomic_exchange_n(&waiter->woken, true, __ATOMIC_ACQ_REL))
        sched_wake(waiter->thread);
}

static void wake_all_locked(struct wait_queue *queue)
{
    LIST_FOR_EACH (item, &queue->waiters) {
        wake(CONTAINER_OF(item, struct waiter, link));
    }
}

void wake_all(struct wait_queue *queue)
{
    uint64_t flags = spin_lock(&queue->lock);
    wake_all_locked(queue);
    spin_unlock(&queue->lock, flags);
}

void wake_one(struct wait_queue *queue)
{
    struct waiter *best = NULL;
    uint64_t flags = spin_lock(&queue->lock);
    LIST_FOR_EACH (item, &queue->waiters) {
        struct waiter *waiter = CONTAINER_OF(item, struct waiter, link);
        if (!__atomic_load_n(&waiter->woken, __ATOMIC_ACQUIRE) &&
            (!best || waiter->thread->priority > best->thread->priority))
            best = waiter;
    }
    if (best)
        wake(best);
    spin_unlock(&queue->lock, flags);
}

void completion_init(struct completion *completion)
{
    wait_queue_init(&completion->queue);
    completion->done = false;
}

void completion_signal(struct completion *completion)
{
    uint64_t flags = spin_lock(&completion->queue.lock);
    completion->done = true;
    wake_all_locked(&completion->queue);
    spin_unlock(&completion->queue.lock, flags);
}

/* Looks under the lock: completion_signal() has let go of it, its last access, if the result is
 * true. */
static bool is_done(struct completion *completion)
{
    uint64_t flags = spin_lock(&completion->queue.lock);
    bool done = completion->done;
    spin_unlock(&completion->queue.lock, flags);
    return done;
}

bool completion_wait(struct completion *completion, uint64_t deadline)
{
    return WAIT_UNTIL(&completion->queue, is_done(completion), deadline);
}

void mutex_init(struct mutex *mutex)
{
    wait_queue_init(&mutex->queue);
    mutex->owner = NULL;
}

static bool try_lock(struct mutex *mutex)
{
    struct thread *nobody = NULL;
    return __atomic_compare_exchange_n(&mutex->owner, &nobody, current_thread(), false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

void mutex_lock(struct mutex *mutex)
{
    if (VENEER_DEBUG && __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == current_thread())
        panic("mutex %p locked twice", (void *)mutex);
    if (VENEER_DEBUG && this_cpu()->interrupt_depth > 0)
        panic("mutex %p locked by an interrupt handler", (void *)mutex);
    WAIT_UNTIL(&mutex->queue, try_lock(mutex), WAIT_FOREVER);
}

void mutex_unlock(struct mutex *mutex)
{
    if (VENEER_DEBUG && __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) != current_thread())
        panic("mutex %p unlocked by a thread that does not hold it", (void *)mutex);
    /* Ordered before the look at the waiters; they enqueue first and then try to lock. */
    __atomic_store_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&mutex->queue.waiters.next, __ATOMIC_SEQ_CST) != &mutex->queue.waiters)
        wake_one(&mutex->queue);
}
