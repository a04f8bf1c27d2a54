/* Spinlocks of the parent's kernel: taken with interrupts off, so that interrupt handlers may take them, too. Each has a
 * level; a CPU takes locks in rising order of levels only, which debug builds check. Not for NMI handlers. */
#ifndef VENEER_PARENT_INCLUDE_SPINLOCK_H
#define VENEER_PARENT_INCLUDE_SPINLOCK_H

#include <stdint.h>

/* Outermost first. The block layer and the network call drivers with their own locks held, so a
 * driver gives its lock back before it completes a request or delivers a frame; it may keep it while
 * it wakes threads or starts timers, not the other way round. */
enum lock_level {
    LOCK_LEVEL_BLOCK = 1,  /* queues of the block layer */
    LOCK_LEVEL_NET,
    LOCK_LEVEL_DRIVER,     /* one device */
    LOCK_LEVEL_OBJECT,     /* processes, handles, pipes */
    LOCK_LEVEL_WAIT,       /* wait queues */
    LOCK_LEVEL_TIMER,
    LOCK_LEVEL_RUN_QUEUE,
    LOCK_LEVEL_MEMORY,     /* heap, pages, page tables */
    LOCK_LEVEL_LOG,        /* log ring and console */
    LOCK_LEVEL_BUS,        /* registers that devices share: PCI configuration ports */
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
