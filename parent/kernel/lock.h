/* Spinlocks. They are taken with interrupts off, so that an interrupt handler may take them, too.
 * Not for NMI handlers. */
#ifndef VENEER_PARENT_LOCK_H
#define VENEER_PARENT_LOCK_H

#include <stdint.h>

#include "lib/x86/cpu.h"

/* With interrupts off: enables them and halts until one has been served. STI takes effect after the
 * next instruction, so an interrupt that is there already ends the HLT, too. */
static inline void halt_until_interrupt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

/* Between two looks of a waiting loop. Under QEMU with a thread per processor each PAUSE takes the
 * emulator's global lock: a loop of little else keeps the others from taking interrupts. With one
 * thread for all it is what lets them run. So there is one PAUSE after some idle turns. */
static inline void spin_wait(void)
{
    for (int i = 0; i < 200; i++)
        __asm__ volatile("" ::: "memory");
    cpu_pause();
}

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
            spin_wait();
    }
    return flags;
}

static inline void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
    interrupts_restore(flags);
}

#endif
