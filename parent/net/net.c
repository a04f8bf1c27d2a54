#include "parent/net/net.h"

#include "lib/string.h"
#include "parent/net/ethernet.h"
#include "parent/net/ping.h"
#include "parent/net/route.h"

void net_init(struct net_stack *stack, struct net_device *device, const struct net_hooks *hooks,
              void *memory, uint64_t memory_address, size_t memory_size, uint64_t now_us)
{
    memset(stack, 0, sizeof(*stack));
    stack->device = device;
    stack->hooks = *hooks;
    stack->now_us = now_us;
    stack->deadline_us = NET_NEVER;
    net_pool_init(&stack->pool, memory, memory_address, memory_size);
}

void net_schedule(struct net_stack *stack, uint64_t time_us)
{
    if (time_us < stack->deadline_us)
        stack->deadline_us = time_us;
}

uint64_t net_tick(struct net_stack *stack, uint64_t now_us)
{
    if (now_us > stack->now_us)
        stack->now_us = now_us;
    if (stack->now_us < stack->deadline_us)
        return stack->deadline_us;

    /* Each sets the deadline again that it has left. */
    stack->deadline_us = NET_NEVER;
    ipv4_tick(stack);
    arp_tick(stack);
    reassembly_tick(stack);
    ping_tick(stack);
    dhcp_tick(stack);
    return stack->deadline_us;
}

void net_receive(struct net_stack *stack, const struct net_frame *frame)
{
    struct net_buffer *buffer;

    if (frame->segment_count == 1) {
        ethernet_receive(stack, frame->segments[0].data, frame->segments[0].size);
        return;
    }
    buffer = net_buffer_take(&stack->pool);
    if (buffer == NULL) {
        stack->counters.no_buffer++;
        return;
    }
    if (net_buffer_fill(buffer, frame))
        ethernet_receive(stack, buffer->data, frame->size);
    else
        stack->counters.ethernet_malformed++;
    net_buffer_put(buffer);
}

void net_link_changed(struct net_stack *stack)
{
    /* Behind the new link may be another network. */
    arp_flush(stack);
    if (stack->device->link_up) {
        if (stack->configuration.address != 0)
            arp_announce(stack);
        dhcp_link_up(stack);
    }
    net_notify(stack, NET_EVENT_LINK);
}

bool net_configuration_valid(const struct net_configuration *configuration)
{
    ipv4_t hosts = ~configuration->mask;
    ipv4_t address = configuration->address, gateway = configuration->gateway;

    if (!ipv4_mask_valid(configuration->mask) || !ipv4_unicast(address) || (address & hosts) == 0 ||
        (address & hosts) == hosts)
        return false;
    if (gateway == 0)
        return true;
    return ((gateway ^ address) & configuration->mask) == 0 && gateway != address &&
           (gateway & hosts) != 0 && (gateway & hosts) != hosts;
}

void net_set_configuration(struct net_stack *stack, const struct net_configuration *configuration,
                           enum net_origin origin)
{
    bool new_address = configuration->address != stack->configuration.address;

    stack->configuration = *configuration;
    stack->origin = origin;
    if (new_address) {
        arp_flush(stack);
        reassembly_flush(stack);
        if (configuration->address != 0)
            arp_announce(stack);
    }
    net_notify(stack, configuration->address != 0 ? NET_EVENT_CONFIGURED : NET_EVENT_UNCONFIGURED);
}

enum net_status net_configure(struct net_stack *stack,
                              const struct net_configuration *configuration)
{
    if (!net_configuration_valid(configuration))
        return NET_INVALID;
    dhcp_stop(stack);
    net_set_configuration(stack, configuration, NET_STATIC);
    return NET_OK;
}

void net_unconfigure(struct net_stack *stack)
{
    static const struct net_configuration none;

    dhcp_stop(stack);
    if (stack->configuration.address != 0)
        net_set_configuration(stack, &none, NET_UNCONFIGURED);
}

void net_notify(struct net_stack *stack, enum net_event event)
{
    if (stack->hooks.event != NULL)
        stack->hooks.event(stack->hooks.context, event);
}
