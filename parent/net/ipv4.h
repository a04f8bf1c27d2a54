/* The Internet Protocol (RFC 791, RFC 1122): receives what is for this host, forwards nothing. */
#ifndef VENEER_PARENT_NET_IPV4_H
#define VENEER_PARENT_NET_IPV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/net/address.h"
#include "parent/net/status.h"

#define IPV4_HEADER_SIZE 20 /* without options */
#define IPV4_HEADER_MAX 60

/* The largest payload that is sent or put together of fragments. */
#define IPV4_PAYLOAD_MAX 8192

#define IPV4_PROTOCOL_ICMP 1
#define IPV4_PROTOCOL_UDP 17

struct net_stack;

/* A checked header. */
struct ipv4_header {
    size_t size;       /* with options */
    size_t total_size; /* with payload */
    uint16_t identification;
    bool more_fragments;
    size_t fragment_offset; /* bytes, a multiple of 8 */
    uint8_t protocol;
    uint8_t ttl;
    ipv4_t source, destination;
};

/* A received packet, whole and to this host. */
struct ipv4_packet {
    ipv4_t source, destination;
    uint8_t protocol;
    uint8_t ttl;
    bool broadcast; /* to all stations: never answered */
    const uint8_t
        *header; /* as received, directly before its payload; NULL if it was in fragments */
    size_t header_size;
    const uint8_t *payload;
    size_t payload_size;
};

/* What is to be sent: a header and a payload of the protocol on top. */
struct ipv4_output {
    ipv4_t destination;
    uint8_t protocol;
    const void *header;
    size_t header_size; /* bytes, up to 40: it fits into the smallest fragment */
    const void *payload;
    size_t payload_size;
};

/* Reads the header of a packet of which @size bytes are there. False if a field is wrong; neither
 * the checksum nor the addresses are looked at, nor whether the payload is complete. */
bool ipv4_parse_header(const uint8_t *packet, size_t size, struct ipv4_header *header);

/* A packet was received; @broadcast if its frame was to all stations. */
void ipv4_receive(struct net_stack *stack, const uint8_t *packet, size_t size, bool broadcast);

/* Copies @output into a packet from the own address, or several, and sends them. */
enum net_status ipv4_send(struct net_stack *stack, const struct ipv4_output *output);

/* The checksum's part that UDP (and TCP) share: addresses, protocol and length (RFC 768). */
uint32_t ipv4_pseudo_header_sum(ipv4_t source, ipv4_t destination, uint8_t protocol, size_t size);

/* The @packet that we made cannot be sent: its next hop does not answer. */
void ipv4_undeliverable(struct net_stack *stack, const uint8_t *packet);

/* Delivers what we sent to ourselves. */
void ipv4_tick(struct net_stack *stack);

#endif
