#include "parent/net/arp.h"

#include "lib/big_endian.h"
#include "lib/string.h"
#include "parent/net/ethernet.h"
#include "parent/net/net.h"
#include "parent/net/route.h"

/* RFC 826, for Ethernet and IPv4 */
#define ARP_HARDWARE 0
#define ARP_PROTOCOL 2
#define ARP_HARDWARE_SIZE 4
#define ARP_PROTOCOL_SIZE 5
#define ARP_OPERATION 6
#define ARP_SENDER_MAC 8
#define ARP_SENDER 14
#define ARP_TARGET_MAC 18
#define ARP_TARGET 24
#define ARP_PACKET_SIZE 28

#define HARDWARE_ETHERNET 1
#define OPERATION_REQUEST 1
#define OPERATION_REPLY 2

#define REQUEST_TRIES 3
#define REQUEST_INTERVAL NET_SECOND
#define VALID_TIME (60 * NET_SECOND)
#define STALE_TIME (240 * NET_SECOND)

/* RFC 5227, 1.1 */
#define ANNOUNCE_NUM 2
#define ANNOUNCE_INTERVAL (2 * NET_SECOND)
#define DEFEND_INTERVAL (10 * NET_SECOND)

struct arp_packet {
    uint16_t operation;
    struct mac_address sender_mac;
    ipv4_t sender, target;
    bool to_us; /* the target's MAC address is ours */
};

static void send_packet(struct net_stack *stack, uint16_t operation,
                        const struct mac_address *destination, ipv4_t sender,
                        const struct mac_address *target_mac, ipv4_t target)
{
    struct net_buffer *buffer = net_buffer_take(&stack->pool);
    uint8_t *packet;

    if (buffer == NULL) {
        stack->counters.no_buffer++;
        return;
    }
    packet = net_buffer_payload(buffer);
    buffer->size = ARP_PACKET_SIZE;
    store_be16(packet + ARP_HARDWARE, HARDWARE_ETHERNET);
    store_be16(packet + ARP_PROTOCOL, ETHERTYPE_IPV4);
    packet[ARP_HARDWARE_SIZE] = MAC_SIZE;
    packet[ARP_PROTOCOL_SIZE] = sizeof(ipv4_t);
    store_be16(packet + ARP_OPERATION, operation);
    memcpy(packet + ARP_SENDER_MAC, stack->device->mac.bytes, MAC_SIZE);
    store_be32(packet + ARP_SENDER, sender);
    memcpy(packet + ARP_TARGET_MAC, target_mac->bytes, MAC_SIZE);
    store_be32(packet + ARP_TARGET, target);
    ethernet_send(stack, buffer, destination, ETHERTYPE_ARP);
}

/* Asks @station, or all, who has @target. */
static void send_request(struct net_stack *stack, const struct mac_address *station, ipv4_t sender,
                         ipv4_t target)
{
    static const struct mac_address unknown;

    send_packet(stack, OPERATION_REQUEST, station, sender, &unknown, target);
}

static void free_entry(struct arp_entry *entry)
{
    struct net_buffer *buffer;

    while ((buffer = net_queue_remove(&entry->pending)) != NULL)
        net_buffer_put(buffer);
    entry->state = ARP_FREE;
}

static struct arp_entry *find(struct net_stack *stack, ipv4_t address)
{
    for (unsigned i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *entry = &stack->arp.entries[i];

        if (entry->state != ARP_FREE && entry->address == address)
            return entry;
    }
    return NULL;
}

/* A free entry for @address: if need be the one of the least valuable state up to @sacrifice that
 * was not used for the longest time. NULL if all are more valuable. */
static struct arp_entry *create(struct net_stack *stack, ipv4_t address, enum arp_state sacrifice)
{
    struct arp_entry *best = NULL;

    for (unsigned i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *entry = &stack->arp.entries[i];

        if (entry->state > sacrifice)
            continue;
        if (best == NULL || entry->state < best->state ||
            (entry->state == best->state && entry->used_us < best->used_us))
            best = entry;
    }
    if (best == NULL)
        return NULL;
    stack->counters.arp_overflow += best->pending.count;
    free_entry(best);
    *best = (struct arp_entry){.address = address, .used_us = stack->now_us};
    return best;
}

static void set_state(struct net_stack *stack, struct arp_entry *entry, enum arp_state state,
                      uint64_t duration_us)
{
    entry->state = state;
    entry->deadline_us = stack->now_us + duration_us;
    net_schedule(stack, entry->deadline_us);
}

/* Sends the next request for an entry: the first of them leads to @state. */
static void ask(struct net_stack *stack, struct arp_entry *entry, enum arp_state state)
{
    const struct mac_address *station = state == ARP_REFRESHING ? &entry->mac : &mac_broadcast;

    entry->tries = entry->state == state ? entry->tries + 1 : 1;
    set_state(stack, entry, state, REQUEST_INTERVAL);
    send_request(stack, station, stack->configuration.address, entry->address);
}

void arp_send(struct net_stack *stack, struct net_buffer *buffer, ipv4_t next_hop)
{
    struct arp_entry *entry = find(stack, next_hop);

    if (entry == NULL) {
        entry = create(stack, next_hop, ARP_VALID);
        ask(stack, entry, ARP_RESOLVING);
    }
    entry->used_us = stack->now_us;
    if (entry->state == ARP_RESOLVING) {
        if (entry->pending.count == ARP_PENDING_MAX) {
            net_buffer_put(net_queue_remove(&entry->pending));
            stack->counters.arp_overflow++;
        }
        net_queue_add(&entry->pending, buffer);
        return;
    }
    if (entry->state == ARP_STALE)
        ask(stack, entry, ARP_REFRESHING);
    ethernet_send(stack, buffer, &entry->mac, ETHERTYPE_IPV4);
}

static bool parse(const uint8_t *bytes, size_t size, const struct mac_address *own,
                  struct arp_packet *packet)
{
    if (size < ARP_PACKET_SIZE || load_be16(bytes + ARP_HARDWARE) != HARDWARE_ETHERNET ||
        load_be16(bytes + ARP_PROTOCOL) != ETHERTYPE_IPV4 || bytes[ARP_HARDWARE_SIZE] != MAC_SIZE ||
        bytes[ARP_PROTOCOL_SIZE] != sizeof(ipv4_t))
        return false;

    struct mac_address target_mac = mac_load(bytes + ARP_TARGET_MAC);

    *packet = (struct arp_packet){
        .operation = load_be16(bytes + ARP_OPERATION),
        .sender_mac = mac_load(bytes + ARP_SENDER_MAC),
        .sender = load_be32(bytes + ARP_SENDER),
        .target = load_be32(bytes + ARP_TARGET),
        .to_us = mac_equal(&target_mac, own),
    };
    /* Sender 0 is a probe: its station has no address yet (RFC 5227, 2.1.1). */
    return (packet->operation == OPERATION_REQUEST || packet->operation == OPERATION_REPLY) &&
           mac_unicast(&packet->sender_mac) && !mac_equal(&packet->sender_mac, own) &&
           (packet->sender == 0 || ipv4_unicast(packet->sender));
}

/* Another station uses our address. It is told once that the address is taken; if it goes on, one
 * of the two must yield (RFC 5227, 2.4 b): we do if our address is a lease. */
static void handle_conflict(struct net_stack *stack, const struct mac_address *station)
{
    struct arp_cache *arp = &stack->arp;
    bool again = arp->conflict_noticed && stack->now_us - arp->conflict_us < DEFEND_INTERVAL;

    stack->counters.arp_conflicts++;
    arp->conflict = *station;
    if (again) {
        dhcp_conflict(stack, stack->configuration.address);
        return;
    }
    arp->conflict_noticed = true;
    arp->conflict_us = stack->now_us;
    send_request(stack, &mac_broadcast, stack->configuration.address, stack->configuration.address);
    net_notify(stack, NET_EVENT_CONFLICT);
}

/* Takes over what a sender says of itself. */
static void learn(struct net_stack *stack, const struct arp_packet *packet)
{
    bool asks_us =
        packet->operation == OPERATION_REQUEST && packet->target == stack->configuration.address;
    bool answer = packet->operation == OPERATION_REPLY && packet->to_us;
    struct arp_entry *entry = find(stack, packet->sender);
    struct net_queue pending;
    struct net_buffer *buffer;

    /* Who asks us will get packets from us soon. */
    if (entry == NULL && asks_us)
        entry = create(stack, packet->sender, ARP_STALE);
    if (entry == NULL)
        return;
    if (answer && (entry->state == ARP_RESOLVING || entry->state == ARP_REFRESHING))
        set_state(stack, entry, ARP_VALID, VALID_TIME);
    else if (entry->state < ARP_VALID || !mac_equal(&entry->mac, &packet->sender_mac))
        set_state(stack, entry, ARP_STALE, STALE_TIME);
    entry->mac = packet->sender_mac;
    pending = entry->pending;
    entry->pending = (struct net_queue){0};
    while ((buffer = net_queue_remove(&pending)) != NULL)
        ethernet_send(stack, buffer, &packet->sender_mac, ETHERTYPE_IPV4);
}

void arp_receive(struct net_stack *stack, const uint8_t *bytes, size_t size)
{
    ipv4_t own = stack->configuration.address, probed = stack->arp.probed;
    struct arp_packet packet;

    if (!parse(bytes, size, &stack->device->mac, &packet)) {
        stack->counters.arp_malformed++;
        return;
    }
    /* In use by another, or about to be (RFC 5227, 2.1.1). */
    if (probed != 0 && (packet.sender == probed || (packet.sender == 0 && packet.target == probed &&
                                                    packet.operation == OPERATION_REQUEST))) {
        stack->counters.arp_conflicts++;
        stack->arp.conflict = packet.sender_mac;
        dhcp_conflict(stack, probed);
        return;
    }
    if (own == 0)
        return;
    if (packet.sender == own) {
        handle_conflict(stack, &packet.sender_mac);
        return;
    }
    if (packet.sender != 0) {
        if (!route_on_link(stack, packet.sender) || route_broadcast(stack, packet.sender))
            return;
        learn(stack, &packet);
    }
    if (packet.operation == OPERATION_REQUEST && packet.target == own)
        send_packet(stack, OPERATION_REPLY, &packet.sender_mac, own, &packet.sender_mac,
                    packet.sender);
}

void arp_probe(struct net_stack *stack, ipv4_t address)
{
    stack->arp.probed = address;
    if (address != 0)
        send_request(stack, &mac_broadcast, 0, address);
}

static void send_announcement(struct net_stack *stack)
{
    struct arp_cache *arp = &stack->arp;
    ipv4_t own = stack->configuration.address;

    send_request(stack, &mac_broadcast, own, own);
    arp->announcements--;
    arp->announcement_us = stack->now_us + ANNOUNCE_INTERVAL;
}

void arp_announce(struct net_stack *stack)
{
    stack->arp.announcements = ANNOUNCE_NUM;
    send_announcement(stack);
    net_schedule(stack, stack->arp.announcement_us);
}

void arp_flush(struct net_stack *stack)
{
    for (unsigned i = 0; i < ARP_ENTRIES; i++)
        free_entry(&stack->arp.entries[i]);
    stack->arp.announcements = 0;
    stack->arp.conflict_noticed = false;
}

/* The station does not answer: it is forgotten, and who waits for it is told. */
static void give_up(struct net_stack *stack, struct arp_entry *entry)
{
    struct net_queue pending = entry->pending;
    struct net_buffer *buffer;

    entry->pending = (struct net_queue){0};
    free_entry(entry);
    while ((buffer = net_queue_remove(&pending)) != NULL) {
        stack->counters.arp_unresolved++;
        ipv4_undeliverable(stack, net_buffer_payload(buffer));
        net_buffer_put(buffer);
    }
}

static void expire(struct net_stack *stack, struct arp_entry *entry)
{
    switch (entry->state) {
    case ARP_VALID:
        set_state(stack, entry, ARP_STALE, STALE_TIME);
        break;
    case ARP_RESOLVING:
    case ARP_REFRESHING:
        if (entry->tries < REQUEST_TRIES)
            ask(stack, entry, entry->state);
        else
            give_up(stack, entry);
        break;
    default:
        free_entry(entry);
    }
}

void arp_tick(struct net_stack *stack)
{
    struct arp_cache *arp = &stack->arp;

    for (unsigned i = 0; i < ARP_ENTRIES; i++) {
        struct arp_entry *entry = &arp->entries[i];

        if (entry->state != ARP_FREE && entry->deadline_us <= stack->now_us)
            expire(stack, entry);
        if (entry->state != ARP_FREE)
            net_schedule(stack, entry->deadline_us);
    }
    if (arp->announcements > 0 && arp->announcement_us <= stack->now_us)
        send_announcement(stack);
    if (arp->announcements > 0)
        net_schedule(stack, arp->announcement_us);
}

_Static_assert(ARP_FREE < ARP_STALE && ARP_STALE < ARP_RESOLVING && ARP_RESOLVING < ARP_VALID,
               "states are ordered by how much would be lost with an entry");
