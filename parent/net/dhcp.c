#include "parent/net/dhcp.h"

#include "lib/string.h"
#include "parent/net/net.h"

/* RFC 2131, 4.1: the time until a message is repeated doubles, with a random second more or less.
 */
#define RETRY_FIRST (4 * NET_SECOND)
#define RETRY_LAST (64 * NET_SECOND)
#define RETRY_RANDOM NET_SECOND
#define REQUEST_TRIES 4

#define RENEW_INTERVAL_MIN (60 * NET_SECOND) /* 4.4.5 */
#define DECLINE_PAUSE (10 * NET_SECOND)      /* 3.1, 5 */
#define REFUSAL_PAUSE NET_SECOND
#define RELEASE_TIME NET_SECOND

/* Shorter than RFC 5227 has it, because a person waits for the machine to start; stations that are
 * there answer within milliseconds, and later conflicts are noticed, too. */
#define PROBE_TRIES 3
#define PROBE_INTERVAL (NET_SECOND / 5)

/* Whoever gives less would keep us busy for nothing. */
#define LEASE_MIN_S 60
#define RENEWAL_MIN_S 30

static uint32_t random_number(struct net_stack *stack)
{
    return stack->hooks.random(stack->hooks.context);
}

static void set_deadline(struct net_stack *stack, uint64_t time_us)
{
    stack->dhcp.deadline_us = time_us;
    net_schedule(stack, time_us);
}

static void set_state(struct net_stack *stack, enum dhcp_state state)
{
    stack->dhcp.state = state;
    stack->dhcp.tries = 0;
}

static void send(struct net_stack *stack, const struct dhcp_request *request, ipv4_t destination)
{
    uint8_t message[DHCP_MESSAGE_SIZE];

    dhcp_build_request(request, message);
    /* A failure is no different from a message that was lost on its way. */
    udp_send(stack, &stack->dhcp.socket, destination, DHCP_SERVER_PORT, message, sizeof(message));
}

/* A message with what all messages have in common. */
static struct dhcp_request new_request(const struct net_stack *stack, enum dhcp_type type)
{
    const struct dhcp_client *dhcp = &stack->dhcp;
    uint64_t seconds = (stack->now_us - dhcp->started_us) / NET_SECOND;

    return (struct dhcp_request){
        .type = type,
        .transaction = dhcp->transaction,
        .seconds = seconds < UINT16_MAX ? (uint16_t)seconds : UINT16_MAX,
        .mac = stack->device->mac,
        .host_name = dhcp->host_name,
    };
}

static void begin_exchange(struct net_stack *stack)
{
    stack->dhcp.started_us = stack->now_us;
    stack->dhcp.transaction = random_number(stack);
}

/* Sets the deadline for the next try of a message that was sent to get an address. */
static void wait_for_answer(struct net_stack *stack)
{
    struct dhcp_client *dhcp = &stack->dhcp;
    uint64_t interval = RETRY_FIRST;

    for (unsigned i = 0; i < dhcp->tries && interval < RETRY_LAST; i++)
        interval *= 2;
    dhcp->tries++;
    set_deadline(stack, stack->now_us + interval - RETRY_RANDOM +
                            random_number(stack) % (2 * RETRY_RANDOM + 1));
}

static void send_discover(struct net_stack *stack)
{
    struct dhcp_request request = new_request(stack, DHCP_DISCOVER);

    request.requested = stack->dhcp.lease.address; /* as before, if we had one */
    send(stack, &request, IPV4_BROADCAST);
    wait_for_answer(stack);
}

static void discover(struct net_stack *stack)
{
    set_state(stack, DHCP_STATE_SELECTING);
    begin_exchange(stack);
    send_discover(stack);
}

static void send_request(struct net_stack *stack)
{
    struct dhcp_request request = new_request(stack, DHCP_REQUEST);

    request.requested = stack->dhcp.lease.address;
    request.server = stack->dhcp.lease.server;
    stack->dhcp.requested_us = stack->now_us;
    send(stack, &request, IPV4_BROADCAST);
    wait_for_answer(stack);
}

/* Asks for more time: tries again after half of the time that is left until @end_us. */
static void send_renewal(struct net_stack *stack, uint64_t end_us)
{
    struct dhcp_client *dhcp = &stack->dhcp;
    struct dhcp_request request = new_request(stack, DHCP_REQUEST);
    uint64_t interval = end_us > stack->now_us ? (end_us - stack->now_us) / 2 : 0;

    if (interval < RENEW_INTERVAL_MIN)
        interval = RENEW_INTERVAL_MIN;
    request.client = stack->configuration.address;
    dhcp->requested_us = stack->now_us;
    dhcp->tries++;
    set_deadline(stack, stack->now_us + interval < end_us ? stack->now_us + interval : end_us);
    send(stack, &request, dhcp->state == DHCP_STATE_RENEWING ? dhcp->lease.server : IPV4_BROADCAST);
}

static void renew(struct net_stack *stack)
{
    set_state(stack, DHCP_STATE_RENEWING);
    begin_exchange(stack);
    send_renewal(stack, stack->dhcp.rebinding_us);
}

static void rebind(struct net_stack *stack)
{
    set_state(stack, DHCP_STATE_REBINDING);
    begin_exchange(stack);
    send_renewal(stack, stack->dhcp.expiry_us);
}

static bool has_lease(const struct net_stack *stack)
{
    enum dhcp_state state = stack->dhcp.state;

    return state == DHCP_STATE_BOUND || state == DHCP_STATE_RENEWING ||
           state == DHCP_STATE_REBINDING;
}

static void drop_address(struct net_stack *stack)
{
    static const struct net_configuration none;

    if (stack->configuration.address != 0)
        net_set_configuration(stack, &none, NET_UNCONFIGURED);
}

/* The address is not for us: forgets it and asks for another after a while. */
static void give_up_address(struct net_stack *stack, uint64_t pause_us)
{
    stack->dhcp.lease = (struct dhcp_reply){0};
    set_state(stack, DHCP_STATE_WAITING);
    set_deadline(stack, stack->now_us + pause_us);
    drop_address(stack);
}

/* Turns a reply into a configuration; false if it cannot be used. */
static bool to_configuration(const struct dhcp_reply *reply,
                             struct net_configuration *configuration)
{
    unsigned count = 0;

    *configuration = (struct net_configuration){
        .address = reply->address,
        .mask = reply->mask,
        .gateway = reply->router,
    };
    for (unsigned i = 0; i < DHCP_DNS_MAX; i++) {
        if (ipv4_unicast(reply->dns[i]))
            configuration->dns[count++] = reply->dns[i];
    }
    if (!net_configuration_valid(configuration))
        configuration->gateway = 0;
    return net_configuration_valid(configuration) && reply->lease_s >= LEASE_MIN_S;
}

/* Takes over the times of the lease. */
static void set_lease_times(struct dhcp_client *dhcp)
{
    const struct dhcp_reply *lease = &dhcp->lease;
    uint64_t duration = lease->lease_s, renewal = lease->renewal_s, rebinding = lease->rebinding_s;

    if (lease->lease_s == DHCP_INFINITE) {
        dhcp->renewal_us = dhcp->rebinding_us = dhcp->expiry_us = NET_NEVER;
        return;
    }
    /* RFC 2131, 4.4.5: what they are if the server does not say, or nonsense. */
    if (renewal < RENEWAL_MIN_S || renewal >= rebinding || rebinding >= duration) {
        renewal = duration / 2;
        rebinding = duration * 7 / 8;
    }
    dhcp->renewal_us = dhcp->requested_us + renewal * NET_SECOND;
    dhcp->rebinding_us = dhcp->requested_us + rebinding * NET_SECOND;
    dhcp->expiry_us = dhcp->requested_us + duration * NET_SECOND;
}

/* The lease in dhcp->lease is ours. */
static void bind(struct net_stack *stack)
{
    struct net_configuration configuration;

    to_configuration(&stack->dhcp.lease, &configuration);
    set_state(stack, DHCP_STATE_BOUND);
    set_deadline(stack, stack->dhcp.renewal_us);
    if (memcmp(&configuration, &stack->configuration, sizeof(configuration)) != 0)
        net_set_configuration(stack, &configuration, NET_DHCP);
}

/* Asks once more whether anyone has the address; without an answer in the end it is ours. */
static void check(struct net_stack *stack)
{
    struct dhcp_client *dhcp = &stack->dhcp;

    if (dhcp->tries == PROBE_TRIES) {
        arp_probe(stack, 0);
        bind(stack);
        return;
    }
    dhcp->tries++;
    set_deadline(stack, stack->now_us + PROBE_INTERVAL);
    arp_probe(stack, dhcp->lease.address);
}

/* Whether the state waits for such a reply from this server. */
static bool expected(const struct net_stack *stack, const struct dhcp_reply *reply)
{
    const struct dhcp_client *dhcp = &stack->dhcp;

    switch (dhcp->state) {
    case DHCP_STATE_SELECTING:
        return reply->type == DHCP_OFFER;
    case DHCP_STATE_REQUESTING:
    case DHCP_STATE_RENEWING:
        return reply->type != DHCP_OFFER && reply->server == dhcp->lease.server;
    case DHCP_STATE_REBINDING:
        return reply->type != DHCP_OFFER;
    default:
        return false;
    }
}

static void handle_reply(struct net_stack *stack, const struct dhcp_reply *reply)
{
    struct dhcp_client *dhcp = &stack->dhcp;
    struct net_configuration configuration;

    if (!expected(stack, reply)) {
        stack->counters.dhcp_ignored++;
        return;
    }
    if (reply->type == DHCP_NAK) {
        give_up_address(stack, REFUSAL_PAUSE);
        return;
    }
    if (!to_configuration(reply, &configuration) ||
        (reply->type == DHCP_ACK && reply->address != dhcp->lease.address)) {
        stack->counters.dhcp_ignored++;
        return;
    }
    dhcp->lease = *reply;
    if (dhcp->state == DHCP_STATE_SELECTING) {
        set_state(stack, DHCP_STATE_REQUESTING);
        send_request(stack);
        return;
    }
    set_lease_times(dhcp);
    if (dhcp->state == DHCP_STATE_REQUESTING) {
        set_state(stack, DHCP_STATE_CHECKING);
        check(stack);
    } else {
        bind(stack);
    }
}

static void receive(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    struct net_stack *stack = socket->context;
    struct dhcp_reply reply;

    if (datagram->source_port != DHCP_SERVER_PORT) {
        stack->counters.dhcp_ignored++;
        return;
    }
    switch (dhcp_parse_reply(datagram->data, datagram->size, &stack->device->mac,
                             stack->dhcp.transaction, &reply)) {
    case DHCP_GOOD:
        handle_reply(stack, &reply);
        break;
    case DHCP_FOREIGN:
        stack->counters.dhcp_ignored++;
        break;
    case DHCP_MALFORMED:
        stack->counters.dhcp_malformed++;
        break;
    }
}

enum net_status dhcp_start(struct net_stack *stack, const char *host_name)
{
    struct dhcp_client *dhcp = &stack->dhcp;
    enum net_status status;

    net_unconfigure(stack);
    *dhcp = (struct dhcp_client){
        .socket = {.broadcast = true, .receive = receive, .context = stack},
    };
    string_copy(dhcp->host_name, host_name, sizeof(dhcp->host_name));
    status = udp_bind(stack, &dhcp->socket, DHCP_CLIENT_PORT);
    if (status == NET_OK)
        discover(stack);
    return status;
}

void dhcp_stop(struct net_stack *stack)
{
    arp_probe(stack, 0);
    udp_close(stack, &stack->dhcp.socket);
    set_state(stack, DHCP_STATE_STOPPED);
}

void dhcp_release(struct net_stack *stack)
{
    struct dhcp_client *dhcp = &stack->dhcp;
    struct dhcp_request request;

    if (dhcp->state == DHCP_STATE_RELEASING)
        return;
    if (!has_lease(stack)) {
        dhcp_stop(stack);
        return;
    }
    begin_exchange(stack);
    request = new_request(stack, DHCP_RELEASE);
    request.client = stack->configuration.address;
    request.server = dhcp->lease.server;
    send(stack, &request, dhcp->lease.server);
    /* The message may have to wait until the server's station is found. */
    set_state(stack, DHCP_STATE_RELEASING);
    set_deadline(stack, stack->now_us + RELEASE_TIME);
}

void dhcp_link_up(struct net_stack *stack)
{
    switch (stack->dhcp.state) {
    case DHCP_STATE_STOPPED:
    case DHCP_STATE_RELEASING:
        break;
    case DHCP_STATE_BOUND:
    case DHCP_STATE_RENEWING:
    case DHCP_STATE_REBINDING:
        rebind(stack); /* a server of another network refuses */
        break;
    default:
        arp_probe(stack, 0);
        discover(stack);
    }
}

void dhcp_conflict(struct net_stack *stack, ipv4_t address)
{
    struct dhcp_request request;

    if (!has_lease(stack) && stack->dhcp.state != DHCP_STATE_CHECKING)
        return;
    arp_probe(stack, 0);
    begin_exchange(stack);
    request = new_request(stack, DHCP_DECLINE);
    request.requested = address;
    request.server = stack->dhcp.lease.server;
    if (stack->dhcp.state == DHCP_STATE_CHECKING)
        net_notify(stack, NET_EVENT_CONFLICT);
    give_up_address(stack, DECLINE_PAUSE);
    send(stack, &request, IPV4_BROADCAST);
}

/* Does what the state has to do at its deadline. */
static void proceed(struct net_stack *stack)
{
    struct dhcp_client *dhcp = &stack->dhcp;

    switch (dhcp->state) {
    case DHCP_STATE_STOPPED:
        break;
    case DHCP_STATE_WAITING:
        discover(stack);
        break;
    case DHCP_STATE_SELECTING:
        send_discover(stack);
        break;
    case DHCP_STATE_REQUESTING:
        if (dhcp->tries < REQUEST_TRIES)
            send_request(stack);
        else
            discover(stack);
        break;
    case DHCP_STATE_CHECKING:
        check(stack);
        break;
    case DHCP_STATE_BOUND:
        renew(stack);
        break;
    case DHCP_STATE_RENEWING:
        if (stack->now_us < dhcp->rebinding_us)
            send_renewal(stack, dhcp->rebinding_us);
        else
            rebind(stack);
        break;
    case DHCP_STATE_REBINDING:
        if (stack->now_us < dhcp->expiry_us) {
            send_renewal(stack, dhcp->expiry_us);
        } else {
            drop_address(stack);
            discover(stack);
        }
        break;
    case DHCP_STATE_RELEASING:
        net_unconfigure(stack);
        break;
    }
}

void dhcp_tick(struct net_stack *stack)
{
    struct dhcp_client *dhcp = &stack->dhcp;

    if (dhcp->state != DHCP_STATE_STOPPED && dhcp->deadline_us <= stack->now_us)
        proceed(stack);
    if (dhcp->state != DHCP_STATE_STOPPED)
        net_schedule(stack, dhcp->deadline_us);
}

const char *dhcp_state_text(enum dhcp_state state)
{
    static const char *const texts[] = {
        [DHCP_STATE_STOPPED] = "not in use",
        [DHCP_STATE_WAITING] = "waiting before asking again",
        [DHCP_STATE_SELECTING] = "asking for an address",
        [DHCP_STATE_REQUESTING] = "waiting for a confirmation",
        [DHCP_STATE_CHECKING] = "checking that the address is free",
        [DHCP_STATE_BOUND] = "has a lease",
        [DHCP_STATE_RENEWING] = "renewing the lease",
        [DHCP_STATE_REBINDING] = "asking any server to renew the lease",
        [DHCP_STATE_RELEASING] = "giving the address back",
    };

    return texts[state];
}
