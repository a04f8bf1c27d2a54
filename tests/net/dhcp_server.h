/* The other side of DHCP for the tests: reads what the client under test sends, and writes answers.
 * The server is 10.0.0.1 and gives 10.0.0.50/24. */
#ifndef VENEER_TESTS_NET_DHCP_SERVER_H
#define VENEER_TESTS_NET_DHCP_SERVER_H

#include "tests/net/packet.h"
#include "tests/net/station.h"

#define SERVER IPV4(10, 0, 0, 1)
#define LEASED IPV4(10, 0, 0, 50)
#define SERVER_MAC ((struct mac_address){{2, 0, 0, 0, 0, 0x99}})

/* A message of the client. Options that it does not have are 0. */
struct dhcp_seen {
    ipv4_t from, to;
    uint8_t type;
    uint32_t transaction;
    uint16_t seconds;
    bool broadcast;
    ipv4_t client, requested, server;
    char host_name[64];
    size_t option_count;
};

/* An answer. What is 0 is left out. */
struct dhcp_answer {
    uint8_t type;
    uint32_t transaction;
    ipv4_t address, server, mask, router, dns;
    uint32_t lease_s, renewal_s, rebinding_s;
};

/* Reads a frame; false if it is no correct message of a DHCP client. */
bool dhcp_read(const struct station_frame *frame, struct dhcp_seen *seen);

/* What the server usually says, with an hour's lease. */
struct dhcp_answer dhcp_usual(uint8_t type, uint32_t transaction);

/* Writes @answer to the client with our MAC address, as broadcast; returns the message in it. */
uint8_t *dhcp_write(struct packet *packet, const struct dhcp_answer *answer);

#endif
