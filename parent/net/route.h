/* Where packets go: to the own network directly, to all else through the default gateway. */
#ifndef VENEER_PARENT_NET_ROUTE_H
#define VENEER_PARENT_NET_ROUTE_H

#include <stdbool.h>

#include "parent/net/address.h"
#include "parent/net/status.h"

struct net_stack;

/* Whether @address belongs to the own network; false without a configuration. */
bool route_on_link(const struct net_stack *stack, ipv4_t address);

/* Whether @address means all stations: 255.255.255.255, or the own network's last or (as very old
 * systems write it) first address. */
bool route_broadcast(const struct net_stack *stack, ipv4_t address);

/* The station to which a packet for @destination is sent: IPV4_BROADCAST for all of them, the own
 * address for ourselves. Without a configuration there is only 255.255.255.255. */
enum net_status route_next_hop(const struct net_stack *stack, ipv4_t destination, ipv4_t *next_hop);

#endif
