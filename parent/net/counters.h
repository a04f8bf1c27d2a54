/* What a stack counts. Dropped packets are counted once, under the first reason found. */
#ifndef VENEER_PARENT_NET_COUNTERS_H
#define VENEER_PARENT_NET_COUNTERS_H

#include <stdint.h>

struct net_counters {
    uint64_t ethernet_malformed; /* too short, too long, impossible source */
    uint64_t ethernet_foreign;   /* not to this station */
    uint64_t ethernet_type;      /* neither IPv4 nor ARP */

    uint64_t arp_malformed;
    uint64_t arp_conflicts;  /* packets of another station that uses our address */
    uint64_t arp_unresolved; /* packets dropped because their next hop did not answer */
    uint64_t arp_overflow;   /* packets dropped because too many waited */

    uint64_t ipv4_malformed;
    uint64_t ipv4_checksum;
    uint64_t ipv4_martian;  /* a source address that no packet can have */
    uint64_t ipv4_foreign;  /* not to this host: nothing is forwarded */
    uint64_t ipv4_protocol; /* of a protocol that nobody handles */

    uint64_t fragments;             /* received */
    uint64_t fragments_dropped;     /* wrong, too large, or of a packet given up */
    uint64_t reassembled;           /* packets */
    uint64_t reassembly_incomplete; /* packets given up: time-out, or no room for so many */

    uint64_t icmp_malformed;
    uint64_t icmp_checksum;
    uint64_t icmp_ignored; /* messages that concern nothing we sent, or that nobody asked for */
    uint64_t icmp_limited; /* answers not sent because there were too many */
    uint64_t echo_answered;

    uint64_t udp_malformed;
    uint64_t udp_checksum;
    uint64_t udp_no_port;
    uint64_t udp_delivered;

    uint64_t dhcp_malformed;
    uint64_t dhcp_ignored; /* for others, or not expected now */

    uint64_t no_buffer; /* packets lost because the pool was empty */
};

#endif
