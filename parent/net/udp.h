/* The User Datagram Protocol (RFC 768, RFC 1122 4.1). */
#ifndef VENEER_PARENT_NET_UDP_H
#define VENEER_PARENT_NET_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/net/ipv4.h"

#define UDP_HEADER_SIZE 8
#define UDP_DESTINATION_PORT 2 /* offset in the header */
#define UDP_PAYLOAD_MAX (IPV4_PAYLOAD_MAX - UDP_HEADER_SIZE)

/* A received datagram; its data are valid during the call only. */
struct udp_datagram {
    ipv4_t source;
    uint16_t source_port;
    bool broadcast;
    const uint8_t *data;
    size_t size;
};

/* A port of ours; the structure belongs to the user and stays in use from bind to close. */
struct udp_socket {
    bool broadcast; /* may send to all stations, and receives what was sent to all */
    /* A datagram came. The socket may be used and closed from within. */
    void (*receive)(struct udp_socket *socket, const struct udp_datagram *datagram);
    void *context; /* the user's */

    /* The stack's. */
    uint16_t port;
    struct udp_socket *next;
};

struct net_stack;

/* Receives at @port from now on; 0: at a free one from 49152 upwards (RFC 6335). The socket's first
 * three fields are set. NET_IN_USE if the port is taken. */
enum net_status udp_bind(struct net_stack *stack, struct udp_socket *socket, uint16_t port);

/* Does nothing if the socket is not bound. */
void udp_close(struct net_stack *stack, struct udp_socket *socket);

/* Sends @size bytes (up to UDP_PAYLOAD_MAX) to @port (not 0) of @destination. */
enum net_status udp_send(struct net_stack *stack, const struct udp_socket *socket,
                         ipv4_t destination, uint16_t port, const void *data, size_t size);

void udp_receive(struct net_stack *stack, const struct ipv4_packet *packet);

#endif
