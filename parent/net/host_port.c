#include "parent/net/host_port.h"

#include "lib/string.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/net/frame_queue.h"

struct host_port {
    struct net_device device;
    struct switch_port port;
    struct virtual_switch *net;
    const struct net_device *card;

    struct spinlock lock;     /* all below */
    struct frame_queue queue; /* frames for the stack */
    bool running;             /* the device is started */
    bool busy;                /* the thread calls the device's client */
    bool ended;               /* the thread leaves */

    struct wait_queue work; /* the thread waits for frames and changes of the link */
    struct wait_queue idle; /* who stops the device waits for the thread */
    struct thread *thread;
};

static struct host_port *host_of(struct net_device *device)
{
    return CONTAINER_OF(device, struct host_port, device);
}

/* --- From the switch ------------------------------------------------------------------------ */

/* The switch's lock is held. */
static bool receive_from_switch(struct switch_port *port, const struct net_frame *frame)
{
    struct host_port *host = CONTAINER_OF(port, struct host_port, port);
    uint64_t flags = spin_lock(&host->lock);
    bool first = frame_queue_is_empty(&host->queue);
    bool taken = host->running && frame_queue_add(&host->queue, frame);

    spin_unlock(&host->lock, flags);
    if (taken && first)
        wake_all(&host->work);
    return taken;
}

/* The switch's lock is held. */
static void switch_link_changed(struct switch_port *port)
{
    wake_all(&CONTAINER_OF(port, struct host_port, port)->work);
}

/* --- The thread ----------------------------------------------------------------------------- */

static bool link_differs(const struct host_port *host)
{
    return __atomic_load_n(&host->port.link_up, __ATOMIC_RELAXED) !=
           __atomic_load_n(&host->device.link_up, __ATOMIC_RELAXED);
}

/* Whether there is something to do; then, unless the thread shall leave, it is busy from here on,
 * with *@buffer, if that is not NULL. */
static bool begin(struct host_port *host, struct net_buffer **buffer)
{
    uint64_t flags = spin_lock(&host->lock);
    bool work = host->running && (!frame_queue_is_empty(&host->queue) || link_differs(host));

    if (work) {
        host->busy = true;
        *buffer = frame_queue_remove(&host->queue);
    }
    work |= host->ended;
    spin_unlock(&host->lock, flags);
    return work;
}

static void end(struct host_port *host)
{
    uint64_t flags = spin_lock(&host->lock);

    host->busy = false;
    spin_unlock(&host->lock, flags);
    wake_all(&host->idle);
}

static void update_link(struct host_port *host)
{
    bool up = __atomic_load_n(&host->port.link_up, __ATOMIC_RELAXED);

    if (link_differs(host))
        net_device_set_link(&host->device, up,
                            host->card != NULL ? host->card->link_mbps : HOST_PORT_MBPS);
}

static int deliver_to_stack(void *argument)
{
    struct host_port *host = argument;

    for (;;) {
        struct net_buffer *buffer = NULL;

        WAIT_UNTIL(&host->work, begin(host, &buffer), WAIT_FOREVER);
        if (__atomic_load_n(&host->ended, __ATOMIC_ACQUIRE))
            return 0; /* nothing is busy or in the queue: the device was stopped before */
        update_link(host);
        if (buffer != NULL) {
            net_device_deliver(&host->device, &buffer->frame);
            net_buffer_put(buffer);
        }
        end(host);
    }
}

/* --- The network device --------------------------------------------------------------------- */

static bool start(struct net_device *device)
{
    struct host_port *host = host_of(device);
    uint64_t flags = spin_lock(&host->lock);

    host->running = true;
    spin_unlock(&host->lock, flags);
    wake_all(&host->work);
    return true;
}

static bool is_idle(struct host_port *host)
{
    uint64_t flags = spin_lock(&host->lock);
    bool idle = !host->busy;

    spin_unlock(&host->lock, flags);
    return idle;
}

static void stop(struct net_device *device)
{
    struct host_port *host = host_of(device);
    uint64_t flags = spin_lock(&host->lock);

    host->running = false;
    frame_queue_clear(&host->queue);
    spin_unlock(&host->lock, flags);
    WAIT_UNTIL(&host->idle, is_idle(host), WAIT_FOREVER);
}

/* As on a cable, what is sent is gone, whether or not anybody takes it. */
static void transmit(struct net_device *device, struct net_frame *frame)
{
    struct host_port *host = host_of(device);

    virtual_switch_send(host->net, &host->port, frame);
    net_device_sent(device, frame, true);
}

static const struct net_device_operations operations = {
    .start = start,
    .stop = stop,
    .transmit = transmit,
};

/* --- Life ----------------------------------------------------------------------------------- */

static void deallocate(struct host_port *host)
{
    frame_queue_destroy(&host->queue);
    heap_free(host);
}

static struct host_port *allocate(struct virtual_switch *net, const struct mac_address *mac,
                                  const struct net_device *card)
{
    struct host_port *host = heap_allocate(sizeof(*host));

    if (host == NULL)
        return NULL;
    if (!frame_queue_init(&host->queue, HOST_PORT_BUFFERS)) {
        heap_free(host);
        return NULL;
    }
    host->device = (struct net_device){
        .operations = &operations,
        .model = "port of a virtual switch",
        .mac = *mac,
        .mtu = NET_MTU,
    };
    host->port = (struct switch_port){
        .mac = *mac,
        .mtu = NET_MTU,
        .accept = SWITCH_ACCEPT_DIRECTED | SWITCH_ACCEPT_MULTICAST | SWITCH_ACCEPT_BROADCAST,
        .owner = "the parent",
        .receive = receive_from_switch,
        .link_changed = switch_link_changed,
    };
    host->net = net;
    host->card = card;
    host->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    wait_queue_init(&host->work);
    wait_queue_init(&host->idle);
    return host;
}

static void end_thread(struct host_port *host)
{
    __atomic_store_n(&host->ended, true, __ATOMIC_RELEASE);
    wake_all(&host->work);
    thread_join(host->thread);
}

struct host_port *host_port_create(struct virtual_switch *net, const char *name,
                                   const struct mac_address *mac, const struct net_device *card,
                                   const char **error)
{
    struct host_port *host = allocate(net, mac, card);

    *error = "no memory";
    if (host == NULL)
        return NULL;
    host->thread =
        thread_create("switch to parent", deliver_to_stack, host, PRIORITY_HIGH, THREAD_ANY_CPU);
    if (host->thread == NULL) {
        deallocate(host);
        return NULL;
    }
    *error = "the switch has no free port";
    if (virtual_switch_connect(net, &host->port)) {
        *error = "the name is another network device's, or there are too many devices";
        if (net_device_register_as(&host->device, name))
            return host;
        virtual_switch_disconnect(net, &host->port);
    }
    end_thread(host);
    deallocate(host);
    return NULL;
}

void host_port_destroy(struct host_port *host)
{
    net_device_unregister(&host->device);
    virtual_switch_disconnect(host->net, &host->port);
    end_thread(host);
    deallocate(host);
}

struct net_device *host_port_device(struct host_port *host)
{
    return &host->device;
}
