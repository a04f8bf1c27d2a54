/* The list of block devices. */
#include <stddef.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/block/device.h"
#include "parent/block/queue.h"
#include "parent/include/block.h"
#include "parent/include/log.h"
#include "parent/include/spinlock.h"

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_BLOCK); /* the list */
static struct list devices = {&devices, &devices};

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

void block_add_device(struct block_device *device)
{
    uint64_t flags = spin_lock(&lock);

    if (device->parent == NULL)
        name_device(device);
    list_add_last(&devices, &device->link);
    spin_unlock(&lock, flags);
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
    block_add_device(device);
    if (device->sector_count == 0)
        log_print(LOG_INFO, "%s: %s, no medium", device->name, device->model);
    else
        log_print(LOG_INFO, "%s: %s, %lu sectors of %u bytes", device->name, device->model,
                  device->sector_count, device->sector_size);
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
