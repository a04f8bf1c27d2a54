/* The packets that a stack has made or must keep: a fixed pool of buffers of one frame each. */
#ifndef VENEER_PARENT_NET_BUFFER_H
#define VENEER_PARENT_NET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/include/net_device.h"

/* Half a page: no buffer crosses a page in page-aligned memory. */
#define NET_BUFFER_SIZE 2048
#define NET_BUFFER_FRAME_SIZE (NET_HEADER_SIZE + NET_VLAN_TAG_SIZE + NET_MTU)

struct net_buffer {
    struct net_frame frame; /* first: what the device hands back is the buffer */
    struct net_segment segment;
    struct net_buffer *next;                         /* in the list of whoever holds it */
    uint16_t size;                                   /* bytes of payload */
    uint8_t taken;                                   /* cleared by the device when it was sent */
    _Alignas(8) uint8_t data[NET_BUFFER_FRAME_SIZE]; /* room for the Ethernet header, payload */
};

_Static_assert(sizeof(struct net_buffer) <= NET_BUFFER_SIZE, "buffers have a place of fixed size");

struct net_pool {
    uint8_t *memory;
    uint64_t address; /* physical */
    unsigned count;   /* buffers */
    unsigned next;    /* where the search for a free one begins */
};

/* Divides @size bytes at @memory, contiguous at physical @address and 8-byte aligned, into
 * buffers. */
void net_pool_init(struct net_pool *pool, void *memory, uint64_t address, size_t size);

/* An empty buffer, or NULL if all are in use. */
struct net_buffer *net_buffer_take(struct net_pool *pool);

/* Gives @buffer back. */
void net_buffer_put(struct net_buffer *buffer);

/* How many are free at this moment. */
unsigned net_pool_free_count(const struct net_pool *pool);

/* Copies the bytes of @frame into @buffer, which nothing has been put into, and sets its frame's
 * size; false if they are more than NET_BUFFER_FRAME_SIZE. */
bool net_buffer_fill(struct net_buffer *buffer, const struct net_frame *frame);

/* What follows the Ethernet header: up to NET_MTU bytes. */
static inline uint8_t *net_buffer_payload(struct net_buffer *buffer)
{
    return buffer->data + NET_HEADER_SIZE;
}

/* Sends the first @frame_size bytes of @buffer's data; it is free again when that is done. */
void net_buffer_transmit(struct net_buffer *buffer, struct net_device *device, size_t frame_size);

/* Buffers in the order in which they came. */
struct net_queue {
    struct net_buffer *first, *last;
    unsigned count;
};

void net_queue_add(struct net_queue *queue, struct net_buffer *buffer);

/* Removes the first; NULL if there is none. */
struct net_buffer *net_queue_remove(struct net_queue *queue);

#endif
