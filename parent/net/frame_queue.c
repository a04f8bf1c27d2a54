#include "parent/net/frame_queue.h"

#include "lib/x86/cpu.h"
#include "parent/include/memory.h"

bool frame_queue_init(struct frame_queue *queue, unsigned count)
{
    *queue = (struct frame_queue){0};
    queue->pages = ((uint64_t)count * NET_BUFFER_SIZE + PAGE_SIZE - 1) / PAGE_SIZE;
    queue->memory = pages_allocate(queue->pages, 1);
    if (queue->memory == 0)
        return false;
    net_pool_init(&queue->pool, physical_to_virtual(queue->memory), queue->memory,
                  (size_t)count * NET_BUFFER_SIZE);
    return true;
}

void frame_queue_destroy(struct frame_queue *queue)
{
    if (queue->memory != 0)
        pages_free(queue->memory, queue->pages);
}

bool frame_queue_add(struct frame_queue *queue, const struct net_frame *frame)
{
    struct net_buffer *buffer = net_buffer_take(&queue->pool);

    if (buffer == NULL)
        return false;
    if (!net_buffer_fill(buffer, frame)) {
        net_buffer_put(buffer);
        return false;
    }
    net_queue_add(&queue->frames, buffer);
    return true;
}

struct net_buffer *frame_queue_remove(struct frame_queue *queue)
{
    return net_queue_remove(&queue->frames);
}

void frame_queue_clear(struct frame_queue *queue)
{
    struct net_buffer *buffer;

    while ((buffer = frame_queue_remove(queue)) != NULL)
        net_buffer_put(buffer);
}
