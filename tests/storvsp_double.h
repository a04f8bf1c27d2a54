/* What the storage provider stands on, as doubles: a channel, guest memory, and a disk that
 * completes when the test says so. For unit tests and fuzzers, which include it once. */
#ifndef VENEER_TESTS_STORVSP_DOUBLE_H
#define VENEER_TESTS_STORVSP_DOUBLE_H

#include <stdlib.h>
#include <string.h>

#include "include/scsi.h"
#include "include/vmbus/storvsc.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "vsp/storvsp/storvsp.h"

#define SECTORS 4096u
#define PAGES 256u        /* the guest's */
#define BOUNCE_PAGES 128u /* behind them; the provider's */
#define PENDING_MAX 256u

/* Physical addresses are offsets in @memory. */
static uint8_t medium[SECTORS * 512], memory[(PAGES + BOUNCE_PAGES) * 4096];
static struct vdisk disk = {.sector_size = 512,
                            .physical_sector_size = 4096,
                            .sector_count = SECTORS,
                            .can_unmap = true,
                            .name = "a.vhd"};
static struct storvsp *controller;
static struct vmbus_offer offer;
static struct vdisk_request *pending[PENDING_MAX];
static uint32_t pending_count, room, answer_count, log_count, failures, rescans, bounces;
static bool memory_is_short, lock_held;
static enum vdisk_status next_status;
static struct vstor_packet answer;
static uint64_t answer_id;
static uint8_t input[4096];
static struct vmbus_packet input_packet;
static bool input_there;

void *heap_allocate(size_t size)
{
    return malloc(size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

uint64_t pages_allocate(uint64_t count, uint64_t alignment)
{
    (void)alignment;
    if (memory_is_short || count > BOUNCE_PAGES || bounces > 0)
        return 0;
    bounces++;
    return PAGES * 4096;
}

void pages_free(uint64_t address, uint64_t count)
{
    (void)address;
    (void)count;
    bounces--;
}

void *physical_to_virtual(uint64_t address)
{
    return memory + address;
}

void mutex_init(struct mutex *mutex)
{
    (void)mutex;
    lock_held = false;
}

void mutex_lock(struct mutex *mutex)
{
    (void)mutex;
    if (lock_held)
        abort();
    lock_held = true;
}

void mutex_unlock(struct mutex *mutex)
{
    (void)mutex;
    lock_held = false;
}

void log_print(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
    log_count++;
}

const char *vdisk_status_text(enum vdisk_status status)
{
    return status == VDISK_OK ? "no error" : "an error";
}

void *vmbus_channel_context(const struct vmbus_channel *channel)
{
    (void)channel;
    return controller;
}

const char *vmbus_channel_name(const struct vmbus_channel *channel)
{
    (void)channel;
    return "scsi 0";
}

void vmbus_channel_set_busy(struct vmbus_channel *channel, bool busy)
{
    (void)channel;
    (void)busy;
}

void vmbus_channel_schedule(struct vmbus_channel *channel)
{
    (void)channel;
}

void vmbus_channel_fail(struct vmbus_channel *channel, const char *why)
{
    (void)channel;
    (void)why;
    failures++;
}

enum vmbus_ring_status vmbus_channel_read(struct vmbus_channel *channel,
                                          struct vmbus_packet *packet, void *buffer,
                                          size_t capacity)
{
    (void)channel;
    if (!input_there)
        return VMBUS_RING_EMPTY;
    if (input_packet.size > capacity)
        return VMBUS_RING_TOO_LARGE;
    *packet = input_packet;
    memcpy(buffer, input, packet->size);
    input_there = false;
    return VMBUS_RING_OK;
}

enum vmbus_ring_status vmbus_channel_write(struct vmbus_channel *channel, uint16_t type,
                                           uint16_t flags, uint64_t transaction_id,
                                           uint32_t descriptor_size,
                                           const struct vmbus_ring_piece *pieces, uint32_t count)
{
    (void)channel;
    (void)flags;
    if (descriptor_size != 0 || count != 1 || pieces[0].size != sizeof(answer))
        abort();
    if (room == 0)
        return VMBUS_RING_FULL;
    room--;
    if (type == VMBUS_PACKET_DATA_INBAND) {
        rescans++;
        return VMBUS_RING_OK;
    }
    memcpy(&answer, pieces[0].data, sizeof(answer));
    answer_id = transaction_id;
    answer_count++;
    return VMBUS_RING_OK;
}

int vmbus_channel_gpa_segments(struct vmbus_channel *channel, const void *range, size_t range_size,
                               uint32_t offset, uint32_t size, struct vmbus_segment *segments,
                               uint32_t limit)
{
    uint32_t head[2];
    uint64_t page, n = 0;

    (void)channel;
    if (offset != 0)
        abort();
    if (range_size < sizeof(head))
        return -1;
    memcpy(head, range, sizeof(head));
    if (size > head[0] || head[1] >= 4096)
        return -1;
    for (uint64_t at = head[1]; size > 0; n++) {
        uint32_t part = 4096 - at % 4096 < size ? (uint32_t)(4096 - at % 4096) : size;

        if (n == limit || 16 + at / 4096 * 8 > range_size)
            return -1;
        memcpy(&page, (const uint8_t *)range + 8 + at / 4096 * 8, 8);
        if (page >= PAGES)
            return -1;
        segments[n].data = memory + page * 4096 + at % 4096;
        segments[n].address = page * 4096 + at % 4096;
        segments[n].size = part;
        at += part;
        size -= part;
    }
    return (int)n;
}

/* What complete() does to @target for @request, which has succeeded. */
static void move_data(struct vdisk_request *request)
{
    uint8_t *at = medium + request->sector * 512;

    if (request->operation == VDISK_UNMAP || request->operation == VDISK_ZERO) {
        memset(at, 0, request->sector_count * 512);
        return;
    }
    for (uint32_t i = 0; i < request->segment_count; i++) {
        uint8_t *data = memory + request->segments[i].address;

        memcpy(request->operation == VDISK_READ ? data : at,
               request->operation == VDISK_READ ? at : data, request->segments[i].length);
        at += request->segments[i].length;
    }
}

/* Ends one of the requests at the disk, with next_status. */
static void complete(uint32_t index)
{
    struct vdisk_request *request = pending[index];

    pending[index] = pending[--pending_count];
    request->status = next_status;
    if (next_status == VDISK_OK)
        move_data(request);
    request->done(request);
}

void thread_sleep(uint64_t microseconds)
{
    (void)microseconds;
    if (pending_count == 0)
        abort(); /* close() waits for nothing else */
    complete(0);
}

static void run(void)
{
    offer.provider->run((struct vmbus_channel *)memory);
}

#endif
