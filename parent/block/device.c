#include "parent/block/device.h"

#include <stddef.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/block/disk_partitions.h"
#include "parent/block/queue.h"
#include "parent/include/log.h"
#include "parent/include/spinlock.h"
#include "parent/include/thread.h"

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_BLOCK); /* the list */
static struct list devices = {&devices, &devices};
static uint32_t readers; /* threads that read partition tables, atomic */
static struct wait_queue readers_done = {.lock = SPINLOCK(LOCK_LEVEL_WAIT),
                                         .waiters = {&readers_done.waiters, &readers_done.waiters}};

/* Appends the first number that makes the name unique. With the lock held. */
static void name_device(struct block_device *device)
{
    char kind[BLOCK_NAME_SIZE];
    unsigned number = 0;

    string_copy(kind, device->name, sizeof(kind));
    LIST_FOR_EACH (item, &devices) {
        const struct block_device *other = CONTAINER_OF(item, struct block_device, link);
        size_t length = strlen(kind);

        if (other->parent == NULL && strncmp(other->name, kind, length) == 0 &&
            other->name[length] >= '0' && other->name[length] <= '9')
            number++;
    }
    snprintf(device->name, sizeof(device->name), "%s%u", kind, number);
}

void block_add(struct block_device *device)
{
    uint64_t flags = spin_lock(&lock);

    if (device->parent == NULL)
        name_device(device);
    list_add_last(&devices, &device->link);
    spin_unlock(&lock, flags);
}

static int read_partitions(void *argument)
{
    disk_partitions_read(argument);
    __atomic_fetch_sub(&readers, 1, __ATOMIC_RELEASE);
    wake_all(&readers_done);
    return 0;
}

/* In a thread of its own: a disk that does not answer holds up nobody else. */
static void start_reading(struct block_device *disk)
{
    struct thread *thread;

    __atomic_fetch_add(&readers, 1, __ATOMIC_ACQUIRE);
    thread = thread_create(disk->name, read_partitions, disk, PRIORITY_NORMAL, THREAD_ANY_CPU);
    if (thread != NULL) {
        thread_detach(thread);
    } else {
        log_print(LOG_ERROR, "%s: no memory to read its partition table", disk->name);
        __atomic_fetch_sub(&readers, 1, __ATOMIC_RELEASE);
    }
}

bool block_settle(uint64_t deadline)
{
    return WAIT_UNTIL(&readers_done, __atomic_load_n(&readers, __ATOMIC_ACQUIRE) == 0, deadline);
}

bool block_register(struct block_device *device)
{
    device->parent = NULL;
    device->first_sector = 0;
    if (device->queue == NULL)
        device->queue = block_queue_create(device);
    if (device->queue == NULL) {
        log_print(LOG_ERROR, "%s: no memory for its queue", device->name);
        return false;
    }
    block_add(device);
    if (device->sector_count == 0)
        log_print(LOG_INFO, "%s: %s, no medium", device->name, device->model);
    else
        log_print(LOG_INFO, "%s: %s, %lu sectors of %u bytes", device->name, device->model,
                  device->sector_count, device->sector_size);
    /* A CD's tables are for those who boot from it. */
    if (device->sector_count > 0 && !(device->removable && device->read_only))
        start_reading(device);
    return true;
}

struct block_device *block_next(const struct block_device *previous)
{
    uint64_t flags = spin_lock(&lock);
    struct list *link = previous == NULL ? devices.next : previous->link.next;
    struct block_device *next =
        link == &devices ? NULL : CONTAINER_OF(link, struct block_device, link);

    spin_unlock(&lock, flags);
    return next;
}

struct block_device *block_find(const char *name)
{
    struct block_device *device = NULL;

    while ((device = block_next(device)) != NULL && strcmp(device->name, name) != 0)
        ;
    return device;
}
