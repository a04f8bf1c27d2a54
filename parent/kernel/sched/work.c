/* Work for the kernel's pool of threads. */
#include <stddef.h>

#include "parent/kernel/cpu.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/sched/thread.h"

#define POOL_SIZE 4

static struct wait_queue idle_workers;
static struct spinlock lock = SPINLOCK(LOCK_LEVEL_WORK); /* items */
static struct list items = {&items, &items};

static struct work *take_item(void)
{
    uint64_t flags = spin_lock(&lock);
    struct list *item = list_take_first(&items);
    spin_unlock(&lock, flags);
    return item ? CONTAINER_OF(item, struct work, link) : NULL;
}

static _Noreturn int worker(void *argument)
{
    (void)argument;
    for (;;) {
        struct work *work = NULL;
        WAIT_UNTIL(&idle_workers, (work = take_item()) != NULL, WAIT_FOREVER);
        void (*function)(struct work *) = work->function;
        __atomic_store_n(&work->queued, false, __ATOMIC_RELEASE);
        function(work);
    }
}

void work_init(void)
{
    wait_queue_init(&idle_workers);
    for (int i = 0; i < POOL_SIZE; i++) {
        struct thread *thread =
            thread_create("worker", worker, NULL, PRIORITY_HIGH, THREAD_ANY_CPU);
        if (!thread)
            panic("no memory for the work pool");
        thread_detach(thread);
    }
}

void work_setup(struct work *work, void (*function)(struct work *work))
{
    *work = (struct work){.function = function};
    list_init(&work->link);
}

bool work_queue(struct work *work)
{
    if (__atomic_exchange_n(&work->queued, true, __ATOMIC_ACQ_REL))
        return false;
    uint64_t flags = spin_lock(&lock);
    list_add_last(&items, &work->link);
    spin_unlock(&lock, flags);
    wake_one(&idle_workers);
    return true;
}
