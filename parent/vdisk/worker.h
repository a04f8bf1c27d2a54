/* A thread that does what requests on one disk need before they can go to a device, in order. */
#ifndef VENEER_PARENT_VDISK_WORKER_H
#define VENEER_PARENT_VDISK_WORKER_H

#include "parent/include/thread.h"
#include "parent/include/vdisk.h"

struct vdisk_worker {
    struct thread *thread;
    struct wait_queue queue;
    struct spinlock lock; /* below */
    struct list requests; /* that wait, by their links */
    bool stopping;
    void (*process)(struct vdisk_request *request);
};

/* Starts the thread; it calls @process for each request. False: no memory. Thread. */
bool vdisk_worker_start(struct vdisk_worker *worker,
                        void (*process)(struct vdisk_request *request));

/* Any. */
void vdisk_worker_add(struct vdisk_worker *worker, struct vdisk_request *request);

/* Ends the thread. No request waits, and none comes. Thread. */
void vdisk_worker_stop(struct vdisk_worker *worker);

#endif
