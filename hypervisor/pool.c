#include "hypervisor/pool.h"

#include "hypervisor/lock.h"
#include "hypervisor/panic.h"
#include "lib/string.h"

/* A bump allocator: what the hypervisor takes it keeps. */
static struct spinlock pool_lock = SPINLOCK(LOCK_LEVEL_POOL);
static uint64_t pool_next; /* SPA of the first free page */
static uint64_t pool_end;
static bool pool_shared; /* more than one LP: use the lock */

void pool_init(spa_t base, uint64_t size)
{
    pool_next = base.value;
    pool_end = base.value + size;
}

void pool_share(void)
{
    pool_shared = true;
}

static spa_t take(uint64_t pages)
{
    spa_t result = spa(0);

    if (pool_shared)
        spin_lock(&pool_lock);
    if (pages <= (pool_end - pool_next) / PAGE_SIZE) {
        result = spa(pool_next);
        pool_next += pages * PAGE_SIZE;
    }
    if (pool_shared)
        spin_unlock(&pool_lock);
    if (result.value != 0)
        memset(spa_to_va(result), 0, pages * PAGE_SIZE);
    return result;
}

spa_t pool_take(uint64_t pages)
{
    spa_t result = take(pages);

    if (result.value == 0)
        boot_stop("the hypervisor's own memory is too small for this machine.");
    return result;
}

uint64_t pool_allocate_table(void *context)
{
    (void)context;
    return take(1).value;
}

uint64_t pool_free_pages(void)
{
    return (pool_end - pool_next) / PAGE_SIZE;
}
