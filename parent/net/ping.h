/* Echo requests of ours, and what becomes of them. */
#ifndef VENEER_PARENT_NET_PING_H
#define VENEER_PARENT_NET_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/net/address.h"
#include "parent/net/status.h"

struct net_stack;
struct ipv4_packet;

enum ping_result {
    PING_REPLY,
    PING_TIMEOUT,
    PING_NO_ANSWER_TO_ARP, /* the station, or the gateway, is not there */
    PING_UNREACHABLE,      /* a router, or the host itself, says so */
    PING_TIME_EXCEEDED,    /* a loop between routers */
};

/* One request; it belongs to the user and stays in use until done is called or it is cancelled. */
struct ping {
    ipv4_t destination;
    uint16_t identifier, sequence;
    const void *payload; /* @size bytes of the user's, which a reply must repeat */
    size_t size;
    uint32_t timeout_us; /* not 0; PING_NO_ANSWER_TO_ARP comes after 3 s */
    /* Called once. For PING_REPLY, @round_trip_us and @ttl are those of the reply; else 0. The ping
     * may be used again from within. */
    void (*done)(struct ping *ping, enum ping_result result, uint64_t round_trip_us, uint8_t ttl);
    void *context; /* the user's */

    /* The stack's. */
    struct ping *next;
    uint64_t sent_us;
};

/* Sends the request. If the result is NET_OK, done will be called, else not. NET_IN_USE: a request
 * with these numbers is on its way there. */
enum net_status ping_send(struct net_stack *stack, struct ping *ping);

/* Forgets a request that is on its way, or that is not; done is not called. */
void ping_cancel(struct net_stack *stack, struct ping *ping);

/* A text for people: "no answer". */
const char *ping_result_text(enum ping_result result);

/* For ICMP and IPv4: each returns whether there was such a request. */

/* @packet is an echo reply with a correct checksum. */
bool ping_replied(struct net_stack *stack, const struct ipv4_packet *packet);

/* The ICMP message, of which ICMP_HEADER_SIZE bytes are there, did not get to @destination. */
bool ping_failed(struct net_stack *stack, ipv4_t destination, const uint8_t *message,
                 enum ping_result result);

void ping_tick(struct net_stack *stack);

#endif
