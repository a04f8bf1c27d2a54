/* Packets for the tests, put together independently of the code under test. Unless told otherwise
 * they come from the station 02:00:00:00:00:03, which is 10.0.0.3, and go to 02:00:00:00:00:02,
 * which is 10.0.0.2. */
#ifndef VENEER_TESTS_NET_PACKET_H
#define VENEER_TESTS_NET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/net/address.h"

#define PACKET_SIZE_MAX 2048

#define PEER IPV4(10, 0, 0, 3)
#define OURS IPV4(10, 0, 0, 2)
#define PEER_MAC ((struct mac_address){{2, 0, 0, 0, 0, 3}})
#define OUR_MAC ((struct mac_address){{2, 0, 0, 0, 0, 2}})

struct packet {
    struct mac_address to_mac, from_mac;
    uint16_t type;
    /* IPv4 */
    ipv4_t from, to;
    uint8_t protocol, ttl;
    uint16_t identification;
    uint16_t fragment; /* flags and offset */

    size_t size;
    uint8_t bytes[PACKET_SIZE_MAX];
};

/* The common addresses, and nothing in it. */
void packet_init(struct packet *packet);

/* Writes Ethernet header and @size bytes of payload into the packet. */
void packet_ethernet(struct packet *packet, const void *payload, size_t size);

/* Writes Ethernet and IPv4 headers by the packet's fields, and @size bytes of payload. */
void packet_ipv4(struct packet *packet, const void *payload, size_t size);

/* The same with an ICMP message, of type, code and the two numbers behind its checksum. */
void packet_icmp(struct packet *packet, uint8_t type, uint8_t code, uint16_t first, uint16_t second,
                 const void *payload, size_t size);

/* The same with a UDP datagram. */
void packet_udp(struct packet *packet, uint16_t from_port, uint16_t to_port, const void *payload,
                size_t size);

/* An ARP packet; its Ethernet addresses are the packet's. */
void packet_arp(struct packet *packet, uint16_t operation, const struct mac_address *sender_mac,
                ipv4_t sender, const struct mac_address *target_mac, ipv4_t target);

/* Makes the checksum of the IPv4 header right, after changes. */
void packet_fix_checksum(struct packet *packet);

/* The Internet checksum over data of which a checksum field is 0. */
uint16_t packet_checksum(const uint8_t *data, size_t size);

/* Whether @bytes are those written in @hex, in which spaces mean nothing; the rest of @size must be
 * zeros. Says on stderr what differs. */
bool packet_is(const uint8_t *bytes, size_t size, const char *hex);

#endif
