/* A guest for tests of the bus's host side: memory, messages in both directions, and a provider
 * that echoes. For unit tests and fuzzers, which include it once. */
#ifndef VENEER_TESTS_VMBUS_GUEST_H
#define VENEER_TESTS_VMBUS_GUEST_H

#include <stdlib.h>
#include <string.h>

#include "vmbus/host.h"

#define GUEST_PAGES 128u
#define GUEST_GAP 64u           /* this page is not there */
#define GUEST_ADDRESS 0x100000u /* physical, of page 0 */
#define POSTED_MAX 512u

struct posted {
    uint32_t vp, size;
    uint8_t sint;
    uint8_t data[VMBUS_MESSAGE_MAX] __attribute__((aligned(8)));
};

static uint8_t guest_memory[GUEST_PAGES][4096] __attribute__((aligned(4096)));
static struct posted posted[POSTED_MAX];
static uint32_t posted_count, posted_taken, message_room; /* message_room: until the slot is busy */
static uint32_t signal_count, last_vp, last_flag;
static uint32_t blocks;            /* allocated */
static uint32_t refusals;          /* next allocations that fail */
static uint32_t scheduled, failed; /* bit per relid */
static uint32_t log_lines;
static struct vmbus_channel *running[VMBUS_HOST_MAX_CHANNELS + 1];

static enum vmbus_post_status guest_post(void *context, uint32_t vp, uint8_t sint,
                                         const void *message, uint32_t size)
{
    (void)context;
    if (message_room == 0)
        return VMBUS_POST_BUSY;
    message_room--;
    if (posted_count < POSTED_MAX) {
        struct posted *place = &posted[posted_count++];
        *place = (struct posted){.vp = vp, .size = size, .sint = sint};
        memcpy(place->data, message, size);
    }
    return VMBUS_POSTED;
}

static void guest_signal(void *context, uint32_t vp, uint8_t sint, uint32_t flag)
{
    (void)context;
    (void)sint;
    signal_count++;
    last_vp = vp;
    last_flag = flag;
}

static bool guest_range(void *context, uint64_t number, struct vmbus_guest_range *range)
{
    static uint64_t addresses[GUEST_PAGES];
    (void)context;
    if (number >= GUEST_PAGES || number == GUEST_GAP)
        return false;
    for (uint64_t i = 0; i < GUEST_PAGES; i++)
        addresses[i] = GUEST_ADDRESS + i * 4096;
    uint64_t first = number < GUEST_GAP ? 0 : GUEST_GAP + 1;
    *range =
        (struct vmbus_guest_range){.first = first,
                                   .count = (number < GUEST_GAP ? GUEST_GAP : GUEST_PAGES) - first,
                                   .addresses = addresses + first,
                                   .memory = (uint8_t *)((uintptr_t)guest_memory - GUEST_ADDRESS)};
    return true;
}

static bool guest_start(void *context, uint32_t relid, struct vmbus_channel *channel)
{
    (void)context;
    if (!vmbus_channel_enter(channel))
        return false;
    running[relid] = channel;
    return true;
}

static void guest_stop(void *context, uint32_t relid)
{
    (void)context;
    vmbus_channel_leave(running[relid]);
    running[relid] = NULL;
}

static void guest_schedule(void *context, uint32_t relid)
{
    (void)context;
    scheduled |= 1u << (relid - 1);
}

static void guest_failed(void *context, uint32_t relid)
{
    (void)context;
    failed |= 1u << (relid - 1);
}

static void *guest_allocate(void *context, size_t size)
{
    (void)context;
    if (refusals > 0) {
        refusals--;
        return NULL;
    }
    blocks++;
    return calloc(1, size);
}

static void guest_free(void *context, void *memory)
{
    (void)context;
    blocks--;
    free(memory);
}

static void guest_log(void *context, const char *format, va_list arguments)
{
    char text[256];
    (void)context;
    log_lines++;
    vsnprintf(text, sizeof(text), format, arguments);
}

static const struct vmbus_host_operations guest_operations = {
    .post = guest_post,
    .signal = guest_signal,
    .range = guest_range,
    .start = guest_start,
    .stop = guest_stop,
    .schedule = guest_schedule,
    .failed = guest_failed,
    .allocate = guest_allocate,
    .free = guest_free,
    .log = guest_log,
};

/* What the channels' threads and the bus's would do, at most @turns times. */
static void guest_turn(struct vmbus_host *host, uint32_t turns)
{
    while ((scheduled | failed) && turns-- > 0) {
        for (uint32_t relid = 1; relid <= VMBUS_HOST_MAX_CHANNELS; relid++) {
            uint32_t bit = 1u << (relid - 1);
            bool run = scheduled & bit;
            bool close = failed & bit;
            scheduled &= ~bit;
            failed &= ~bit;
            if (run && running[relid])
                vmbus_channel_serve(running[relid]);
            if (close)
                vmbus_host_close_failed(host, relid);
        }
    }
}

/* --- The provider --- */

struct echo {
    uint32_t opened, closed;
    bool refuse;
    uint32_t gpadl; /* looked up at each turn; 0: none */
    uint8_t *const *gpadl_pages;
    uint8_t buffer[2048];
};

static bool echo_open(struct vmbus_channel *channel, const uint8_t user_data[VMBUS_USER_DATA_SIZE])
{
    struct echo *echo = vmbus_channel_context(channel);
    (void)user_data;
    if (echo->refuse)
        return false;
    echo->opened++;
    return true;
}

static void echo_close(struct vmbus_channel *channel)
{
    struct echo *echo = vmbus_channel_context(channel);
    echo->closed++;
}

static void echo_run(struct vmbus_channel *channel)
{
    struct echo *echo = vmbus_channel_context(channel);
    struct vmbus_packet packet;
    uint32_t pages;
    if (echo->gpadl) {
        echo->gpadl_pages = vmbus_channel_gpadl(channel, echo->gpadl, &pages);
        for (uint32_t i = 0; echo->gpadl_pages && i < pages; i++)
            echo->gpadl_pages[i][4095] = 1;
    }
    while (vmbus_channel_read(channel, &packet, echo->buffer, sizeof(echo->buffer)) ==
           VMBUS_RING_OK) {
        const struct vmbus_ring_piece piece = {echo->buffer, packet.size};
        vmbus_channel_write(channel, VMBUS_PACKET_COMPLETION, 0, packet.transaction_id, 0, &piece,
                            1);
    }
}

static const struct vmbus_provider echo_provider = {
    .open = echo_open, .close = echo_close, .run = echo_run};

#endif
