/* Spinlocks. They are taken with interrupts off, so that an interrupt handler may take them, too.
 * Not for NMI handlers. */
#ifndef VENEER_PARENT_LOCK_H
#define VENEER_PARENT_LOCK_H

#include <stdint.h>

#include "lib/x86/cpu.h"

struct spinlock {
    uint32_t taken;
};

/* Disables interrupts; returns RFLAGS as they were, for interrupts_restore(). */
static inline uint64_t interrupts_save(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void interrupts_restore(uint64_t flags)
{
    if (flags & RFLAGS_IF)
        interrupts_enable();
}

/* Takes @lock; the result is for spin_unlock(). */
static inline uint64_t spin_lock(struct spinlock *lock)
{
    uint64_t flags = interrupts_save();
    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE)) {
        while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
            cpu_pause();
    }
    return flags;
}

static inline void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
    interrupts_restore(flags);
}

#endif
