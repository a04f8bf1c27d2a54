#include "parent/net/ipv4.h"

#include "lib/big_endian.h"
#include "lib/string.h"
#include "parent/net/checksum.h"
#include "parent/net/ethernet.h"
#include "parent/net/net.h"
#include "parent/net/ping.h"
#include "parent/net/route.h"
#include "parent/net/udp.h"

/* RFC 791, 3.1 */
#define IPV4_VERSION_IHL 0
#define IPV4_TOTAL_LENGTH 2
#define IPV4_IDENTIFICATION 4
#define IPV4_FLAGS 6
#define IPV4_TTL 8
#define IPV4_PROTOCOL 9
#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_DESTINATION 16

#define FLAG_RESERVED 0x8000
#define FLAG_MORE_FRAGMENTS 0x2000
#define FRAGMENT_OFFSET 0x1fff /* in units of 8 bytes */
#define FRAGMENT_UNIT 8

#define DEFAULT_TTL 64 /* RFC 1700 */

bool ipv4_parse_header(const uint8_t *packet, size_t size, struct ipv4_header *header)
{
    if (size < IPV4_HEADER_SIZE || packet[IPV4_VERSION_IHL] >> 4 != 4)
        return false;

    uint16_t flags = load_be16(packet + IPV4_FLAGS);

    *header = (struct ipv4_header){
        .size = (size_t)(packet[IPV4_VERSION_IHL] & 0xf) * 4,
        .total_size = load_be16(packet + IPV4_TOTAL_LENGTH),
        .identification = load_be16(packet + IPV4_IDENTIFICATION),
        .more_fragments = flags & FLAG_MORE_FRAGMENTS,
        .fragment_offset = (size_t)(flags & FRAGMENT_OFFSET) * FRAGMENT_UNIT,
        .protocol = packet[IPV4_PROTOCOL],
        .ttl = packet[IPV4_TTL],
        .source = load_be32(packet + IPV4_SOURCE),
        .destination = load_be32(packet + IPV4_DESTINATION),
    };
    return header->size >= IPV4_HEADER_SIZE && header->size <= size &&
           header->total_size >= header->size && !(flags & FLAG_RESERVED);
}

static void dispatch(struct net_stack *stack, const struct ipv4_packet *packet)
{
    switch (packet->protocol) {
    case IPV4_PROTOCOL_ICMP:
        icmp_receive(stack, packet);
        break;
    case IPV4_PROTOCOL_UDP:
        udp_receive(stack, packet);
        break;
    default:
        stack->counters.ipv4_protocol++;
        icmp_send_unreachable(stack, packet, ICMP_PROTOCOL_UNREACHABLE);
    }
}

static void receive_fragment(struct net_stack *stack, const struct ipv4_header *header,
                             struct ipv4_packet *packet)
{
    const struct reassembly_fragment fragment = {
        .source = header->source,
        .identification = header->identification,
        .protocol = header->protocol,
        .offset = header->fragment_offset,
        .last = !header->more_fragments,
        .data = packet->payload,
        .size = packet->payload_size,
    };
    struct reassembly_slot *slot;

    stack->counters.fragments++;
    if (packet->broadcast) {
        /* Nothing that we understand is broadcast in pieces. */
        stack->counters.fragments_dropped++;
        return;
    }
    slot = reassembly_add(stack, &fragment);
    if (slot == NULL)
        return;
    packet->header = NULL;
    packet->header_size = 0;
    packet->payload = slot->data;
    packet->payload_size = slot->total_size;
    dispatch(stack, packet);
    reassembly_release(slot);
}

/* Handles a packet to us of which all is there that its header says. */
static void receive_checked(struct net_stack *stack, const uint8_t *bytes,
                            const struct ipv4_header *header)
{
    struct ipv4_packet packet = {
        .source = header->source,
        .destination = header->destination,
        .protocol = header->protocol,
        .ttl = header->ttl,
        .broadcast = header->destination != stack->configuration.address,
        .header = bytes,
        .header_size = header->size,
        .payload = bytes + header->size,
        .payload_size = header->total_size - header->size,
    };

    if (header->more_fragments || header->fragment_offset != 0)
        receive_fragment(stack, header, &packet);
    else
        dispatch(stack, &packet);
}

static bool destination_is_us(const struct net_stack *stack, const struct ipv4_header *header,
                              bool broadcast_frame)
{
    /* A unicast packet in a broadcast frame is an error or an attack (RFC 1122, 3.3.6). */
    if (header->destination == stack->configuration.address)
        return header->destination != 0 && !broadcast_frame;
    return route_broadcast(stack, header->destination);
}

/* DHCP servers may send their answer to the address that it gives, whatever the client asked for
 * (RFC 2131, 4.1; Bochs's does): as long as we have none, it is let through. */
static bool is_answer_of_dhcp(const struct net_stack *stack, const uint8_t *bytes,
                              const struct ipv4_header *header)
{
    return stack->configuration.address == 0 && header->protocol == IPV4_PROTOCOL_UDP &&
           header->fragment_offset == 0 && !header->more_fragments &&
           header->total_size - header->size >= UDP_HEADER_SIZE &&
           load_be16(bytes + header->size + UDP_DESTINATION_PORT) == DHCP_CLIENT_PORT &&
           ipv4_unicast(header->destination);
}

void ipv4_receive(struct net_stack *stack, const uint8_t *bytes, size_t size, bool broadcast)
{
    struct ipv4_header header;

    /* Bytes behind the packet are the frame's padding. */
    if (!ipv4_parse_header(bytes, size, &header) || header.total_size > size) {
        stack->counters.ipv4_malformed++;
    } else if (checksum_finish(checksum_add(0, bytes, header.size)) != 0) {
        stack->counters.ipv4_checksum++;
    } else if (!destination_is_us(stack, &header, broadcast) &&
               !is_answer_of_dhcp(stack, bytes, &header)) {
        stack->counters.ipv4_foreign++;
    } else if (!ipv4_unicast(header.source) || route_broadcast(stack, header.source) ||
               header.source == stack->configuration.address) {
        /* Our own packets to ourselves do not come this way. */
        stack->counters.ipv4_martian++;
    } else {
        /* Whatever its time to live: that is for those who forward (RFC 1122, 3.2.1.7). */
        receive_checked(stack, bytes, &header);
    }
}

static void fill_header(const struct net_stack *stack, const struct ipv4_output *output,
                        struct net_buffer *buffer, uint16_t identification, uint16_t flags)
{
    uint8_t *packet = net_buffer_payload(buffer);

    memset(packet, 0, IPV4_HEADER_SIZE);
    packet[IPV4_VERSION_IHL] = 4 << 4 | IPV4_HEADER_SIZE / 4;
    store_be16(packet + IPV4_TOTAL_LENGTH, buffer->size);
    store_be16(packet + IPV4_IDENTIFICATION, identification);
    store_be16(packet + IPV4_FLAGS, flags);
    packet[IPV4_TTL] = DEFAULT_TTL;
    packet[IPV4_PROTOCOL] = output->protocol;
    store_be32(packet + IPV4_SOURCE, stack->configuration.address);
    store_be32(packet + IPV4_DESTINATION, output->destination);
    store_be16(packet + IPV4_CHECKSUM, checksum_finish(checksum_add(0, packet, IPV4_HEADER_SIZE)));
}

/* Copies @size bytes from @offset of header and payload, taken as one. The header is in the first
 * piece. */
static void copy_piece(const struct ipv4_output *output, size_t offset, uint8_t *to, size_t size)
{
    const uint8_t *payload = output->payload;
    size_t header_size = offset == 0 ? output->header_size : 0;

    if (header_size > 0)
        memcpy(to, output->header, header_size);
    if (size > header_size)
        memcpy(to + header_size, payload + (offset + header_size - output->header_size),
               size - header_size);
}

static void send_packet(struct net_stack *stack, struct net_buffer *buffer, ipv4_t next_hop)
{
    if (next_hop == IPV4_BROADCAST) {
        ethernet_send(stack, buffer, &mac_broadcast, ETHERTYPE_IPV4);
    } else if (next_hop == stack->configuration.address) {
        net_queue_add(&stack->loopback, buffer);
        net_schedule(stack, stack->now_us);
    } else {
        arp_send(stack, buffer, next_hop);
    }
}

/* Sends all of @output from @offset that one packet can carry; returns how much, 0 on an error. */
static size_t send_fragment(struct net_stack *stack, const struct ipv4_output *output,
                            size_t offset, uint16_t identification, ipv4_t next_hop)
{
    size_t rest = output->header_size + output->payload_size - offset;
    size_t room = (size_t)stack->device->mtu < NET_MTU ? stack->device->mtu : NET_MTU;
    uint16_t flags = (uint16_t)(offset / FRAGMENT_UNIT);
    struct net_buffer *buffer = net_buffer_take(&stack->pool);

    if (buffer == NULL) {
        stack->counters.no_buffer++;
        return 0;
    }
    room -= IPV4_HEADER_SIZE;
    if (rest > room) {
        rest = room / FRAGMENT_UNIT * FRAGMENT_UNIT;
        flags |= FLAG_MORE_FRAGMENTS;
    }
    buffer->size = (uint16_t)(IPV4_HEADER_SIZE + rest);
    fill_header(stack, output, buffer, identification, flags);
    copy_piece(output, offset, net_buffer_payload(buffer) + IPV4_HEADER_SIZE, rest);
    send_packet(stack, buffer, next_hop);
    return rest;
}

enum net_status ipv4_send(struct net_stack *stack, const struct ipv4_output *output)
{
    size_t size = output->header_size + output->payload_size, sent = 0;
    uint16_t identification;
    ipv4_t next_hop;
    enum net_status status = route_next_hop(stack, output->destination, &next_hop);

    if (status != NET_OK)
        return status;
    if (output->payload_size > IPV4_PAYLOAD_MAX || size > IPV4_PAYLOAD_MAX)
        return NET_TOO_LONG;
    if (!stack->device->link_up && next_hop != stack->configuration.address)
        return NET_NO_LINK;
    /* Not counted up: strangers could read from it how much we send (RFC 7739, 3). */
    identification = (uint16_t)stack->hooks.random(stack->hooks.context);
    do {
        size_t piece = send_fragment(stack, output, sent, identification, next_hop);

        if (piece == 0)
            return NET_NO_BUFFER;
        sent += piece;
    } while (sent < size);
    return NET_OK;
}

uint32_t ipv4_pseudo_header_sum(ipv4_t source, ipv4_t destination, uint8_t protocol, size_t size)
{
    return (source >> 16) + (source & 0xffff) + (destination >> 16) + (destination & 0xffff) +
           protocol + (uint32_t)size;
}

void ipv4_undeliverable(struct net_stack *stack, const uint8_t *packet)
{
    struct ipv4_header header;

    if (ipv4_parse_header(packet, IPV4_HEADER_SIZE, &header) && header.fragment_offset == 0 &&
        header.protocol == IPV4_PROTOCOL_ICMP)
        ping_failed(stack, header.destination, packet + header.size, PING_NO_ANSWER_TO_ARP);
}

void ipv4_tick(struct net_stack *stack)
{
    struct net_queue queue = stack->loopback;
    struct net_buffer *buffer;
    struct ipv4_header header;

    /* Only what is there now: answers to it wait for the next time. */
    stack->loopback = (struct net_queue){0};
    while ((buffer = net_queue_remove(&queue)) != NULL) {
        const uint8_t *packet = net_buffer_payload(buffer);

        /* The own address may have changed since it was sent. */
        if (ipv4_parse_header(packet, buffer->size, &header) &&
            header.destination == stack->configuration.address)
            receive_checked(stack, packet, &header);
        net_buffer_put(buffer);
    }
}
