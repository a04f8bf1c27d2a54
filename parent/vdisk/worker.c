#include "parent/vdisk/worker.h"

static struct vdisk_request *take(struct vdisk_worker *worker)
{
    uint64_t flags = spin_lock(&worker->lock);
    struct list *link = list_take_first(&worker->requests);
    spin_unlock(&worker->lock, flags);
    return link ? CONTAINER_OF(link, struct vdisk_request, link) : NULL;
}

static int run(void *argument)
{
    struct vdisk_worker *worker = argument;
    for (;;) {
        struct vdisk_request *request = NULL;
        WAIT_UNTIL(&worker->queue,
                   (request = take(worker)) != NULL ||
                       __atomic_load_n(&worker->stopping, __ATOMIC_ACQUIRE),
                   WAIT_FOREVER);
        if (!request)
            return 0;
        worker->process(request);
    }
}

bool vdisk_worker_start(struct vdisk_worker *worker, void (*process)(struct vdisk_request *request))
{
    worker->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_VDISK);
    worker->process = process;
    list_init(&worker->requests);
    wait_queue_init(&worker->queue);
    worker->thread = thread_create("vdisk", run, worker, PRIORITY_HIGH, THREAD_ANY_CPU);
    return worker->thread != NULL;
}

void vdisk_worker_add(struct vdisk_worker *worker, struct vdisk_request *request)
{
    uint64_t flags = spin_lock(&worker->lock);
    list_add_last(&worker->requests, &request->link);
    spin_unlock(&worker->lock, flags);
    wake_one(&worker->queue);
}

void vdisk_worker_stop(struct vdisk_worker *worker)
{
    __atomic_store_n(&worker->stopping, true, __ATOMIC_RELEASE);
    wake_all(&worker->queue);
    thread_join(worker->thread);
}
