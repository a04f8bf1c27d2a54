#include "worker/lock.h"

#include "parent/user/system.h"

#define SPINS 1000

void lock_wait(struct lock *lock)
{
    for (int i = 0; __atomic_load_n(&lock->taken, __ATOMIC_RELAXED); i++) {
        __builtin_ia32_pause();
        if (i % SPINS == SPINS - 1)
            system_yield();
    }
}
