/* Spinlocks. Each has a level; an LP takes locks in rising order of levels only, which debug builds
 * check. While waiting, an LP answers the requests of others, so that a TLB shootdown under a lock
 * cannot deadlock. */
#ifndef VENEER_HYPERVISOR_LOCK_H
#define VENEER_HYPERVISOR_LOCK_H

#include <stdint.h>

enum lock_level {
    LOCK_LEVEL_PARTITIONS = 1, /* the table of partitions */
    LOCK_LEVEL_PORTS,          /* all ports and connections */
    LOCK_LEVEL_PARTITION,      /* a partition's map and state */
    LOCK_LEVEL_SYNIC,          /* a VP's SynIC */
    LOCK_LEVEL_PARTITION_POOL, /* a partition's deposited pages */
    LOCK_LEVEL_POOL,           /* the hypervisor's free pages */
    LOCK_LEVEL_CONSOLE,
};

struct spinlock {
    uint32_t taken;
    uint32_t level; /* enum lock_level */
};

#define SPINLOCK(lock_level)                                                                       \
    {                                                                                              \
        .taken = 0, .level = (lock_level)                                                          \
    }

/* Not from NMI or exception handlers. Only from lp_init() on. */
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

#endif
