#include "parent/net/ping.h"

#include "lib/string.h"
#include "parent/net/net.h"
#include "parent/net/route.h"

/* The place that points to the request with these numbers to @destination, or to NULL. */
static struct ping **find(struct net_stack *stack, ipv4_t destination, uint16_t identifier,
                          uint16_t sequence)
{
    struct ping **place = &stack->pings;

    while (*place != NULL && ((*place)->destination != destination ||
                              (*place)->identifier != identifier || (*place)->sequence != sequence))
        place = &(*place)->next;
    return place;
}

/* Takes the request at @place out of the list and tells its user, who may send it again. */
static void finish(struct ping **place, enum ping_result result, uint64_t round_trip_us,
                   uint8_t ttl)
{
    struct ping *ping = *place;

    *place = ping->next;
    ping->done(ping, result, round_trip_us, ttl);
}

enum net_status ping_send(struct net_stack *stack, struct ping *ping)
{
    const struct icmp_echo echo = {ICMP_ECHO_REQUEST, ping->identifier, ping->sequence};
    enum net_status status;

    if (ping->timeout_us == 0 || route_broadcast(stack, ping->destination))
        return NET_INVALID;
    if (*find(stack, ping->destination, ping->identifier, ping->sequence) != NULL)
        return NET_IN_USE;
    status = icmp_send_echo(stack, ping->destination, &echo, ping->payload, ping->size);
    if (status != NET_OK)
        return status;
    ping->sent_us = stack->now_us;
    ping->next = stack->pings;
    stack->pings = ping;
    net_schedule(stack, ping->sent_us + ping->timeout_us);
    return NET_OK;
}

void ping_cancel(struct net_stack *stack, struct ping *ping)
{
    for (struct ping **place = &stack->pings; *place != NULL; place = &(*place)->next) {
        if (*place == ping) {
            *place = ping->next;
            return;
        }
    }
}

bool ping_replied(struct net_stack *stack, const struct ipv4_packet *packet)
{
    struct icmp_echo echo = icmp_read_echo(packet->payload);
    struct ping **place = find(stack, packet->source, echo.identifier, echo.sequence);
    const struct ping *ping = *place;

    if (ping == NULL || packet->payload_size != ICMP_HEADER_SIZE + ping->size)
        return false;
    if (ping->size > 0 &&
        memcmp(packet->payload + ICMP_HEADER_SIZE, ping->payload, ping->size) != 0)
        return false;
    finish(place, PING_REPLY, stack->now_us - ping->sent_us, packet->ttl);
    return true;
}

bool ping_failed(struct net_stack *stack, ipv4_t destination, const uint8_t *message,
                 enum ping_result result)
{
    struct icmp_echo echo = icmp_read_echo(message);
    struct ping **place = find(stack, destination, echo.identifier, echo.sequence);

    if (echo.type != ICMP_ECHO_REQUEST || *place == NULL)
        return false;
    finish(place, result, 0, 0);
    return true;
}

static bool expired(const struct net_stack *stack, const struct ping *ping)
{
    return stack->now_us - ping->sent_us >= ping->timeout_us;
}

void ping_tick(struct net_stack *stack)
{
    struct ping **place = &stack->pings;

    while (*place != NULL) {
        if (expired(stack, *place)) {
            finish(place, PING_TIMEOUT, 0, 0);
            place = &stack->pings; /* the user may have changed the list */
        } else {
            place = &(*place)->next;
        }
    }
    for (const struct ping *ping = stack->pings; ping != NULL; ping = ping->next)
        net_schedule(stack, ping->sent_us + ping->timeout_us);
}

const char *ping_result_text(enum ping_result result)
{
    static const char *const texts[] = {
        [PING_REPLY] = "reply",
        [PING_TIMEOUT] = "no answer",
        [PING_NO_ANSWER_TO_ARP] = "the host, or the gateway to it, is not on the network",
        [PING_UNREACHABLE] = "a router or the host says that it cannot be reached",
        [PING_TIME_EXCEEDED] = "the packet went through too many routers",
    };

    return texts[result];
}
