#include "parent/net/buffer.h"

#include "lib/string.h"

static struct net_buffer *buffer_at(const struct net_pool *pool, unsigned index)
{
    return (struct net_buffer *)(pool->memory + (size_t)index * NET_BUFFER_SIZE);
}

/* The device calls this in any context: it may touch nothing but the buffer's mark. */
static void transmitted(struct net_frame *frame, bool sent)
{
    (void)sent; /* the device counts it; whoever cares for the answer has a time-out */
    net_buffer_put((struct net_buffer *)frame);
}

void net_pool_init(struct net_pool *pool, void *memory, uint64_t address, size_t size)
{
    *pool = (struct net_pool){memory, address, (unsigned)(size / NET_BUFFER_SIZE), 0};
    for (unsigned i = 0; i < pool->count; i++) {
        struct net_buffer *buffer = buffer_at(pool, i);
        uint64_t offset = (uint64_t)i * NET_BUFFER_SIZE + offsetof(struct net_buffer, data);

        buffer->segment = (struct net_segment){buffer->data, address + offset, 0};
        buffer->frame = (struct net_frame){&buffer->segment, 1, 0, transmitted};
        buffer->taken = 0;
    }
}

struct net_buffer *net_buffer_take(struct net_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++) {
        struct net_buffer *buffer = buffer_at(pool, pool->next);

        pool->next = (pool->next + 1) % pool->count;
        if (__atomic_load_n(&buffer->taken, __ATOMIC_ACQUIRE))
            continue;
        buffer->taken = 1;
        buffer->next = NULL;
        buffer->size = 0;
        return buffer;
    }
    return NULL;
}

void net_buffer_put(struct net_buffer *buffer)
{
    __atomic_store_n(&buffer->taken, 0, __ATOMIC_RELEASE);
}

unsigned net_pool_free_count(const struct net_pool *pool)
{
    unsigned count = 0;

    for (unsigned i = 0; i < pool->count; i++)
        count += !__atomic_load_n(&buffer_at(pool, i)->taken, __ATOMIC_RELAXED);
    return count;
}

bool net_buffer_fill(struct net_buffer *buffer, const struct net_frame *frame)
{
    uint32_t size = 0;

    for (uint32_t i = 0; i < frame->segment_count; i++) {
        const struct net_segment *segment = &frame->segments[i];

        if (segment->size > NET_BUFFER_FRAME_SIZE - size)
            return false;
        memcpy(buffer->data + size, segment->data, segment->size);
        size += segment->size;
    }
    buffer->segment.size = buffer->frame.size = size;
    return size == frame->size;
}

void net_buffer_transmit(struct net_buffer *buffer, struct net_device *device, size_t frame_size)
{
    buffer->segment.size = buffer->frame.size = (uint32_t)frame_size;
    net_device_transmit(device, &buffer->frame);
}

void net_queue_add(struct net_queue *queue, struct net_buffer *buffer)
{
    buffer->next = NULL;
    if (queue->first == NULL)
        queue->first = buffer;
    else
        queue->last->next = buffer;
    queue->last = buffer;
    queue->count++;
}

struct net_buffer *net_queue_remove(struct net_queue *queue)
{
    struct net_buffer *buffer = queue->first;

    if (buffer != NULL) {
        queue->first = buffer->next;
        queue->count--;
    }
    return buffer;
}
