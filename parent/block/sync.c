/* Synchronous requests on kernel memory, for those who can wait. */
#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/include/block.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

/* Of one request; a longer transfer takes several. */
#define SEGMENTS_MAX 32

/* One queue for all who wait: with a queue on the waiter's stack, the waker might touch it after
 * the waiter has seen the result and gone. */
static struct wait_queue waiters = {.lock = SPINLOCK(LOCK_LEVEL_WAIT),
                                    .waiters = {&waiters.waiters, &waiters.waiters}};

static void wake_submitter(struct block_request *request)
{
    bool *ended = request->context;

    __atomic_store_n(ended, true, __ATOMIC_RELEASE);
    wake_all(&waiters);
}

static enum block_status submit_and_wait(struct block_device *device, struct block_request *request)
{
    bool ended = false;

    request->done = wake_submitter;
    request->context = &ended;
    block_submit(device, request);
    WAIT_UNTIL(&waiters, __atomic_load_n(&ended, __ATOMIC_ACQUIRE), WAIT_FOREVER);
    return request->status;
}

/* Lists the physical memory of up to @size bytes at @buffer; returns how many bytes the list has.
 */
static uint64_t list_memory(const uint8_t *buffer, uint64_t size,
                            struct block_segment segments[SEGMENTS_MAX], uint32_t *count)
{
    uint64_t listed = 0;

    *count = 0;
    while (listed < size) {
        uint64_t address = virtual_to_physical(buffer + listed);
        uint64_t length = PAGE_SIZE - (address & (PAGE_SIZE - 1));
        struct block_segment *last = *count > 0 ? &segments[*count - 1] : NULL;

        if (length > size - listed)
            length = size - listed;
        if (last != NULL && last->address + last->length == address &&
            last->length <= UINT32_MAX - PAGE_SIZE) {
            last->length += (uint32_t)length;
        } else {
            if (*count == SEGMENTS_MAX)
                break;
            segments[(*count)++] = (struct block_segment){address, (uint32_t)length};
        }
        listed += length;
    }
    return listed;
}

static enum block_status transfer(struct block_device *device, enum block_operation operation,
                                  uint64_t sector, uint32_t count, const uint8_t *buffer)
{
    uint64_t left = (uint64_t)count * device->sector_size;
    struct block_segment segments[SEGMENTS_MAX];

    if (((uint64_t)buffer & 1) != 0)
        return BLOCK_ERROR_INVALID;
    while (left > 0) {
        struct block_request request = {
            .operation = operation, .sector = sector, .segments = segments};
        uint64_t bytes = list_memory(buffer, left, segments, &request.segment_count);
        uint32_t excess = (uint32_t)(bytes % device->sector_size);

        /* A sector that the list ends in belongs to the next request; it is shorter than a page. */
        bytes -= excess;
        segments[request.segment_count - 1].length -= excess;
        if (segments[request.segment_count - 1].length == 0)
            request.segment_count--;

        enum block_status status = submit_and_wait(device, &request);

        if (status != BLOCK_OK)
            return status;
        buffer += bytes;
        left -= bytes;
        sector += bytes / device->sector_size;
    }
    return BLOCK_OK;
}

enum block_status block_read(struct block_device *device, uint64_t sector, uint32_t count,
                             void *buffer)
{
    return transfer(device, BLOCK_READ, sector, count, buffer);
}

enum block_status block_write(struct block_device *device, uint64_t sector, uint32_t count,
                              const void *buffer)
{
    return transfer(device, BLOCK_WRITE, sector, count, buffer);
}

enum block_status block_flush(struct block_device *device)
{
    struct block_request request = {.operation = BLOCK_FLUSH};

    return submit_and_wait(device, &request);
}
