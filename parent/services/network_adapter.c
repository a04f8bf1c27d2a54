#include "parent/services/network_adapter.h"

#include "include/vmbus/rndis.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/include/channel_device.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/net/virtual_switch.h"
#include "parent/services/switch_plug.h"
#include "vsp/netvsp/netvsp.h"

struct network_adapter {
    struct netvsp *netvsp;      /* atomic: is set when the port, which it needs, is connected */
    struct virtual_switch *net; /* NULL: not connected */
    struct switch_port port;
};

/* --- Between switch and provider --- */

static void send(void *context, const struct net_frame *frame)
{
    struct network_adapter *adapter = context;

    virtual_switch_send(adapter->net, &adapter->port, frame);
}

/* A guest that asks for everything still gets only what is for it: it must not see what others say
 * to each other. */
static void set_filter(void *context, uint32_t filter)
{
    struct network_adapter *adapter = context;
    uint32_t accept = 0;

    if ((filter & (RNDIS_PACKET_TYPE_DIRECTED | RNDIS_PACKET_TYPE_PROMISCUOUS)) != 0)
        accept |= SWITCH_ACCEPT_DIRECTED;
    if ((filter & (RNDIS_PACKET_TYPE_MULTICAST | RNDIS_PACKET_TYPE_ALL_MULTICAST |
                   RNDIS_PACKET_TYPE_PROMISCUOUS)) != 0)
        accept |= SWITCH_ACCEPT_MULTICAST;
    if ((filter & (RNDIS_PACKET_TYPE_BROADCAST | RNDIS_PACKET_TYPE_PROMISCUOUS)) != 0)
        accept |= SWITCH_ACCEPT_BROADCAST;
    virtual_switch_set_filter(adapter->net, &adapter->port, accept);
}

static const struct netvsp_network network = {send, set_filter};

/* NULL: not yet. */
static struct netvsp *provider(struct switch_port *port)
{
    return __atomic_load_n(&CONTAINER_OF(port, struct network_adapter, port)->netvsp,
                           __ATOMIC_ACQUIRE);
}

static bool receive(struct switch_port *port, const struct net_frame *frame)
{
    struct netvsp *netvsp = provider(port);

    return netvsp != NULL && netvsp_receive(netvsp, frame);
}

static void link_changed(struct switch_port *port)
{
    struct netvsp *netvsp = provider(port);

    if (netvsp != NULL)
        netvsp_set_link(netvsp, port->link_up);
}

/* --- Making one --- */

/* No channel is open. */
static void release(void *context)
{
    struct network_adapter *adapter = context;

    if (adapter->net != NULL) {
        virtual_switch_disconnect(adapter->net, &adapter->port);
        virtual_switch_put(adapter->net);
    }
    if (adapter->netvsp != NULL)
        netvsp_destroy(adapter->netvsp);
    heap_free(adapter);
}

/* The provider at @adapter's port, which is connected. False: no memory. */
static bool create_provider(struct network_adapter *adapter)
{
    struct netvsp *netvsp = netvsp_create(&adapter->port.mac, &network, adapter);

    if (netvsp == NULL)
        return false;
    __atomic_store_n(&adapter->netvsp, netvsp, __ATOMIC_RELEASE);
    /* What changes meanwhile is told by link_changed(), which tells the newest state, too. */
    netvsp_set_link(netvsp, adapter->port.link_up);
    return true;
}

/* @adapter as a device; NULL: no memory. */
static struct channel_device *create_device(struct network_adapter *adapter, const char *name,
                                            unsigned index)
{
    /* The same at each start of a child with as many adapters. */
    struct vmbus_guid instance = {.bytes = "network adapter"};
    struct vmbus_offer offer;

    if (!create_provider(adapter))
        return NULL;
    instance.bytes[sizeof(instance.bytes) - 1] = (uint8_t)('0' + index);
    netvsp_offer(adapter->netvsp, &instance, &offer);
    return channel_device_create(&offer, name, release, adapter);
}

struct channel_device *network_adapter_create(const char *command, const char *word, unsigned index)
{
    struct network_adapter *adapter = heap_allocate(sizeof(*adapter));
    struct channel_device *device = NULL;
    char name[SWITCH_OWNER_SIZE];

    if (adapter == NULL) {
        command_failed(command, NULL, "no memory is left");
        return NULL;
    }
    snprintf(name, sizeof(name), "network %u", index);
    adapter->port = (struct switch_port){
        .mtu = SWITCH_MTU_MAX, .receive = receive, .link_changed = link_changed};
    snprintf(adapter->port.owner, sizeof(adapter->port.owner), "a child's %s", name);
    if (switch_plug(command, word, &adapter->port, &adapter->net)) {
        device = create_device(adapter, name, index);
        if (device == NULL)
            command_failed(command, NULL, "no memory is left");
    }
    if (device == NULL)
        release(adapter);
    return device;
}
