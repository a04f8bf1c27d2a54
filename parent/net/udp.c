#include "parent/net/udp.h"

#include "lib/big_endian.h"
#include "parent/net/checksum.h"
#include "parent/net/net.h"
#include "parent/net/route.h"

/* RFC 768 */
#define UDP_SOURCE_PORT 0
#define UDP_LENGTH 4
#define UDP_CHECKSUM 6

/* RFC 6335, 6: dynamic ports */
#define PORT_DYNAMIC_FIRST 49152u
#define PORT_DYNAMIC_COUNT 16384u

static struct udp_socket *find(struct net_stack *stack, uint16_t port)
{
    struct udp_socket *socket = stack->sockets;

    while (socket != NULL && socket->port != port)
        socket = socket->next;
    return socket;
}

/* A free port at a place that is hard to guess (RFC 6056); 0 if there is none. */
static uint16_t choose_port(struct net_stack *stack)
{
    uint32_t start = stack->hooks.random(stack->hooks.context);

    for (uint32_t i = 0; i < PORT_DYNAMIC_COUNT; i++) {
        uint16_t port = (uint16_t)(PORT_DYNAMIC_FIRST + (start + i) % PORT_DYNAMIC_COUNT);

        if (find(stack, port) == NULL)
            return port;
    }
    return 0;
}

enum net_status udp_bind(struct net_stack *stack, struct udp_socket *socket, uint16_t port)
{
    if (port == 0)
        port = choose_port(stack);
    if (port == 0 || find(stack, port) != NULL)
        return NET_IN_USE;
    socket->port = port;
    socket->next = stack->sockets;
    stack->sockets = socket;
    return NET_OK;
}

void udp_close(struct net_stack *stack, struct udp_socket *socket)
{
    for (struct udp_socket **place = &stack->sockets; *place != NULL; place = &(*place)->next) {
        if (*place == socket) {
            *place = socket->next;
            return;
        }
    }
}

/* Over pseudo header, header and data; data may be all of it, with no header apart. */
static uint16_t checksum(ipv4_t source, ipv4_t destination, const uint8_t *header,
                         size_t header_size, const void *data, size_t size)
{
    uint32_t sum =
        ipv4_pseudo_header_sum(source, destination, IPV4_PROTOCOL_UDP, header_size + size);

    return checksum_finish(checksum_add(checksum_add(sum, header, header_size), data, size));
}

enum net_status udp_send(struct net_stack *stack, const struct udp_socket *socket,
                         ipv4_t destination, uint16_t port, const void *data, size_t size)
{
    uint8_t header[UDP_HEADER_SIZE] = {0};
    const struct ipv4_output output = {
        .destination = destination,
        .protocol = IPV4_PROTOCOL_UDP,
        .header = header,
        .header_size = UDP_HEADER_SIZE,
        .payload = data,
        .payload_size = size,
    };
    uint16_t sum;

    if (port == 0)
        return NET_INVALID;
    if (size > UDP_PAYLOAD_MAX)
        return NET_TOO_LONG;
    if (!socket->broadcast && route_broadcast(stack, destination))
        return NET_FORBIDDEN;
    store_be16(header + UDP_SOURCE_PORT, socket->port);
    store_be16(header + UDP_DESTINATION_PORT, port);
    store_be16(header + UDP_LENGTH, (uint16_t)(UDP_HEADER_SIZE + size));
    sum = checksum(stack->configuration.address, destination, header, UDP_HEADER_SIZE, data, size);
    /* 0 would say that there is no checksum; its other form counts the same. */
    store_be16(header + UDP_CHECKSUM, sum == 0 ? 0xffff : sum);
    return ipv4_send(stack, &output);
}

/* The length that the header says, which is that of header and data; 0 if it cannot be. */
static size_t checked_length(const struct ipv4_packet *packet)
{
    size_t length;

    if (packet->payload_size < UDP_HEADER_SIZE)
        return 0;
    length = load_be16(packet->payload + UDP_LENGTH);
    return length >= UDP_HEADER_SIZE && length <= packet->payload_size ? length : 0;
}

void udp_receive(struct net_stack *stack, const struct ipv4_packet *packet)
{
    const uint8_t *bytes = packet->payload;
    size_t length = checked_length(packet);
    struct udp_socket *socket;

    if (length == 0) {
        stack->counters.udp_malformed++;
        return;
    }
    if (load_be16(bytes + UDP_CHECKSUM) != 0 &&
        checksum(packet->source, packet->destination, NULL, 0, bytes, length) != 0) {
        stack->counters.udp_checksum++;
        return;
    }
    socket = find(stack, load_be16(bytes + UDP_DESTINATION_PORT));
    if (socket == NULL || (packet->broadcast && !socket->broadcast)) {
        stack->counters.udp_no_port++;
        icmp_send_unreachable(stack, packet, ICMP_PORT_UNREACHABLE);
        return;
    }

    const struct udp_datagram datagram = {
        .source = packet->source,
        .source_port = load_be16(bytes + UDP_SOURCE_PORT),
        .broadcast = packet->broadcast,
        .data = bytes + UDP_HEADER_SIZE,
        .size = length - UDP_HEADER_SIZE,
    };

    stack->counters.udp_delivered++;
    socket->receive(socket, &datagram);
}
