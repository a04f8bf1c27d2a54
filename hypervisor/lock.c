#include "hypervisor/lock.h"

#include "hypervisor/atomic.h"
#include "hypervisor/lp.h"
#include "hypervisor/panic.h"

/* lp->lock_level has one bit for each level that the LP holds. */
void spin_lock(struct spinlock *lock)
{
    struct lp *lp = this_lp();

    ASSERT(lp->lock_level >> lock->level == 0);
    while (atomic_exchange(&lock->taken, 1) != 0) {
        lp_answer_requests(lp);
        cpu_pause();
    }
    lp->lock_level |= 1u << lock->level;
}

void spin_unlock(struct spinlock *lock)
{
    this_lp()->lock_level &= ~(1u << lock->level);
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}
