/* What virtual switches stand on, for their unit test: the kernel, a card and a stack that are made
 * of memory. The thread of the parent's port runs when a test says so: whenever it would wait, it
 * is left, and begins again the next time. */
#ifndef VENEER_TESTS_VIRTUAL_SWITCH_MACHINE_H
#define VENEER_TESTS_VIRTUAL_SWITCH_MACHINE_H

#include <setjmp.h>
#include <stdlib.h>

#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/net/bridge_port.h"
#include "parent/net/host_port.h"
#include "parent/net/virtual_switch.h"
#include "parent/services/network.h"
#include "tests/unit/unit.h"

#define PAGE 4096
#define HELD_MAX 1024

static struct mac_address station(uint8_t number)
{
    return (struct mac_address){{2, 0, 0, 0, 0, number}};
}

/* --- The kernel ----------------------------------------------------------------------------- */

static int allocated;       /* blocks and runs of pages, and threads */
static int failing = -1;    /* so many allocations succeed, the next one fails; -1: all succeed */
static unsigned locks_held; /* by levels, as bits */

static bool fails(void)
{
    return failing >= 0 && failing-- == 0;
}

static void *allocate(size_t size)
{
    if (fails())
        return NULL;
    allocated++;
    return calloc(1, size);
}

void *heap_allocate(size_t size)
{
    return allocate(size);
}

void heap_free(void *pointer)
{
    allocated -= pointer != NULL;
    free(pointer);
}

uint64_t pages_allocate(uint64_t count, uint64_t alignment)
{
    (void)alignment;
    void *pages = allocate(count * PAGE);

    if (pages != NULL)
        memset(pages, 0xee, count * PAGE);
    return (uintptr_t)pages;
}

void pages_free(uint64_t address, uint64_t count)
{
    (void)count;
    heap_free((void *)(uintptr_t)address);
}

void *physical_to_virtual(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

uint64_t time_now(void)
{
    return 1000;
}

/* As debug builds of the kernel: in rising order of levels. */
uint64_t spin_lock(struct spinlock *lock)
{
    CHECK(lock->level != 0 && locks_held >> lock->level == 0);
    locks_held |= 1u << lock->level;
    return 0;
}

void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    (void)flags;
    locks_held &= ~(1u << lock->level);
}

void mutex_init(struct mutex *mutex)
{
    mutex->owner = NULL;
}

void mutex_lock(struct mutex *mutex)
{
    CHECK(mutex->owner == NULL && locks_held == 0);
    mutex->owner = (struct thread *)mutex;
}

void mutex_unlock(struct mutex *mutex)
{
    mutex->owner = NULL;
}

struct thread {
    int (*entry)(void *argument);
    void *argument;
};

static struct thread *host_thread; /* the last that was created */
static jmp_buf waits;

struct thread *thread_create(const char *name, int (*entry)(void *argument), void *argument,
                             enum thread_priority priority, uint32_t cpu)
{
    struct thread *thread = allocate(sizeof(*thread));

    (void)name;
    (void)priority;
    (void)cpu;
    if (thread != NULL)
        *thread = (struct thread){entry, argument};
    host_thread = thread;
    return thread;
}

/* Runs @thread until it waits; true: it has ended. */
static bool run(struct thread *thread)
{
    if (setjmp(waits) != 0)
        return false;
    CHECK_EQUAL(thread->entry(thread->argument), 0);
    return true;
}

int thread_join(struct thread *thread)
{
    CHECK(run(thread));
    heap_free(thread);
    return 0;
}

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->waiters);
}

void wait_begin(struct wait_queue *queue, struct waiter *waiter)
{
    (void)queue;
    (void)waiter;
}

bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline)
{
    (void)queue;
    (void)waiter;
    (void)deadline;
    CHECK_EQUAL(locks_held, 0);
    longjmp(waits, 1);
}

void wait_end(struct wait_queue *queue, struct waiter *waiter)
{
    (void)queue;
    (void)waiter;
}

void wake_all(struct wait_queue *queue)
{
    (void)queue;
}

/* --- The card ------------------------------------------------------------------------------- */

static struct {
    struct net_device device;
    bool broken, promiscuous, started, link;
    struct net_frame *held[HELD_MAX]; /* being sent */
    unsigned held_count;
    uint8_t last[2048]; /* what was sent last */
    uint32_t last_size;
} card;

static bool card_start(struct net_device *device)
{
    card.started = !card.broken;
    if (card.started)
        net_device_set_link(device, card.link, 100);
    return card.started;
}

static void card_complete(bool sent)
{
    while (card.held_count > 0)
        net_device_sent(&card.device, card.held[--card.held_count], sent);
}

static void card_stop(struct net_device *device)
{
    (void)device;
    card.started = false;
    card_complete(false);
}

static void card_transmit(struct net_device *device, struct net_frame *frame)
{
    (void)device;
    CHECK(card.started && card.held_count < HELD_MAX);
    CHECK_EQUAL(frame->segment_count, 1);
    CHECK(frame->segments[0].address == (uintptr_t)frame->segments[0].data);
    memcpy(card.last, frame->segments[0].data, frame->size);
    card.last_size = frame->size;
    card.held[card.held_count++] = frame;
}

static void card_set_promiscuous(struct net_device *device, bool promiscuous)
{
    (void)device;
    card.promiscuous = promiscuous;
}

static const struct net_device_operations card_operations = {
    .start = card_start,
    .stop = card_stop,
    .transmit = card_transmit,
    .set_promiscuous = card_set_promiscuous,
};

/* --- The parent's stacks -------------------------------------------------------------------- */

static struct net_device *stack_device; /* of the card's stack */
static unsigned stacks, delivered, link_changes;
static uint32_t delivered_size;

static void stack_receive(struct net_client *client, const struct net_frame *frame)
{
    (void)client;
    CHECK_EQUAL(locks_held, 0);
    CHECK_EQUAL(frame->segment_count, 1);
    delivered++;
    delivered_size = frame->size;
}

static void stack_link_changed(struct net_client *client)
{
    (void)client;
    CHECK_EQUAL(locks_held, 0);
    link_changes++;
}

static struct net_client stack_client = {stack_receive, stack_link_changed};
static struct net_client other_client = {stack_receive, stack_link_changed};

bool network_add(struct net_device *device)
{
    if (fails())
        return false;
    stacks++;
    return net_device_attach(device, &stack_client);
}

void network_remove(struct net_device *device)
{
    stacks--;
    net_device_detach(device);
}

bool network_move(struct net_device *from, struct net_device *to)
{
    if (from != stack_device)
        return false;
    if (from->client == &stack_client)
        net_device_detach(from);
    stack_device = to;
    net_device_attach(to, &stack_client);
    return true;
}

bool network_owns(const struct net_device *device)
{
    return device->client == &stack_client;
}

#endif
