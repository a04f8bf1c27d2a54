/* Ethernet frames (IEEE 802.3, types as in RFC 894). */
#ifndef VENEER_PARENT_NET_ETHERNET_H
#define VENEER_PARENT_NET_ETHERNET_H

#include <stddef.h>
#include <stdint.h>

#include "parent/net/address.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806

struct net_stack;
struct net_buffer;

/* Checks a received frame and hands its payload on. */
void ethernet_receive(struct net_stack *stack, const uint8_t *frame, size_t size);

/* Sends @buffer, padded if it is short, and takes it over. */
void ethernet_send(struct net_stack *stack, struct net_buffer *buffer,
                   const struct mac_address *destination, uint16_t type);

#endif
