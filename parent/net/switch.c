#include "parent/net/switch.h"

#include "lib/string.h"
#include "parent/net/address.h"

#define MTU_MIN 68 /* RFC 791 */
#define TAG_802_1Q_0 0x81

/* The part of a frame that the switch decides by. */
struct header {
    struct mac_address destination, source;
    uint8_t type[2];
};

_Static_assert(sizeof(struct header) == NET_HEADER_SIZE, "Ethernet header");

/* A frame whose header is read once, and is what all ports get: a guest may change its own copy at
 * any time, and must not be able to make another source of it than the one that was checked. */
struct checked_frame {
    struct header header;
    struct net_segment segments[NET_SEGMENTS_MAX + 1];
    struct net_frame frame;
};

static bool is_group(const struct mac_address *mac)
{
    return (mac->bytes[0] & 1) != 0;
}

/* Addresses for conversations between neighbours on a cable, such as pausing it or spanning trees,
 * which no bridge forwards (IEEE 802.1D-2004, 7.12.6): 01:80:c2:00:00:00 to 0f. */
static bool is_link_local(const struct mac_address *mac)
{
    static const uint8_t prefix[MAC_SIZE - 1] = {0x01, 0x80, 0xc2, 0, 0};

    return memcmp(mac->bytes, prefix, sizeof(prefix)) == 0 && mac->bytes[MAC_SIZE - 1] <= 0x0f;
}

/* The set of the table that may hold @mac. */
static struct switch_entry *set_of(struct net_switch *net, const struct mac_address *mac)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (unsigned i = 0; i < MAC_SIZE; i++)
        hash = (hash ^ mac->bytes[i]) * 16777619u;
    return net->table[(hash ^ hash >> 16) % SWITCH_SETS];
}

static struct switch_port *find_configured(struct net_switch *net, const struct mac_address *mac)
{
    for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++) {
        struct switch_port *port = net->ports[i];

        if (port != NULL && !port->learns && mac_equal(&port->mac, mac))
            return port;
    }
    return NULL;
}

static struct switch_port *find_learned(struct net_switch *net, const struct mac_address *mac,
                                        uint64_t now_us)
{
    struct switch_entry *set = set_of(net, mac);

    for (unsigned i = 0; i < SWITCH_WAYS; i++) {
        if (set[i].port != NULL && mac_equal(&set[i].mac, mac) &&
            now_us - set[i].seen_us < SWITCH_AGE_US)
            return set[i].port;
    }
    return NULL;
}

/* Remembers that @mac is behind @port, in place of the entry of its set not seen for longest. */
static void learn(struct net_switch *net, const struct mac_address *mac, struct switch_port *port,
                  uint64_t now_us)
{
    struct switch_entry *set = set_of(net, mac), *victim = &set[0];

    for (unsigned i = 0; i < SWITCH_WAYS; i++) {
        if (set[i].port != NULL && mac_equal(&set[i].mac, mac)) {
            victim = &set[i];
            break;
        }
        if (victim->port != NULL && (set[i].port == NULL || set[i].seen_us < victim->seen_us))
            victim = &set[i];
    }
    *victim = (struct switch_entry){.mac = *mac, .port = port, .seen_us = now_us};
}

static void forget_port(struct net_switch *net, const struct switch_port *port)
{
    for (unsigned i = 0; i < SWITCH_SETS; i++) {
        for (unsigned j = 0; j < SWITCH_WAYS; j++) {
            if (net->table[i][j].port == port)
                net->table[i][j].port = NULL;
        }
    }
}

void switch_init(struct net_switch *net)
{
    memset(net, 0, sizeof(*net));
}

bool switch_connect(struct net_switch *net, struct switch_port *port)
{
    if (port->mtu < MTU_MIN || port->mtu > SWITCH_MTU_MAX)
        return false;
    if (!port->learns && (!mac_unicast(&port->mac) || find_configured(net, &port->mac) != NULL))
        return false;
    for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++) {
        if (net->ports[i] != NULL)
            continue;
        port->unplugged = false;
        port->link_up = !net->media_down;
        port->statistics = (struct switch_port_statistics){0};
        net->ports[i] = port;
        return true;
    }
    return false;
}

void switch_disconnect(struct net_switch *net, struct switch_port *port)
{
    forget_port(net, port);
    port->link_up = false;
    for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++) {
        if (net->ports[i] == port)
            net->ports[i] = NULL;
    }
}

static void update_link(struct net_switch *net, struct switch_port *port)
{
    bool up = !port->unplugged && !net->media_down;

    if (port->link_up == up)
        return;
    port->link_up = up;
    if (!up)
        forget_port(net, port);
    if (port->link_changed != NULL)
        port->link_changed(port);
}

void switch_set_link(struct net_switch *net, struct switch_port *port, bool up)
{
    port->unplugged = !up;
    update_link(net, port);
}

void switch_set_media(struct net_switch *net, bool up)
{
    net->media_down = !up;
    for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++) {
        if (net->ports[i] != NULL)
            update_link(net, net->ports[i]);
    }
}

/* False if the segments of @frame are too many, do not hold a header, or have another size than it.
 */
static bool copy_header(const struct net_frame *frame, struct checked_frame *copy)
{
    uint32_t done = 0, count = 1;
    uint64_t total = 0;

    if (frame->segment_count > NET_SEGMENTS_MAX)
        return false;
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        struct net_segment rest = frame->segments[i];
        uint32_t part = NET_HEADER_SIZE - done;

        total += rest.size;
        if (part > rest.size)
            part = rest.size;
        memcpy((uint8_t *)&copy->header + done, rest.data, part);
        done += part;
        if (part == rest.size)
            continue;
        rest.data = (uint8_t *)rest.data + part;
        rest.size -= part;
        copy->segments[count++] = rest;
    }
    copy->segments[0] = (struct net_segment){.data = &copy->header, .size = NET_HEADER_SIZE};
    copy->frame = (struct net_frame){copy->segments, count, frame->size, NULL};
    return done == NET_HEADER_SIZE && total == frame->size;
}

static bool fits(const struct switch_port *port, const struct checked_frame *copy)
{
    const uint8_t *type = copy->header.type;
    bool tagged = type[0] == TAG_802_1Q_0 && type[1] == 0;
    uint32_t limit = NET_HEADER_SIZE + (tagged ? NET_VLAN_TAG_SIZE : 0u) + port->mtu;

    return copy->frame.size <= limit;
}

/* Whether @from may send from this source address. */
static bool may_send_from(struct net_switch *net, const struct switch_port *from,
                          const struct mac_address *source)
{
    if (!from->learns)
        return mac_equal(source, &from->mac);
    return mac_unicast(source) && find_configured(net, source) == NULL;
}

/* Whether @port gets a frame to @destination; @target: the port of that address, if known. */
static bool wants(const struct switch_port *port, const struct mac_address *destination,
                  const struct switch_port *target)
{
    if ((port->accept & SWITCH_ACCEPT_PROMISCUOUS) != 0)
        return true;
    if (target != NULL)
        return port == target && (port->learns || (port->accept & SWITCH_ACCEPT_DIRECTED) != 0);
    if (port->learns)
        return true;
    if (mac_equal(destination, &mac_broadcast))
        return (port->accept & SWITCH_ACCEPT_BROADCAST) != 0;
    return is_group(destination) && (port->accept & SWITCH_ACCEPT_MULTICAST) != 0;
}

static bool deliver(struct switch_port *port, const struct checked_frame *copy)
{
    struct net_statistics *sent = &port->statistics.sent;

    if (!fits(port, copy)) {
        sent->errors++;
        return false;
    }
    if (!port->receive(port, &copy->frame)) {
        sent->dropped++;
        return false;
    }
    sent->packets++;
    sent->bytes += copy->frame.size;
    return true;
}

unsigned switch_send(struct net_switch *net, struct switch_port *from,
                     const struct net_frame *frame, uint64_t now_us)
{
    struct switch_port_statistics *statistics = &from->statistics;
    struct switch_port *target = NULL;
    struct checked_frame copy;
    const struct header *header = &copy.header;
    unsigned taken = 0;

    if (!from->link_up) {
        statistics->received.dropped++;
        return 0;
    }
    if (!copy_header(frame, &copy) || !fits(from, &copy)) {
        statistics->received.errors++;
        return 0;
    }
    if (!may_send_from(net, from, &header->source)) {
        statistics->spoofed++;
        return 0;
    }
    if (is_link_local(&header->destination)) {
        statistics->received.dropped++;
        return 0;
    }
    statistics->received.packets++;
    statistics->received.bytes += frame->size;
    if (from->learns)
        learn(net, &header->source, from, now_us);
    if (!is_group(&header->destination)) {
        target = find_configured(net, &header->destination);
        if (target == NULL)
            target = find_learned(net, &header->destination, now_us);
    }
    for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++) {
        struct switch_port *port = net->ports[i];

        if (port != NULL && port != from && port->link_up &&
            wants(port, &header->destination, target) && deliver(port, &copy))
            taken++;
    }
    return taken;
}
