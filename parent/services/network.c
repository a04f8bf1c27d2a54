#include "parent/services/network.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define POOL_PAGES 64 /* 256 KiB of packets */
#define HOST_NAME "veneer"
#define PING_IDENTIFIER 0x5645
#define PING_SIZE_MAX 1400

struct network {
    struct net_client client;
    struct spinlock lock; /* the stack */
    struct timer timer;   /* for the stack's deadline */
    bool ended;           /* the timer is not started again */
    uint64_t pool;        /* physical address of the stack's packets */
    struct net_stack stack;
};

static struct network *networks[NET_DEVICES_MAX];
static unsigned network_count;

/* --- What the stack asks for -------------------------------------------------------------- */

static bool has_rdrand(void)
{
    return (cpuid(1, 0).ecx & (1u << 30)) != 0;
}

/* The processor's random numbers where it has them; else what nobody outside can know of the TSC.
 */
static uint32_t random_number(void *context)
{
    static uint64_t state;
    uint64_t value = rdtsc();

    (void)context;
    if (has_rdrand())
        __asm__ volatile("rdrand %0" : "=r"(value) : : "cc");
    /* One step of splitmix64. */
    state += value + 0x9e3779b97f4a7c15ull;
    value = (state ^ state >> 30) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ value >> 27) * 0x94d049bb133111ebull;
    return (uint32_t)(value >> 32);
}

uint32_t network_random(void)
{
    return random_number(NULL);
}

static void report_event(void *context, enum net_event event)
{
    struct network *network = context;
    struct net_stack *stack = &network->stack;
    const struct net_device *device = stack->device;
    char address[IPV4_TEXT_SIZE], gateway[IPV4_TEXT_SIZE], mac[MAC_TEXT_SIZE];

    ipv4_format(stack->configuration.address, address);
    ipv4_format(stack->configuration.gateway, gateway);
    mac_format(&stack->arp.conflict, mac);
    switch (event) {
    case NET_EVENT_CONFIGURED:
        log_print(LOG_INFO, "%s: address %s/%u, gateway %s", device->name, address,
                  ipv4_prefix_length(stack->configuration.mask), gateway);
        break;
    case NET_EVENT_UNCONFIGURED:
        log_print(LOG_WARNING, "%s: no address any more", device->name);
        break;
    case NET_EVENT_CONFLICT:
        log_print(LOG_WARNING, "%s: station %s uses our address, too", device->name, mac);
        break;
    case NET_EVENT_LINK:
        if (device->link_up)
            log_print(LOG_INFO, "%s: link up, %u Mbit/s", device->name, device->link_mbps);
        else
            log_print(LOG_WARNING, "%s: link down: check the cable", device->name);
        break;
    }
}

/* --- Locking and time --------------------------------------------------------------------- */

/* After each use of the stack: it may want to be called at another time. Holds the lock. */
static void tick(struct network *network)
{
    uint64_t deadline = net_tick(&network->stack, time_now());

    if (deadline != NET_NEVER && !network->ended)
        timer_start(&network->timer, deadline);
}

struct net_stack *network_take(struct network *network, uint64_t *flags)
{
    *flags = spin_lock(&network->lock);
    net_tick(&network->stack, time_now());
    return &network->stack;
}

void network_release(struct network *network, uint64_t flags)
{
    tick(network);
    spin_unlock(&network->lock, flags);
}

static void timer_fired(struct timer *timer)
{
    struct network *network = CONTAINER_OF(timer, struct network, timer);
    uint64_t flags = spin_lock(&network->lock);

    tick(network);
    spin_unlock(&network->lock, flags);
}

static void receive(struct net_client *client, const struct net_frame *frame)
{
    struct network *network = CONTAINER_OF(client, struct network, client);
    uint64_t flags;

    net_receive(network_take(network, &flags), frame);
    network_release(network, flags);
}

static void link_changed(struct net_client *client)
{
    struct network *network = CONTAINER_OF(client, struct network, client);
    uint64_t flags;

    net_link_changed(network_take(network, &flags));
    network_release(network, flags);
}

/* --- Start and use ------------------------------------------------------------------------ */

static void free_network(struct network *network, uint64_t pool)
{
    if (pool != 0)
        pages_free(pool, POOL_PAGES);
    heap_free(network);
}

bool network_add(struct net_device *device)
{
    struct network *network = heap_allocate(sizeof(*network));
    uint64_t pool = pages_allocate(POOL_PAGES, 1);
    uint64_t flags;

    if (network == NULL || pool == 0 || network_count == NET_DEVICES_MAX) {
        free_network(network, pool);
        return false;
    }
    struct net_hooks hooks = {random_number, report_event, network};
    network->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_NET);
    network->client = (struct net_client){receive, link_changed};
    network->pool = pool;
    timer_setup(&network->timer, timer_fired);
    net_init(&network->stack, device, &hooks, physical_to_virtual(pool), pool,
             POOL_PAGES * PAGE_SIZE, time_now());
    networks[network_count++] = network;
    if (!net_device_attach(device, &network->client)) {
        log_print(LOG_ERROR, "%s: the card does not start", device->name);
        return true;
    }
    dhcp_start(network_take(network, &flags), HOST_NAME);
    network_release(network, flags);
    return true;
}

/* Takes @network off its device, if that had started. */
static void leave_device(struct network *network)
{
    struct net_device *device = network->stack.device;

    if (device->client == &network->client)
        net_device_detach(device);
}

void network_remove(struct net_device *device)
{
    struct network *network = network_find(device->name);
    unsigned index = 0;
    uint64_t flags;

    if (network == NULL)
        return;
    leave_device(network);
    network_take(network, &flags);
    network->ended = true;
    network_release(network, flags);
    timer_cancel(&network->timer);
    while (networks[index] != network)
        index++;
    network_count--;
    for (; index < network_count; index++)
        networks[index] = networks[index + 1];
    free_network(network, network->pool);
}

bool network_move(struct net_device *from, struct net_device *to)
{
    struct network *network = network_find(from->name);
    uint64_t flags;

    if (network == NULL)
        return false;
    leave_device(network);
    network_take(network, &flags)->device = to;
    network_release(network, flags);
    if (!net_device_attach(to, &network->client))
        log_print(LOG_ERROR, "%s: it does not start", to->name);
    return true;
}

bool network_owns(const struct net_device *device)
{
    const struct network *network = network_find(device->name);

    return network != NULL && device->client == &network->client;
}

void network_start(void)
{
    struct net_device *device;

    for (unsigned i = 0; (device = net_device_at(i)) != NULL; i++) {
        if (!network_add(device))
            log_print(LOG_ERROR, "%s: no memory for its network", device->name);
    }
}

struct network *network_get(unsigned index)
{
    return index < network_count ? networks[index] : NULL;
}

struct network *network_find(const char *device_name)
{
    for (unsigned i = 0; i < network_count; i++)
        if (strcmp(networks[i]->stack.device->name, device_name) == 0)
            return networks[i];
    return NULL;
}

/* One request that a thread waits for. */
struct waiting_ping {
    struct ping ping;
    struct wait_queue queue;
    bool done;
    enum ping_result result;
    uint64_t round_trip_us;
};

static void ping_done(struct ping *ping, enum ping_result result, uint64_t round_trip_us,
                      uint8_t ttl)
{
    struct waiting_ping *waiting = ping->context;

    (void)ttl;
    waiting->result = result;
    waiting->round_trip_us = round_trip_us;
    __atomic_store_n(&waiting->done, true, __ATOMIC_RELEASE);
    wake_all(&waiting->queue);
}

enum net_status network_ping(struct network *network, ipv4_t destination, uint16_t sequence,
                             uint32_t size, uint32_t timeout_us, enum ping_result *result,
                             uint64_t *round_trip_us)
{
    static const uint8_t payload[PING_SIZE_MAX];
    struct waiting_ping waiting = {
        .ping = {.destination = destination,
                 .identifier = PING_IDENTIFIER,
                 .sequence = sequence,
                 .payload = payload,
                 .size = size < PING_SIZE_MAX ? size : PING_SIZE_MAX,
                 .timeout_us = timeout_us,
                 .done = ping_done,
                 .context = &waiting},
    };
    uint64_t flags;

    wait_queue_init(&waiting.queue);
    enum net_status status = ping_send(network_take(network, &flags), &waiting.ping);
    network_release(network, flags);
    if (status != NET_OK)
        return status;
    WAIT_UNTIL(&waiting.queue, __atomic_load_n(&waiting.done, __ATOMIC_ACQUIRE), WAIT_FOREVER);
    /* ping_done() runs under the lock and may still be waking us: our stack must not go before. */
    network_take(network, &flags);
    network_release(network, flags);
    *result = waiting.result;
    *round_trip_us = waiting.round_trip_us;
    return NET_OK;
}
