#include "parent/net/route.h"

#include "parent/net/net.h"

bool route_on_link(const struct net_stack *stack, ipv4_t address)
{
    const struct net_configuration *own = &stack->configuration;

    return own->address != 0 && ((address ^ own->address) & own->mask) == 0;
}

bool route_broadcast(const struct net_stack *stack, ipv4_t address)
{
    ipv4_t hosts = ~stack->configuration.mask;

    if (address == IPV4_BROADCAST)
        return true;
    return route_on_link(stack, address) && ((address & hosts) == hosts || (address & hosts) == 0);
}

enum net_status route_next_hop(const struct net_stack *stack, ipv4_t destination, ipv4_t *next_hop)
{
    const struct net_configuration *own = &stack->configuration;

    if (route_broadcast(stack, destination)) {
        *next_hop = IPV4_BROADCAST;
        return NET_OK;
    }
    if (!ipv4_unicast(destination))
        return NET_INVALID;
    if (own->address == 0)
        return NET_NO_ADDRESS;
    if (!route_on_link(stack, destination) && own->gateway == 0)
        return NET_NO_ROUTE;
    *next_hop = route_on_link(stack, destination) ? destination : own->gateway;
    return NET_OK;
}
