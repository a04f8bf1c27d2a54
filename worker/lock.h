/* A lock for threads of this process. Whoever waits gives its processor away now and then: the
 * holder may have been interrupted on it. */
#ifndef VENEER_WORKER_LOCK_H
#define VENEER_WORKER_LOCK_H

#include <stdbool.h>

struct lock {
    bool taken;
};

/* Waits until nobody has the lock. */
void lock_wait(struct lock *lock);

static inline void lock_take(struct lock *lock)
{
    while (__atomic_exchange_n(&lock->taken, true, __ATOMIC_ACQUIRE))
        lock_wait(lock);
}

static inline void lock_release(struct lock *lock)
{
    __atomic_store_n(&lock->taken, false, __ATOMIC_RELEASE);
}

#endif
