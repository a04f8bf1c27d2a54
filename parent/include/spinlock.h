/* Spinlocks of the parent's kernel: fair, and taken with interrupts off, so that interrupt handlers
 * may take them, too, and a holder is never preempted. Each has a level; a CPU takes locks in
 * rising order of levels only, never two of one level, which debug builds check. Not for NMI
 * handlers. */
#ifndef VENEER_PARENT_INCLUDE_SPINLOCK_H
#define VENEER_PARENT_INCLUDE_SPINLOCK_H

#include <stdint.h>

/* Outermost first. The block layer and the network call drivers with their own locks held, so a
 * driver gives its lock back before it completes a request or delivers a frame; it may keep it
 * while it wakes threads or starts timers, not the other way round. */
enum lock_level {
    LOCK_LEVEL_BLOCK = 1,    /* queues of the block layer */
    LOCK_LEVEL_NET,          /* network stacks */
    LOCK_LEVEL_SWITCH,       /* virtual switches: stacks send to them as to a card */
    LOCK_LEVEL_VDISK,        /* virtual disks and their workers */
    LOCK_LEVEL_DRIVER,       /* one device */
    LOCK_LEVEL_PROCESS_LIST, /* the list of all processes */
    LOCK_LEVEL_PROCESS,      /* processes, handle tables, address spaces */
    LOCK_LEVEL_OBJECT,       /* what handles refer to: pipes */
    LOCK_LEVEL_VMBUS,        /* what interrupts give to a bus: below that of ports */
    LOCK_LEVEL_INTERRUPT,    /* the table of device interrupts */
    LOCK_LEVEL_IOAPIC,
    LOCK_LEVEL_WORK, /* the work queue */
    LOCK_LEVEL_WAIT, /* wait queues */
    LOCK_LEVEL_TIMER,
    LOCK_LEVEL_RUN_QUEUE,
    LOCK_LEVEL_THREADS, /* the list of all threads */
    LOCK_LEVEL_HEAP,
    LOCK_LEVEL_PAGE_TABLE, /* of the kernel, and its stacks */
    LOCK_LEVEL_PAGE_CACHE, /* a CPU's free pages */
    LOCK_LEVEL_PAGES,      /* the page allocator */
    LOCK_LEVEL_LOG,        /* log ring and console */
    LOCK_LEVEL_BUS,        /* registers that devices share: PCI configuration ports */
    LOCK_LEVEL_COUNT,
};

/* A ticket lock: held by the one whose ticket is being served. */
struct spinlock {
    uint16_t serving;
    uint16_t next;
    uint32_t level; /* enum lock_level */
};

#define SPINLOCK(lock_level)                                                                       \
    {                                                                                              \
        .level = (lock_level)                                                                      \
    }

/* Between two looks of a waiting loop. */
void spin_wait(void);

/* Takes @lock; the result is for spin_unlock(). Any context but NMI handlers. */
uint64_t spin_lock(struct spinlock *lock);

/* Gives it back, and interrupts as they were before spin_lock(). */
void spin_unlock(struct spinlock *lock, uint64_t flags);

#endif
