/* The messages between a DHCP client and its servers (RFC 2131, RFC 2132). */
#ifndef VENEER_PARENT_NET_DHCP_MESSAGE_H
#define VENEER_PARENT_NET_DHCP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/net/address.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

#define DHCP_MESSAGE_SIZE 320 /* of ours; not under 300 (RFC 1542, 2.1) */
#define DHCP_DNS_MAX 3
#define DHCP_HOST_NAME_SIZE 33
#define DHCP_INFINITE UINT32_MAX /* as a lease time */

enum dhcp_type {
    DHCP_DISCOVER = 1,
    DHCP_OFFER = 2,
    DHCP_REQUEST = 3,
    DHCP_DECLINE = 4,
    DHCP_ACK = 5,
    DHCP_NAK = 6,
    DHCP_RELEASE = 7,
};

/* A server's answer. Options that it does not have are 0. */
struct dhcp_reply {
    enum dhcp_type type;
    ipv4_t address; /* for us */
    ipv4_t server;
    ipv4_t mask;
    ipv4_t router; /* the first of the list */
    ipv4_t dns[DHCP_DNS_MAX];
    uint32_t lease_s, renewal_s, rebinding_s;
};

/* A client's message. Addresses that are 0 are left out. */
struct dhcp_request {
    enum dhcp_type type;
    uint32_t transaction;
    uint16_t seconds; /* since the client began to ask */
    struct mac_address mac;
    ipv4_t client;         /* in use by it */
    ipv4_t requested;      /* option 50 */
    ipv4_t server;         /* option 54 */
    const char *host_name; /* "": none */
};

/* Reads an answer to the client with @mac and @transaction. DHCP_FOREIGN: to someone else. */
enum dhcp_parse { DHCP_GOOD, DHCP_FOREIGN, DHCP_MALFORMED };
enum dhcp_parse dhcp_parse_reply(const uint8_t *message, size_t size, const struct mac_address *mac,
                                 uint32_t transaction, struct dhcp_reply *reply);

/* Writes a message; all of the buffer is sent. The answer is asked for as a broadcast as long as
 * the client has no address. */
void dhcp_build_request(const struct dhcp_request *request, uint8_t message[DHCP_MESSAGE_SIZE]);

#endif
