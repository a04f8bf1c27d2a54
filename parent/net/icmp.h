/* The Internet Control Message Protocol (RFC 792, RFC 1122 3.2.2): answers echo requests, tells
 * senders what they cannot reach here, and takes such news for our own pings. Redirects and all
 * else are ignored. Nothing is sent in answer to broadcasts or to error messages, and nothing more
 * often than the limits below. */
#ifndef VENEER_PARENT_NET_ICMP_H
#define VENEER_PARENT_NET_ICMP_H

#include <stddef.h>
#include <stdint.h>

#include "parent/net/ipv4.h"
#include "parent/net/rate_limit.h"

#define ICMP_HEADER_SIZE 8

/* Echo replies: 1,000 per second; error messages: 50 per second. */
#define ICMP_ECHO_INTERVAL_US 1000
#define ICMP_ECHO_BURST 100
#define ICMP_ERROR_INTERVAL_US 20000
#define ICMP_ERROR_BURST 10

enum icmp_type {
    ICMP_ECHO_REPLY = 0,
    ICMP_DESTINATION_UNREACHABLE = 3,
    ICMP_ECHO_REQUEST = 8,
    ICMP_TIME_EXCEEDED = 11,
};

/* Codes of ICMP_DESTINATION_UNREACHABLE. */
enum icmp_unreachable {
    ICMP_PROTOCOL_UNREACHABLE = 2,
    ICMP_PORT_UNREACHABLE = 3,
};

/* An echo message's fields behind the checksum. */
struct icmp_echo {
    enum icmp_type type;
    uint16_t identifier, sequence;
};

struct icmp {
    struct rate_limit echo_limit, error_limit;
};

struct net_stack;

void icmp_receive(struct net_stack *stack, const struct ipv4_packet *packet);

enum net_status icmp_send_echo(struct net_stack *stack, ipv4_t destination,
                               const struct icmp_echo *echo, const void *payload, size_t size);

/* The fields of a message that has at least ICMP_HEADER_SIZE bytes. */
struct icmp_echo icmp_read_echo(const uint8_t *message);

/* Tells the sender of @packet that it cannot be delivered, if it may be told. */
void icmp_send_unreachable(struct net_stack *stack, const struct ipv4_packet *packet,
                           enum icmp_unreachable code);

#endif
