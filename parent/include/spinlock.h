/* Spinlocks of the parent's kernel: taken with interrupts off, so that interrupt handlers may take them, too. Each has a
 * level; a CPU takes locks in rising order of levels only, which debug builds check. Not for NMI handlers. */
#ifndef VENEER_PARENT_INCLUDE_SPINLOCK_H
#define VENEER_PARENT_INCLUDE_SPINLOCK_H

#include <stdint.h>

/* Outermost first. A driver's lock may be held while it wakes threads or starts timers, not the other way round. */
enum lock_level {
    LOCK_LEVEL_DRIVER = 1, /* one device */
    LOCK_LEVEL_BLOCK,      /* queues of the block layer */
    LOCK_LEVEL_NET,
    LOCK_LEVEL_OBJECT,     /* processes, handles, pipes */
    LOCK_LEVEL_WAIT,       /* wait queues */
    LOCK_LEVEL_TIMER,
    LOCK_LEVEL_RUN_QUEUE,
    LOCK_LEVEL_MEMORY,     /* heap, pages, page tables */
    LOCK_LEVEL_LOG,        /* log ring and console */
};

struct spinlock {
    uint32_t taken;
    uint32_t level; /* enum lock_level */
};

#define SPINLOCK(lock_level) {.taken = 0, .level = (lock_level)}

/* Takes @lock; the result is for spin_unlock(). Any context but NMI handlers. */
uint64_t spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock, uint64_t flags);

#endif
