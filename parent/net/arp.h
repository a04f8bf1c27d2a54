/* Address resolution: which station has an IPv4 address of the own network (RFC 826, RFC 5227).
 *
 * Stations are asked once per second, three times. What they answer to us is believed for a minute;
 * afterwards the first use asks that station again, while packets still go to it. What stations of
 * our network say unasked is used, too, but verified in the same way at the next use. */
#ifndef VENEER_PARENT_NET_ARP_H
#define VENEER_PARENT_NET_ARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/net/address.h"
#include "parent/net/buffer.h"

#define ARP_ENTRIES 64
#define ARP_PENDING_MAX 8 /* packets that wait for one station: a fragmented one, and some more */

enum arp_state {
    ARP_FREE,
    ARP_STALE,      /* usable, to be verified at the next use */
    ARP_RESOLVING,  /* asked, packets wait */
    ARP_REFRESHING, /* usable, asked again */
    ARP_VALID,
};

struct arp_entry {
    enum arp_state state;
    ipv4_t address;
    struct mac_address mac; /* not while resolving */
    uint64_t deadline_us;   /* when the state changes by itself */
    uint64_t used_us;
    unsigned tries; /* requests sent */
    struct net_queue pending;
};

struct arp_cache {
    struct arp_entry entries[ARP_ENTRIES];
    ipv4_t probed; /* an address that we want: others' use of it is a conflict; or 0 */
    struct mac_address conflict; /* the last station that used our address */
    uint64_t conflict_us;
    bool conflict_noticed;    /* whether there was any */
    unsigned announcements;   /* to be sent yet */
    uint64_t announcement_us; /* when the next is due */
};

struct net_stack;

/* Sends the IPv4 packet in @buffer to the station with the address @next_hop of our network, at
 * once or when it has answered. Takes the buffer over; it is dropped if the station does not answer
 * or too many wait. */
void arp_send(struct net_stack *stack, struct net_buffer *buffer, ipv4_t next_hop);

/* An ARP packet was received. */
void arp_receive(struct net_stack *stack, const uint8_t *packet, size_t size);

/* Asks whether any station has @address, which we want to use, and from now on until address 0 is
 * given reports to dhcp_conflict() if one has. */
void arp_probe(struct net_stack *stack, ipv4_t address);

/* Tells all stations our new address: now and once more. */
void arp_announce(struct net_stack *stack);

/* Forgets everything; packets that wait are dropped. */
void arp_flush(struct net_stack *stack);

void arp_tick(struct net_stack *stack);

#endif
