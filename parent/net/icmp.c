#include "parent/net/icmp.h"

#include "lib/big_endian.h"
#include "lib/string.h"
#include "parent/net/checksum.h"
#include "parent/net/net.h"
#include "parent/net/ping.h"

/* RFC 792 */
#define ICMP_TYPE 0
#define ICMP_CODE 1
#define ICMP_CHECKSUM 2
#define ICMP_IDENTIFIER 4
#define ICMP_SEQUENCE 6

/* What an error message quotes behind the header of the packet that it is about. */
#define QUOTED_PAYLOAD 8

/* Completes the checksum in @header and sends it with @payload. */
static enum net_status send(struct net_stack *stack, ipv4_t destination,
                            uint8_t header[ICMP_HEADER_SIZE], const void *payload, size_t size)
{
    const struct ipv4_output output = {
        .destination = destination,
        .protocol = IPV4_PROTOCOL_ICMP,
        .header = header,
        .header_size = ICMP_HEADER_SIZE,
        .payload = payload,
        .payload_size = size,
    };
    uint32_t sum;

    if (size > IPV4_PAYLOAD_MAX - ICMP_HEADER_SIZE)
        return NET_TOO_LONG;
    sum = checksum_add(checksum_add(0, header, ICMP_HEADER_SIZE), payload, size);
    store_be16(header + ICMP_CHECKSUM, checksum_finish(sum));
    return ipv4_send(stack, &output);
}

struct icmp_echo icmp_read_echo(const uint8_t *message)
{
    return (struct icmp_echo){
        .type = message[ICMP_TYPE],
        .identifier = load_be16(message + ICMP_IDENTIFIER),
        .sequence = load_be16(message + ICMP_SEQUENCE),
    };
}

enum net_status icmp_send_echo(struct net_stack *stack, ipv4_t destination,
                               const struct icmp_echo *echo, const void *payload, size_t size)
{
    uint8_t header[ICMP_HEADER_SIZE] = {[ICMP_TYPE] = (uint8_t)echo->type};

    store_be16(header + ICMP_IDENTIFIER, echo->identifier);
    store_be16(header + ICMP_SEQUENCE, echo->sequence);
    return send(stack, destination, header, payload, size);
}

static void answer_echo(struct net_stack *stack, const struct ipv4_packet *packet)
{
    struct icmp_echo echo = icmp_read_echo(packet->payload);

    if (packet->broadcast) {
        stack->counters.icmp_ignored++;
        return;
    }
    if (!rate_limit_allows(&stack->icmp.echo_limit, stack->now_us, ICMP_ECHO_INTERVAL_US,
                           ICMP_ECHO_BURST)) {
        stack->counters.icmp_limited++;
        return;
    }
    echo.type = ICMP_ECHO_REPLY;
    stack->counters.echo_answered++;
    icmp_send_echo(stack, packet->source, &echo, packet->payload + ICMP_HEADER_SIZE,
                   packet->payload_size - ICMP_HEADER_SIZE);
}

/* An error message quotes a packet that it says was ours: only a ping of ours is of interest. */
static void receive_error(struct net_stack *stack, const struct ipv4_packet *packet)
{
    const uint8_t *quoted = packet->payload + ICMP_HEADER_SIZE;
    size_t size = packet->payload_size - ICMP_HEADER_SIZE;
    enum ping_result result =
        packet->payload[ICMP_TYPE] == ICMP_TIME_EXCEEDED ? PING_TIME_EXCEEDED : PING_UNREACHABLE;
    struct ipv4_header header;

    if (!ipv4_parse_header(quoted, size, &header) || size - header.size < QUOTED_PAYLOAD) {
        stack->counters.icmp_malformed++;
        return;
    }
    if (header.source != stack->configuration.address || header.fragment_offset != 0 ||
        header.protocol != IPV4_PROTOCOL_ICMP ||
        !ping_failed(stack, header.destination, quoted + header.size, result))
        stack->counters.icmp_ignored++;
}

void icmp_receive(struct net_stack *stack, const struct ipv4_packet *packet)
{
    if (packet->payload_size < ICMP_HEADER_SIZE) {
        stack->counters.icmp_malformed++;
        return;
    }
    if (checksum_finish(checksum_add(0, packet->payload, packet->payload_size)) != 0) {
        stack->counters.icmp_checksum++;
        return;
    }
    switch (packet->payload[ICMP_TYPE]) {
    case ICMP_ECHO_REQUEST:
        answer_echo(stack, packet);
        break;
    case ICMP_ECHO_REPLY:
        if (packet->broadcast || !ping_replied(stack, packet))
            stack->counters.icmp_ignored++;
        break;
    case ICMP_DESTINATION_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
        receive_error(stack, packet);
        break;
    default:
        stack->counters.icmp_ignored++;
    }
}

void icmp_send_unreachable(struct net_stack *stack, const struct ipv4_packet *packet,
                           enum icmp_unreachable code)
{
    uint8_t header[ICMP_HEADER_SIZE] = {ICMP_DESTINATION_UNREACHABLE, (uint8_t)code};
    size_t quoted = packet->payload_size < QUOTED_PAYLOAD ? packet->payload_size : QUOTED_PAYLOAD;

    /* Of a packet in fragments, there is no header left to be quoted. */
    if (packet->broadcast || packet->header == NULL)
        return;
    if (!rate_limit_allows(&stack->icmp.error_limit, stack->now_us, ICMP_ERROR_INTERVAL_US,
                           ICMP_ERROR_BURST)) {
        stack->counters.icmp_limited++;
        return;
    }
    send(stack, packet->source, header, packet->header, packet->header_size + quoted);
}
