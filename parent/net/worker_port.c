#include "parent/net/worker_port.h"

#include "lib/string.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"

_Static_assert(SYSTEM_PORT_DIRECTED == SWITCH_ACCEPT_DIRECTED &&
                   SYSTEM_PORT_MULTICAST == SWITCH_ACCEPT_MULTICAST &&
                   SYSTEM_PORT_BROADCAST == SWITCH_ACCEPT_BROADCAST,
               "passed on as they are");
_Static_assert(SYSTEM_FRAME_MAX == NET_BUFFER_FRAME_SIZE, "what can be sent can be received");

/* --- From the switch ------------------------------------------------------------------------ */

/* The switch's lock is held. */
static bool receive(struct switch_port *switch_port, const struct net_frame *frame)
{
    struct worker_port *port = CONTAINER_OF(switch_port, struct worker_port, port);
    uint64_t flags = spin_lock(&port->lock);
    bool first = frame_queue_is_empty(&port->queue);
    bool taken = frame_queue_add(&port->queue, frame);

    spin_unlock(&port->lock, flags);
    if (taken && first)
        wake_all(&port->work);
    return taken;
}

/* The switch's lock is held. */
static void link_changed(struct switch_port *switch_port)
{
    wake_all(&CONTAINER_OF(switch_port, struct worker_port, port)->work);
}

/* --- For the worker ------------------------------------------------------------------------- */

static bool link_is_up(const struct worker_port *port)
{
    return __atomic_load_n(&port->port.link_up, __ATOMIC_RELAXED);
}

void worker_port_describe(struct worker_port *port, struct system_port_information *information)
{
    struct switch_port_statistics statistics;
    uint64_t flags;

    virtual_switch_statistics(port->net, &port->port, &statistics);
    flags = spin_lock(&port->lock);
    port->link_told = link_is_up(port);
    *information = (struct system_port_information){.link_up = port->link_told,
                                                    .dropped = statistics.sent.dropped};
    spin_unlock(&port->lock, flags);
    memcpy(information->mac, port->port.mac.bytes, MAC_SIZE);
}

/* The size of the frame at @at, or 0 if there is none. @size bytes are there. */
static uint32_t frame_at(const uint8_t *frames, uint32_t size, uint32_t at)
{
    struct system_frame frame;

    if (size - at < sizeof(frame))
        return 0;
    memcpy(&frame, frames + at, sizeof(frame));
    if (frame.size < SYSTEM_FRAME_MIN || frame.size > SYSTEM_FRAME_MAX ||
        frame.size > size - at - sizeof(frame))
        return 0;
    return frame.size;
}

unsigned worker_port_count(const uint8_t *frames, uint32_t size)
{
    unsigned count = 0;

    for (uint32_t at = 0; at < size; count++) {
        uint32_t frame_size = frame_at(frames, size, at);

        if (frame_size == 0)
            return 0;
        at += system_frame_space(frame_size);
    }
    return count;
}

void worker_port_send(struct worker_port *port, const uint8_t *frames, uint32_t size)
{
    for (uint32_t at = 0; at < size;) {
        uint32_t frame_size = frame_at(frames, size, at);
        struct net_segment segment = {
            .data = (void *)(uintptr_t)(frames + at + sizeof(struct system_frame)),
            .size = frame_size,
        };
        struct net_frame frame = {.segments = &segment, .segment_count = 1, .size = frame_size};

        virtual_switch_send(port->net, &port->port, &frame);
        at += system_frame_space(frame_size);
    }
}

void worker_port_filter(struct worker_port *port, uint32_t filter)
{
    uint64_t flags;

    virtual_switch_set_filter(port->net, &port->port, filter);
    flags = spin_lock(&port->lock);
    frame_queue_clear(&port->queue);
    spin_unlock(&port->lock, flags);
}

bool worker_port_is_ready(struct worker_port *port)
{
    uint64_t flags = spin_lock(&port->lock);
    bool ready = !frame_queue_is_empty(&port->queue) || port->link_told != link_is_up(port);

    spin_unlock(&port->lock, flags);
    return ready;
}

struct net_buffer *worker_port_receive(struct worker_port *port, uint32_t space)
{
    struct net_buffer *buffer;
    uint64_t flags = spin_lock(&port->lock);

    buffer = port->queue.frames.first;
    if (buffer != NULL && system_frame_space(buffer->frame.size) > space)
        buffer = NULL;
    if (buffer != NULL)
        frame_queue_remove(&port->queue);
    spin_unlock(&port->lock, flags);
    return buffer;
}

/* --- Life ----------------------------------------------------------------------------------- */

static void destroy(struct object *object)
{
    struct worker_port *port = CONTAINER_OF(object, struct worker_port, object);

    if (port->net != NULL) {
        virtual_switch_disconnect(port->net, &port->port);
        virtual_switch_put(port->net);
    }
    frame_queue_destroy(&port->queue);
    heap_free(port);
}

struct worker_port *worker_port_create(const char *owner)
{
    struct worker_port *port = heap_allocate(sizeof(*port));

    if (port == NULL)
        return NULL;
    if (!frame_queue_init(&port->queue, WORKER_PORT_FRAMES)) {
        heap_free(port);
        return NULL;
    }
    object_init(&port->object, OBJECT_WORKER_PORT, destroy);
    port->port =
        (struct switch_port){.mtu = NET_MTU, .receive = receive, .link_changed = link_changed};
    string_copy(port->port.owner, owner, sizeof(port->port.owner));
    port->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    wait_queue_init(&port->work);
    mutex_init(&port->send_lock);
    return port;
}
