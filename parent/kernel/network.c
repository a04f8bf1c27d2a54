#include "parent/include/network.h"

#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/random.h"
#include "parent/include/spinlock.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define POOL_PAGES 64 /* 256 KiB: 128 packets */
#define HOST_NAME "veneer"

struct network {
    struct net_client client;
    struct spinlock lock; /* the stack, and: */
    uint64_t lock_flags;
    uint64_t armed; /* when the timer comes, NET_NEVER: it does not */
    struct net_stack stack;
    struct timer timer;
};

static struct network *networks[NET_DEVICES_MAX]; /* by index of the device */
static uint8_t ping_payload[NETWORK_PING_SIZE];   /* zeros */

/* One queue for all who wait for a network to change: they may go before the waker has finished. */
static struct wait_queue changed = {.lock = SPINLOCK(LOCK_LEVEL_WAIT),
                                    .waiters = {&changed.waiters, &changed.waiters}};

struct network *network_at(unsigned index)
{
    return index < NET_DEVICES_MAX ? networks[index] : NULL;
}

struct network *network_find(const char *name)
{
    for (unsigned i = 0; i < NET_DEVICES_MAX; i++) {
        if (networks[i] && strcmp(networks[i]->stack.device->name, name) == 0)
            return networks[i];
    }
    return NULL;
}

struct net_stack *network_enter(struct network *network)
{
    uint64_t flags = spin_lock(&network->lock);
    network->lock_flags = flags;
    net_tick(&network->stack, time_now());
    return &network->stack;
}

void network_leave(struct network *network)
{
    uint64_t flags = network->lock_flags;
    uint64_t deadline = net_tick(&network->stack, time_now());
    /* A timer that comes too early does no harm and sets the next. */
    if (deadline < network->armed) {
        network->armed = deadline;
        timer_start(&network->timer, deadline);
    }
    spin_unlock(&network->lock, flags);
}

static void receive(struct net_client *client, const struct net_frame *frame)
{
    struct network *network = CONTAINER_OF(client, struct network, client);
    net_receive(network_enter(network), frame);
    network_leave(network);
}

static void link_changed(struct net_client *client)
{
    struct network *network = CONTAINER_OF(client, struct network, client);
    const struct net_device *device = network->stack.device;
    if (device->link_up)
        log_print(LOG_INFO, "%s: link up, %u Mbit/s", device->name, device->link_mbps);
    else
        log_print(LOG_INFO, "%s: link down", device->name);
    net_link_changed(network_enter(network));
    network_leave(network);
    wake_all(&changed);
}

static void on_timer(struct timer *timer)
{
    struct network *network = CONTAINER_OF(timer, struct network, timer);
    network_enter(network);
    network->armed = NET_NEVER;
    network_leave(network);
}

static uint32_t random_number(void *context)
{
    (void)context;
    return random_32();
}

static void log_configuration(const struct net_stack *stack)
{
    char address[IPV4_TEXT_SIZE], gateway[IPV4_TEXT_SIZE];
    ipv4_format(stack->configuration.address, address);
    ipv4_format(stack->configuration.gateway, gateway);
    log_print(LOG_INFO, "%s: address %s/%u, gateway %s", stack->device->name, address,
              ipv4_prefix_length(stack->configuration.mask), gateway);
}

/* With the stack's lock held. */
static void on_event(void *context, enum net_event event)
{
    struct network *network = context;
    const struct net_stack *stack = &network->stack;
    switch (event) {
    case NET_EVENT_CONFIGURED:
        log_configuration(stack);
        break;
    case NET_EVENT_UNCONFIGURED:
        log_print(LOG_WARNING, "%s: no address any more", stack->device->name);
        break;
    case NET_EVENT_CONFLICT:
        log_print(LOG_WARNING, "%s: another station uses our address", stack->device->name);
        break;
    case NET_EVENT_LINK:
        break;
    }
    wake_all(&changed);
}

static bool start_on(struct net_device *device, unsigned index)
{
    struct network *network = heap_allocate(sizeof(*network));
    uint64_t pool = pages_allocate(POOL_PAGES, 1);
    if (!network || pool == 0) {
        log_print(LOG_ERROR, "%s: no memory for a network stack", device->name);
        return false;
    }
    const struct net_hooks hooks = {.random = random_number, .event = on_event, .context = network};
    network->client = (struct net_client){.receive = receive, .link_changed = link_changed};
    network->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_NET);
    network->armed = NET_NEVER;
    timer_setup(&network->timer, on_timer);
    net_init(&network->stack, device, &hooks, physical_to_virtual(pool), pool,
             POOL_PAGES * PAGE_SIZE, time_now());
    if (!net_device_attach(device, &network->client)) {
        log_print(LOG_ERROR, "%s: does not start", device->name);
        return false;
    }
    networks[index] = network;
    dhcp_start(network_enter(network), HOST_NAME);
    network_leave(network);
    return true;
}

void network_start(void)
{
    struct net_device *device;
    for (unsigned i = 0; (device = net_device_at(i)) != NULL; i++) {
        if (!networks[i] && !device->client)
            start_on(device, i);
    }
}

static bool has_address(struct network *network)
{
    bool has = network_enter(network)->configuration.address != 0;
    network_leave(network);
    return has;
}

bool network_wait_address(struct network *network, uint64_t deadline)
{
    return WAIT_UNTIL(&changed, has_address(network), deadline);
}

/* What a waiting thread learns of its request. */
struct ping_wait {
    bool ended;
    enum ping_result result;
    uint64_t round_trip_us;
};

static void ping_done(struct ping *ping, enum ping_result result, uint64_t round_trip_us,
                      uint8_t ttl)
{
    struct ping_wait *wait = ping->context;
    (void)ttl;
    wait->result = result;
    wait->round_trip_us = round_trip_us;
    __atomic_store_n(&wait->ended, true, __ATOMIC_RELEASE);
    wake_all(&changed);
}

enum net_status network_ping(struct network *network, ipv4_t destination, uint16_t sequence,
                             uint32_t size, uint32_t timeout_us, enum ping_result *result,
                             uint64_t *round_trip_us)
{
    struct ping_wait wait = {.ended = false};
    struct ping ping = {
        .destination = destination,
        .identifier = (uint16_t)random_32(),
        .sequence = sequence,
        .payload = ping_payload,
        .size = size,
        .timeout_us = timeout_us,
        .done = ping_done,
        .context = &wait,
    };
    if (size > NETWORK_PING_SIZE || timeout_us == 0)
        return NET_INVALID;
    enum net_status status = ping_send(network_enter(network), &ping);
    network_leave(network);
    if (status != NET_OK)
        return status;
    WAIT_UNTIL(&changed, __atomic_load_n(&wait.ended, __ATOMIC_ACQUIRE), WAIT_FOREVER);
    /* The stack is done with the request when it has left the function that called ping_done(). */
    network_enter(network);
    network_leave(network);
    *result = wait.result;
    *round_trip_us = wait.round_trip_us;
    return NET_OK;
}
