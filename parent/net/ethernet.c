#include "parent/net/ethernet.h"

#include "lib/big_endian.h"
#include "lib/string.h"
#include "parent/net/net.h"

#define ETHERNET_DESTINATION 0
#define ETHERNET_SOURCE 6
#define ETHERNET_TYPE 12

void ethernet_receive(struct net_stack *stack, const uint8_t *frame, size_t size)
{
    const struct mac_address *own = &stack->device->mac;

    if (size < NET_HEADER_SIZE || size > NET_HEADER_SIZE + NET_MTU) {
        stack->counters.ethernet_malformed++;
        return;
    }

    struct mac_address destination = mac_load(frame + ETHERNET_DESTINATION);
    struct mac_address source = mac_load(frame + ETHERNET_SOURCE);
    bool broadcast = mac_equal(&destination, &mac_broadcast);
    const uint8_t *payload = frame + NET_HEADER_SIZE;
    size_t payload_size = size - NET_HEADER_SIZE;

    /* A frame from ourselves comes from a loop in the network, or from a liar. */
    if (!mac_unicast(&source) || mac_equal(&source, own)) {
        stack->counters.ethernet_malformed++;
        return;
    }
    if (!broadcast && !mac_equal(&destination, own)) {
        stack->counters.ethernet_foreign++;
        return;
    }
    switch (load_be16(frame + ETHERNET_TYPE)) {
    case ETHERTYPE_IPV4:
        ipv4_receive(stack, payload, payload_size, broadcast);
        break;
    case ETHERTYPE_ARP:
        arp_receive(stack, payload, payload_size);
        break;
    default:
        stack->counters.ethernet_type++;
    }
}

void ethernet_send(struct net_stack *stack, struct net_buffer *buffer,
                   const struct mac_address *destination, uint16_t type)
{
    size_t size = NET_HEADER_SIZE + (size_t)buffer->size;

    memcpy(buffer->data + ETHERNET_DESTINATION, destination->bytes, MAC_SIZE);
    memcpy(buffer->data + ETHERNET_SOURCE, stack->device->mac.bytes, MAC_SIZE);
    store_be16(buffer->data + ETHERNET_TYPE, type);
    if (size < NET_FRAME_MIN) {
        /* Zeros: the buffer still holds an older packet, which is nobody's business. */
        memset(buffer->data + size, 0, NET_FRAME_MIN - size);
        size = NET_FRAME_MIN;
    }
    net_buffer_transmit(buffer, stack->device, size);
}
