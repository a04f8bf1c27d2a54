/* The ring buffer of a channel, in memory that is shared with the peer (Hyper-V's VMBus; layouts in
 * include/vmbus/ring.h). One implementation for providers, clients and host tests.
 *
 * A struct vmbus_ring is one side's view of one direction: its owner either only writes or only
 * reads it. It holds the owner's index, which is never read back from the shared page. Everything
 * that the peer writes is read once and checked; what cannot be gives VMBUS_RING_BROKEN, from then
 * on always. No locks, no allocation: calls on one ring do not overlap. */
#ifndef VENEER_VMBUS_RING_H
#define VENEER_VMBUS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/vmbus/ring.h"

enum vmbus_ring_status {
    VMBUS_RING_OK,
    VMBUS_RING_EMPTY,
    VMBUS_RING_FULL,      /* writing: later there may be room; the pending size is set */
    VMBUS_RING_TOO_LARGE, /* writing: larger than the ring; reading: than the buffer. Nothing done
                           */
    VMBUS_RING_BROKEN,    /* the peer has left the protocol: the channel is to be closed */
};

struct vmbus_ring {
    struct vmbus_ring_control *control;
    uint8_t *const *pages; /* of the data, any places in memory */
    uint32_t size;         /* bytes of data: a multiple of the page size */
    uint32_t index;        /* own: up to where is written, or read */
    uint32_t published;    /* own index as the peer knows it */
    bool pending;          /* writing: the pending size is set */
    bool broken;
};

/* @pages: the control page and at least one of data; they and the array stay. Clears the control
 * page of indices if @fresh (its first user does). False: fewer than two or too many pages. */
bool vmbus_ring_init(struct vmbus_ring *ring, uint8_t *const *pages, uint32_t page_count,
                     bool fresh);

/* --- Writing --- */

struct vmbus_ring_piece {
    const void *data;
    size_t size; /* bytes */
};

/* Appends a packet of @type (enum vmbus_packet_type): the header, then the pieces in order, of
 * which the first @descriptor_size bytes (a multiple of 8, such as GPA ranges) belong to the header
 * as the peer sees it, padding, trailer. Nobody sees it before vmbus_ring_publish(). */
enum vmbus_ring_status vmbus_ring_write(struct vmbus_ring *ring, uint16_t type, uint16_t flags,
                                        uint64_t transaction_id, uint32_t descriptor_size,
                                        const struct vmbus_ring_piece *pieces, uint32_t count);

/* Shows the peer what has been written. True: it must be signalled (the ring was empty before and
 * the reader has not masked). */
bool vmbus_ring_publish(struct vmbus_ring *ring);

/* --- Reading --- */

struct vmbus_packet {
    uint16_t type, flags;
    uint64_t transaction_id;
    uint32_t descriptor_size; /* bytes at the start of the buffer that are ranges or the like */
    uint32_t size;            /* bytes in the buffer: descriptor, then data with their padding */
};

/* Copies the next packet, without its 16-byte header, into @buffer of @capacity bytes, and goes on
 * behind it. */
enum vmbus_ring_status vmbus_ring_read(struct vmbus_ring *ring, struct vmbus_packet *packet,
                                       void *buffer, size_t capacity);

/* Tells the peer how far has been read, once after a batch. True: it must be signalled (it waits
 * for room, and there was not enough before and is now). */
bool vmbus_ring_release(struct vmbus_ring *ring);

/* The reader polls: the peer need not signal. */
void vmbus_ring_mask(struct vmbus_ring *ring);

/* It waits for a signal from now on; after vmbus_ring_release(), as a writer signals only a ring
 * that it sees empty. True: something has come before: mask and read again. */
bool vmbus_ring_unmask(struct vmbus_ring *ring);

#endif
