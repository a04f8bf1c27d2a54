/* A provider under test on its own: its channel's rings and the guest's side of them, a clock that
 * the test sets, and the kernel functions that providers call. Included once per program. */
#ifndef VENEER_TESTS_VMBUS_PROVIDER_H
#define VENEER_TESTS_VMBUS_PROVIDER_H

#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/include/time.h"
#include "tests/vmbus_guest.h"

#define RING_PAGES 3u /* of each ring, its control page included */
#define PROVIDER_RELID 1u

static uint64_t now = 500000; /* microseconds */
static struct timer *armed;
static struct vmbus_host *provider_host;
static struct vmbus_ring to_host, from_host;
/* When a provider takes and gives back a lock: real locks, or a guest that does something then. */
static void (*on_lock)(void), (*on_unlock)(void);

uint64_t time_now(void)
{
    return now;
}

uint64_t time_wall_clock(void)
{
    return 1000 + now / 1000000;
}

void timer_setup(struct timer *timer, void (*function)(struct timer *timer))
{
    timer->function = function;
}

void timer_start(struct timer *timer, uint64_t deadline)
{
    timer->deadline = deadline;
    armed = timer;
}

bool timer_cancel(struct timer *timer)
{
    (void)timer;
    armed = NULL;
    return true;
}

uint64_t spin_lock(struct spinlock *lock)
{
    (void)lock;
    if (on_lock)
        on_lock();
    return 0;
}

void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    (void)lock;
    (void)flags;
    if (on_unlock)
        on_unlock();
}

void *heap_allocate(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

/* Lets @microseconds pass, and a timer fire. */
static inline void pass_time(uint64_t microseconds)
{
    now += microseconds;
    if (armed && armed->deadline <= now) {
        struct timer *timer = armed;
        armed = NULL;
        timer->function(timer);
    }
    guest_turn(provider_host, 4);
}

static void provider_send(const void *message, uint32_t size)
{
    vmbus_host_receive(provider_host, VMBUS_CONNECTION_NEW, message, size);
    vmbus_host_send(provider_host);
}

/* A connected guest opens the channel that @offer offers. */
static void provider_open(const struct vmbus_offer *offer)
{
    static uint8_t *pages[2 * RING_PAGES];
    const struct vmbus_initiate_contact contact = {.header.type = VMBUS_MESSAGE_INITIATE_CONTACT,
                                                   .version = VMBUS_VERSION(5, 3)};
    const struct vmbus_header request = {.type = VMBUS_MESSAGE_REQUEST_OFFERS};
    const struct vmbus_open_channel open = {.header.type = VMBUS_MESSAGE_OPEN_CHANNEL,
                                            .relid = PROVIDER_RELID,
                                            .ring_gpadl = 1,
                                            .downstream_page_offset = RING_PAGES};
    struct {
        struct vmbus_gpadl_header header;
        uint64_t numbers[2 * RING_PAGES];
    } __attribute__((packed)) gpadl = {{.header.type = VMBUS_MESSAGE_GPADL_HEADER,
                                        .relid = PROVIDER_RELID,
                                        .gpadl = 1,
                                        .range_buffer_length = 8 + 8 * 2 * RING_PAGES,
                                        .range_count = 1,
                                        .range_byte_count = 2 * RING_PAGES * 4096},
                                       {0, 1, 2, 3, 4, 5}};
    message_room = POSTED_MAX;
    posted_count = 0;
    memset(guest_memory, 0, sizeof(guest_memory));
    provider_host = vmbus_host_create(&guest_operations, NULL, "VM");
    vmbus_host_offer(provider_host, PROVIDER_RELID, offer, "device");
    provider_send(&contact, sizeof(contact));
    provider_send(&request, sizeof(request));
    provider_send(&gpadl, sizeof(gpadl));
    provider_send(&open, sizeof(open));
    for (uint32_t i = 0; i < 2 * RING_PAGES; i++)
        pages[i] = guest_memory[i];
    vmbus_ring_init(&to_host, pages, RING_PAGES, false);
    vmbus_ring_init(&from_host, pages + RING_PAGES, RING_PAGES, false);
    guest_turn(provider_host, 4);
}

static void provider_close(void)
{
    vmbus_host_destroy(provider_host);
    scheduled = failed = 0;
}

/* Sends a packet of the guest's and lets the provider take it. */
static inline void guest_write(const void *data, size_t size)
{
    const struct vmbus_ring_piece piece = {data, size};
    vmbus_ring_write(&to_host, VMBUS_PACKET_DATA_INBAND, 0, 1, 0, &piece, 1);
    vmbus_ring_publish(&to_host);
    guest_schedule(NULL, PROVIDER_RELID);
    guest_turn(provider_host, 4);
}

/* The provider's next packet; its size, or 0. */
static inline uint32_t guest_read(void *buffer, size_t capacity)
{
    struct vmbus_packet packet = {0};
    if (vmbus_ring_read(&from_host, &packet, buffer, capacity) != VMBUS_RING_OK)
        return 0;
    vmbus_ring_release(&from_host);
    return packet.size;
}

#endif
