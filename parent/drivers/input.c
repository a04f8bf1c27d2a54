#include "parent/include/input.h"

#include <stdbool.h>

#include "parent/include/spinlock.h"
#include "parent/include/thread.h"

/* A person types less before the console reads; a paste of a file may lose its end. */
#define RING_SIZE 1024u

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_DRIVER); /* all below */
static char ring[RING_SIZE];
static uint32_t first, count;
static struct wait_queue readers = {.lock = SPINLOCK(LOCK_LEVEL_WAIT),
                                    .waiters = {&readers.waiters, &readers.waiters}};

void input_put(const char *bytes, size_t size)
{
    uint64_t flags = spin_lock(&lock);

    if (size <= RING_SIZE - count) {
        for (size_t i = 0; i < size; i++)
            ring[(first + count++) % RING_SIZE] = bytes[i];
    }
    spin_unlock(&lock, flags);
    wake_one(&readers);
}

static bool take(int *byte)
{
    uint64_t flags = spin_lock(&lock);
    bool taken = count > 0;

    if (taken) {
        *byte = (unsigned char)ring[first];
        first = (first + 1) % RING_SIZE;
        count--;
    }
    spin_unlock(&lock, flags);
    return taken;
}

int input_get(uint64_t deadline)
{
    int byte = -1;

    WAIT_UNTIL(&readers, take(&byte), deadline);
    return byte;
}
