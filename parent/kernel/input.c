#include "parent/include/input.h"

#include <stdbool.h>

#include "parent/include/thread.h"

#define QUEUE_SIZE 1024 /* a power of two */

static struct wait_queue readers = {
    .lock = SPINLOCK(LOCK_LEVEL_WAIT),
    .waiters = {&readers.waiters, &readers.waiters},
};
static struct spinlock lock = SPINLOCK(LOCK_LEVEL_OBJECT); /* all below; positions count for ever */
static uint8_t bytes[QUEUE_SIZE];
static uint32_t put_position, get_position;

void input_put(uint8_t byte)
{
    uint64_t flags = spin_lock(&lock);

    if (put_position - get_position < QUEUE_SIZE)
        bytes[put_position++ % QUEUE_SIZE] = byte;
    spin_unlock(&lock, flags);
    wake_all(&readers);
}

static bool take(int *byte)
{
    uint64_t flags = spin_lock(&lock);
    bool found = put_position != get_position;

    if (found)
        *byte = bytes[get_position++ % QUEUE_SIZE];
    spin_unlock(&lock, flags);
    return found;
}

int input_get(uint64_t deadline)
{
    int byte = -1;

    WAIT_UNTIL(&readers, take(&byte), deadline);
    return byte;
}
