#include "parent/services/network_adapter.h"

#include "include/vmbus/rndis.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/include/channel_device.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/net/address.h"
#include "parent/net/virtual_switch.h"
#include "parent/services/network.h"
#include "vsp/netvsp/netvsp.h"

#define RANDOM_TRIES 8 /* for an address that no other port has */
#define MAC_LOCAL 0x02 /* first byte of an address that no maker has given: IEEE 802 */

struct network_adapter {
    struct netvsp *netvsp;
    struct virtual_switch *net; /* NULL: none yet */
    struct switch_port port;
    bool connected;
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

static bool receive(struct switch_port *port, const struct net_frame *frame)
{
    return netvsp_receive(CONTAINER_OF(port, struct network_adapter, port)->netvsp, frame);
}

static void link_changed(struct switch_port *port)
{
    netvsp_set_link(CONTAINER_OF(port, struct network_adapter, port)->netvsp, port->link_up);
}

/* --- Making one --- */

/* No channel is open. */
static void release(void *context)
{
    struct network_adapter *adapter = context;

    if (adapter->connected)
        virtual_switch_disconnect(adapter->net, &adapter->port);
    if (adapter->net != NULL)
        virtual_switch_put(adapter->net);
    if (adapter->netvsp != NULL)
        netvsp_destroy(adapter->netvsp);
    heap_free(adapter);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_mac(const char *text, struct mac_address *mac)
{
    for (unsigned i = 0; i < MAC_SIZE; i++, text += 3) {
        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

        if (low < 0 || text[2] != (i + 1 < MAC_SIZE ? ':' : '\0'))
            return false;
        mac->bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static void random_mac(struct mac_address *mac)
{
    uint64_t number = (uint64_t)network_random() << 32 | network_random();

    memcpy(mac->bytes, &number, MAC_SIZE);
    mac->bytes[0] = MAC_LOCAL;
}

/* Takes the words apart, and finds the switch. @mac: text behind the comma, or NULL. */
static bool find_switch(const char *command, struct network_adapter *adapter, const char *word,
                        const char **mac)
{
    char name[VIRTUAL_SWITCH_NAME_SIZE] = "";
    size_t length = 0;

    while (word[length] != '\0' && word[length] != ',')
        length++;
    *mac = word[length] == ',' ? word + length + 1 : NULL;
    if (length < sizeof(name)) {
        memcpy(name, word, length);
        name[length] = '\0';
        adapter->net = virtual_switch_get(name);
    }
    return adapter->net != NULL ||
           command_failed(command, "switch list shows all", "%.*s: there is no such switch",
                          (int)length, word);
}

/* Connects with the address in @mac, or any. */
static bool connect(const char *command, struct network_adapter *adapter, const char *mac)
{
    struct switch_port *port = &adapter->port;

    if (mac != NULL && (!parse_mac(mac, &port->mac) || !mac_unicast(&port->mac)))
        return command_failed(command, "02:00:00:00:00:01 is one",
                              "%s: this is no address of a network adapter", mac);
    for (unsigned i = 0; !adapter->connected && i < (mac != NULL ? 1 : RANDOM_TRIES); i++) {
        if (mac == NULL)
            random_mac(&port->mac);
        adapter->netvsp = netvsp_create(&port->mac, &network, adapter);
        if (adapter->netvsp == NULL)
            return command_failed(command, NULL, "no memory is left");
        adapter->connected = virtual_switch_connect(adapter->net, port);
        if (!adapter->connected) {
            netvsp_destroy(adapter->netvsp);
            adapter->netvsp = NULL;
        }
    }
    if (!adapter->connected)
        return command_failed(command, "switch stats shows the ports",
                              "the switch has no free port, or another port has the address");
    return true;
}

struct channel_device *network_adapter_create(const char *command, const char *word, unsigned index)
{
    struct network_adapter *adapter = heap_allocate(sizeof(*adapter));
    /* The same at each start of a child with as many adapters. */
    struct vmbus_guid instance = {.bytes = "network adapter"};
    struct channel_device *device = NULL;
    struct vmbus_offer offer;
    char name[SWITCH_OWNER_SIZE];
    const char *mac;

    if (adapter == NULL) {
        command_failed(command, NULL, "no memory is left");
        return NULL;
    }
    snprintf(name, sizeof(name), "network %u", index);
    adapter->port = (struct switch_port){
        .mtu = SWITCH_MTU_MAX, .receive = receive, .link_changed = link_changed};
    snprintf(adapter->port.owner, sizeof(adapter->port.owner), "a child's %s", name);
    if (find_switch(command, adapter, word, &mac) && connect(command, adapter, mac)) {
        /* What changes meanwhile is told by link_changed(), which tells the newest state, too. */
        netvsp_set_link(adapter->netvsp, adapter->port.link_up);
        instance.bytes[sizeof(instance.bytes) - 1] = (uint8_t)('0' + index);
        netvsp_offer(adapter->netvsp, &instance, &offer);
        device = channel_device_create(&offer, name, release, adapter);
        if (device == NULL)
            command_failed(command, NULL, "no memory is left");
    }
    if (device == NULL)
        release(adapter);
    return device;
}
