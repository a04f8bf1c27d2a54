/* Copies of frames that wait for a thread: a fixed number of buffers, and the order of those in
 * use. No lock of its own: its owner's is held, but where it says otherwise. */
#ifndef VENEER_PARENT_NET_FRAME_QUEUE_H
#define VENEER_PARENT_NET_FRAME_QUEUE_H

#include "parent/net/buffer.h"

struct frame_queue {
    struct net_pool pool;
    struct net_queue frames;
    uint64_t memory; /* physical address of the pool */
    uint64_t pages;
};

/* For @count frames of up to NET_BUFFER_FRAME_SIZE bytes. False: no memory. Thread. */
bool frame_queue_init(struct frame_queue *queue, unsigned count);

/* Gives the memory back; no buffer is used any more. Thread; without the lock. */
void frame_queue_destroy(struct frame_queue *queue);

/* Copies @frame to the end; false: there is no room for it. */
bool frame_queue_add(struct frame_queue *queue, const struct net_frame *frame);

static inline bool frame_queue_is_empty(const struct frame_queue *queue)
{
    return queue->frames.first == NULL;
}

/* The first one, which the caller gives back by net_buffer_put(), with the lock or without; NULL:
 * there is none. */
struct net_buffer *frame_queue_remove(struct frame_queue *queue);

/* Drops what waits. */
void frame_queue_clear(struct frame_queue *queue);

#endif
