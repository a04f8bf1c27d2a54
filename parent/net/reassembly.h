/* Puts fragmented packets together (RFC 791, 3.2; RFC 815): a few at a time, of bounded size, for a
 * bounded time. Fragments that overlap are an attack or an error: they end their packet
 * (RFC 5722 does so for IPv6); exact repetitions are ignored. */
#ifndef VENEER_PARENT_NET_REASSEMBLY_H
#define VENEER_PARENT_NET_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/net/ipv4.h"

#define REASSEMBLY_SLOTS 4
#define REASSEMBLY_UNIT 8 /* bytes: offsets are multiples of it */
#define REASSEMBLY_UNITS (IPV4_PAYLOAD_MAX / REASSEMBLY_UNIT)

/* A packet of which parts are there. */
struct reassembly_slot {
    bool used;
    uint8_t protocol;
    uint16_t identification;
    ipv4_t source;
    uint64_t deadline_us;
    size_t total_size; /* of the payload; 0 as long as the last fragment is missing */
    size_t highest;    /* where the fragments end that are there */
    size_t unit_count; /* units that are there */
    uint64_t present[REASSEMBLY_UNITS / 64];
    uint8_t data[IPV4_PAYLOAD_MAX];
};

struct reassembly {
    struct reassembly_slot slots[REASSEMBLY_SLOTS];
};

/* A received fragment, whose packet is to us. */
struct reassembly_fragment {
    ipv4_t source;
    uint16_t identification;
    uint8_t protocol;
    bool last;
    size_t offset; /* bytes, a multiple of REASSEMBLY_UNIT */
    const uint8_t *data;
    size_t size;
};

struct net_stack;

/* Adds a fragment. Returns its packet if it is complete now: the caller uses its data and
 * total_size, then releases it. */
struct reassembly_slot *reassembly_add(struct net_stack *stack,
                                       const struct reassembly_fragment *fragment);

void reassembly_release(struct reassembly_slot *slot);

/* Gives up all packets: what was the own address is not any more. */
void reassembly_flush(struct net_stack *stack);

void reassembly_tick(struct net_stack *stack);

#endif
