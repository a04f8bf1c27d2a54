#include "parent/include/spinlock.h"

#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/sched/scheduler.h"

/* Debug builds: a CPU that waits so many rounds waits for ever. Minutes on real hardware. */
#define PATIENCE_ROUNDS 20000000u

static void check_order(const struct spinlock *lock)
{
    if (lock->level == 0 || lock->level >= LOCK_LEVEL_COUNT)
        panic("spinlock %p was not initialised", (const void *)lock);
    if (cpu_count == 0) /* there is no struct cpu yet */
        return;
    if (this_cpu()->lock_levels >> lock->level)
        panic("spinlock %p of level %u taken with levels %xh held", (const void *)lock, lock->level,
              this_cpu()->lock_levels);
}

static void note_held(const struct spinlock *lock)
{
    if (cpu_count != 0)
        this_cpu()->lock_levels |= 1u << lock->level;
}

static void note_released(const struct spinlock *lock)
{
    if (cpu_count == 0)
        return;
    if (!(this_cpu()->lock_levels & 1u << lock->level))
        panic("spinlock %p given back by a CPU that does not hold it", (const void *)lock);
    this_cpu()->lock_levels &= ~(1u << lock->level);
}

/* Under QEMU with a thread per processor each PAUSE takes the emulator's global lock: a loop of
 * little else keeps the others from taking interrupts. With one thread for all it is what lets them
 * run. So there is one PAUSE after some idle turns. */
void spin_wait(void)
{
    for (int i = 0; i < 200; i++)
        __asm__ volatile("" ::: "memory");
    cpu_pause();
}

uint64_t spin_lock(struct spinlock *lock)
{
    uint64_t flags = interrupts_save();
    if (VENEER_DEBUG)
        check_order(lock);
    uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    for (uint32_t round = 0; __atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket; round++) {
        spin_wait();
        if (VENEER_DEBUG && round == PATIENCE_ROUNDS)
            panic("spinlock %p of level %u is never given back", (const void *)lock, lock->level);
    }
    if (VENEER_DEBUG)
        note_held(lock);
    return flags;
}

void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    if (VENEER_DEBUG)
        note_released(lock);
    __atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
    sched_restore(flags);
}
