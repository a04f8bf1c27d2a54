/* A channel as its provider (VSP) sees it. The bus (vmbus/host.h) does offers, GPADLs, opening and
 * closing; whatever carries it (parent/vmbus/) does threads, signals and guest memory.
 *
 * All functions and callbacks of one channel run in its one thread, but vmbus_channel_schedule(),
 * which any context may call, interrupt handlers, too. */
#ifndef VENEER_VMBUS_CHANNEL_H
#define VENEER_VMBUS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/vmbus/guid.h"
#include "include/vmbus/messages.h"
#include "vmbus/ring.h"

struct vmbus_channel;

struct vmbus_provider {
    /* The guest has opened the channel. False: it is refused. */
    bool (*open)(struct vmbus_channel *channel, const uint8_t user_data[VMBUS_USER_DATA_SIZE]);
    /* The guest has closed it, or was closed for its errors, or goes away. When it returns, nothing
     * uses guest memory any more: requests on their way have ended. The rings are gone. */
    void (*close)(struct vmbus_channel *channel);
    /* The guest has signalled, room has come, or vmbus_channel_schedule() was called: reads and
     * writes as much as it can. */
    void (*run)(struct vmbus_channel *channel);
};

/* What is offered to the guest. */
struct vmbus_offer {
    struct vmbus_guid class_id, instance_id;
    const struct vmbus_provider *provider;
    void *context;  /* the provider's; vmbus_channel_context() */
    bool pipe;      /* messages in the style of pipes: integration services, keyboard */
    uint16_t flags; /* of the offer message */
    uint8_t user_data[VMBUS_USER_DATA_SIZE];
};

void *vmbus_channel_context(const struct vmbus_channel *channel);

/* For people: "scsi 0 of VM 3". */
const char *vmbus_channel_name(const struct vmbus_channel *channel);

/* Has run() called soon, in the channel's thread. Any. */
void vmbus_channel_schedule(struct vmbus_channel *channel);

/* Whether requests are under way, whose ends will have run() called: the thread may wait for them
 * in another way than for the guest. Said by run(). */
void vmbus_channel_set_busy(struct vmbus_channel *channel, bool busy);

/* As vmbus_ring_read(). After VMBUS_RING_BROKEN, and by vmbus_channel_fail(), the channel is closed
 * as soon as run() has returned; an EMPTY ring is unmasked by then. */
enum vmbus_ring_status vmbus_channel_read(struct vmbus_channel *channel,
                                          struct vmbus_packet *packet, void *buffer,
                                          size_t capacity);

/* As vmbus_ring_write(); published, and signalled if needed, at the latest when run() returns.
 * FULL: run() is called when there is room. */
enum vmbus_ring_status vmbus_channel_write(struct vmbus_channel *channel, uint16_t type,
                                           uint16_t flags, uint64_t transaction_id,
                                           uint32_t descriptor_size,
                                           const struct vmbus_ring_piece *pieces, uint32_t count);

/* Publishes at once what was written, instead of when run() returns. */
void vmbus_channel_flush(struct vmbus_channel *channel);

/* The guest has broken the provider's protocol: says @why in the log; the channel is closed. */
void vmbus_channel_fail(struct vmbus_channel *channel, const char *why);

/* --- Guest memory --- */

/* A piece of the guest's memory that is contiguous for the CPU and in physical memory. It stays as
 * long as the channel is open. The guest may change it at any time. */
struct vmbus_segment {
    uint8_t *data;
    uint64_t address; /* physical */
    uint32_t size;    /* bytes */
};

/* The bytes [@offset, @offset + @size) of a GPA range, as segments (neighbours that are contiguous
 * are one). @range: as in a packet, but a copy that the guest cannot change: u32 byte count, u32
 * byte offset, then page numbers, all within @range_size bytes. The number of segments, at most
 * @limit; -1: the range is malformed, does not have so many bytes, or is not all in the guest's
 * memory. */
int vmbus_channel_gpa_segments(struct vmbus_channel *channel, const void *range, size_t range_size,
                               uint32_t offset, uint32_t size, struct vmbus_segment *segments,
                               uint32_t limit);

/* The memory of a GPADL of this channel that the guest has created for something other than its
 * rings (receive and send buffers): its pages in order; they stay until the channel is closed.
 * NULL: no such GPADL. */
uint8_t *const *vmbus_channel_gpadl(struct vmbus_channel *channel, uint32_t gpadl,
                                    uint32_t *page_count);

#endif
