/* The DHCP client against a server that plays all parts. */
#include "parent/net/dhcp.h"

#include "tests/net/dhcp_server.h"
#include "tests/unit/unit.h"

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };

static struct station station;
static struct packet packet;
static struct dhcp_seen seen; /* the client's last message */

/* The client's next message, leaving out what is not DHCP. */
static bool next_is(uint8_t type)
{
    const struct station_frame *frame;

    while ((frame = station_next(&station)) != NULL) {
        if (dhcp_read(frame, &seen))
            return seen.type == type;
    }
    return false;
}

/* Lets time pass until the client sends a message; false if it is not of this type. */
static bool next_comes(uint8_t type)
{
    while (station.frame_count == 0) {
        if (station.deadline_us == NET_NEVER)
            return false;
        station_wait(&station, station.deadline_us - station.now_us);
    }
    return next_is(type);
}

static bool silent(void)
{
    return !next_is(0);
}

static void answer(uint8_t type)
{
    struct dhcp_answer usual = dhcp_usual(type, seen.transaction);

    dhcp_write(&packet, &usual);
    station_receive(&station, packet.bytes, packet.size);
}

static void start(void)
{
    station_init(&station, 2);
    CHECK_EQUAL(dhcp_start(&station.stack, "veneer"), NET_OK);
    station_tick(&station);
    CHECK(next_is(DISCOVER));
}

static bool in_state(enum dhcp_state state)
{
    return station.stack.dhcp.state == state;
}

/* To a lease with the times of @times. */
static void obtain(const struct dhcp_answer *times)
{
    struct dhcp_answer ack;

    start();
    answer(OFFER);
    CHECK(next_is(REQUEST));
    ack = dhcp_usual(ACK, seen.transaction);
    ack.lease_s = times->lease_s;
    ack.renewal_s = times->renewal_s;
    ack.rebinding_s = times->rebinding_s;
    dhcp_write(&packet, &ack);
    station_receive(&station, packet.bytes, packet.size);
    station_wait(&station, NET_SECOND);
    CHECK(in_state(DHCP_STATE_BOUND));
    station_wait(&station, 2 * NET_SECOND);
    station_forget(&station);
}

static const struct dhcp_answer hour = {.lease_s = 3600};

static void test_obtain(void)
{
    const struct station_frame *frame;

    start();
    CHECK_EQUAL(seen.from, 0);
    CHECK_EQUAL(seen.to, IPV4_BROADCAST);
    CHECK(seen.broadcast);
    CHECK_EQUAL(seen.client, 0);
    CHECK_EQUAL(seen.requested, 0);
    CHECK_EQUAL(seen.server, 0);
    CHECK_TEXT(seen.host_name, "veneer");

    uint32_t transaction = seen.transaction;

    answer(OFFER);
    CHECK(next_is(REQUEST));
    CHECK_EQUAL(seen.transaction, transaction);
    CHECK_EQUAL(seen.from, 0);
    CHECK_EQUAL(seen.to, IPV4_BROADCAST);
    CHECK_EQUAL(seen.client, 0);
    CHECK_EQUAL(seen.requested, LEASED);
    CHECK_EQUAL(seen.server, SERVER);
    CHECK(silent());
    answer(ACK);

    /* Is it free? Three times; then it is ours, which is announced. */
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQUAL(station.stack.configuration.address, 0);
        frame = station_next(&station);
        CHECK(frame != NULL);
        CHECK(packet_is(frame->bytes, frame->size,
                        "ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                        "020000000002 00000000 000000000000 0a000032"));
        CHECK(station_next(&station) == NULL);
        station_wait(&station, NET_SECOND / 5);
    }
    frame = station_next(&station);
    CHECK(frame != NULL);
    CHECK(packet_is(frame->bytes, frame->size,
                    "ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                    "020000000002 0a000032 000000000000 0a000032"));
    CHECK(in_state(DHCP_STATE_BOUND));
    CHECK_EQUAL(station.stack.origin, NET_DHCP);
    CHECK_EQUAL(station.events[NET_EVENT_CONFIGURED], 1);
    CHECK_EQUAL(station.stack.configuration.address, LEASED);
    CHECK_EQUAL(station.stack.configuration.mask, IPV4(255, 255, 255, 0));
    CHECK_EQUAL(station.stack.configuration.gateway, SERVER);
    CHECK_EQUAL(station.stack.configuration.dns[0], IPV4(10, 0, 0, 8));
    CHECK_EQUAL(station.stack.configuration.dns[1], 0);
}

/* Without an answer the time to the next try doubles, up to about a minute. */
static void test_back_off(void)
{
    static const unsigned expected_s[] = {4, 8, 16, 32, 64, 64, 64};
    uint64_t started;

    start();
    started = station.now_us;
    for (size_t i = 0; i < sizeof(expected_s) / sizeof(expected_s[0]); i++) {
        uint64_t before = station.now_us;

        CHECK(next_comes(DISCOVER));
        CHECK(station.now_us - before >= (expected_s[i] - 1) * NET_SECOND);
        CHECK(station.now_us - before <= (expected_s[i] + 1) * NET_SECOND);
        CHECK_EQUAL(seen.seconds, (station.now_us - started) / NET_SECOND);
    }
    /* A request that is not confirmed is given up, for another offer. */
    answer(OFFER);
    CHECK(next_is(REQUEST));
    for (unsigned i = 0; i < 3; i++)
        CHECK(next_comes(REQUEST));
    CHECK(next_comes(DISCOVER));
    CHECK_EQUAL(seen.requested, LEASED);
    CHECK_EQUAL(station.stack.configuration.address, 0);
}

/* Makes the server known, whenever it is asked for. */
static void answer_arp(void)
{
    packet_init(&packet);
    packet.from_mac = SERVER_MAC;
    packet_arp(&packet, 2, &SERVER_MAC, SERVER, &OUR_MAC, LEASED);
    station_receive(&station, packet.bytes, packet.size);
}

/* Lets time pass until the client asks to renew, and sees that it asks the right one. */
static void check_renewal(ipv4_t to, uint64_t at_us)
{
    while (station.frame_count == 0)
        station_wait(&station, station.deadline_us - station.now_us);
    CHECK_EQUAL(station.now_us, at_us);
    answer_arp();
    CHECK(next_is(REQUEST));
    CHECK_EQUAL(seen.to, to);
    CHECK_EQUAL(seen.from, LEASED);
    CHECK_EQUAL(seen.client, LEASED);
    CHECK_EQUAL(seen.requested, 0);
    CHECK_EQUAL(seen.server, 0);
    CHECK(!seen.broadcast);
    station_forget(&station);
}

static void test_life_of_a_lease(void)
{
    uint64_t start_us;
    uint32_t transaction;

    obtain(&hour);
    transaction = seen.transaction;
    start_us = station.now_us - 3 * NET_SECOND;
    check_renewal(SERVER, start_us + 1800 * NET_SECOND);
    CHECK(seen.transaction != transaction);
    answer(ACK);
    CHECK(in_state(DHCP_STATE_BOUND));
    CHECK_EQUAL(station.events[NET_EVENT_CONFIGURED], 1); /* nothing new to tell */

    /* The server is silent: half of the time that is left, again and again; then all servers. */
    start_us = station.now_us;
    check_renewal(SERVER, start_us + 1800 * NET_SECOND);
    check_renewal(SERVER, start_us + 2475 * NET_SECOND);
    check_renewal(SERVER, start_us + 2812 * NET_SECOND + NET_SECOND / 2);
    check_renewal(SERVER, start_us + 2981 * NET_SECOND + NET_SECOND / 4);
    check_renewal(SERVER, start_us + 3065 * NET_SECOND + NET_SECOND / 8 * 5);
    check_renewal(SERVER, start_us + 3125 * NET_SECOND + NET_SECOND / 8 * 5);
    check_renewal(IPV4_BROADCAST, start_us + 3150 * NET_SECOND);
    check_renewal(IPV4_BROADCAST, start_us + 3375 * NET_SECOND);
    check_renewal(IPV4_BROADCAST, start_us + 3487 * NET_SECOND + NET_SECOND / 2);
    check_renewal(IPV4_BROADCAST, start_us + 3547 * NET_SECOND + NET_SECOND / 2);
    CHECK_EQUAL(station.stack.configuration.address, LEASED);

    /* Over: it has no address any more, and begins anew. */
    CHECK(next_comes(DISCOVER));
    CHECK_EQUAL(station.now_us, start_us + 3600 * NET_SECOND);
    CHECK_EQUAL(seen.requested, LEASED);
    CHECK_EQUAL(seen.from, 0);
    CHECK_EQUAL(station.stack.configuration.address, 0);
    CHECK_EQUAL(station.events[NET_EVENT_UNCONFIGURED], 1);
}

static void test_rebinding_answered(void)
{
    const struct dhcp_answer times = {.lease_s = 1000, .renewal_s = 100, .rebinding_s = 101};
    struct dhcp_answer ack;

    obtain(&times);
    station_wait(&station, 110 * NET_SECOND);
    CHECK(in_state(DHCP_STATE_REBINDING));
    CHECK(next_is(REQUEST)); /* the one to the server waits for its station, which is silent */
    CHECK_EQUAL(seen.to, IPV4_BROADCAST);
    ack = dhcp_usual(ACK, seen.transaction);
    ack.server = IPV4(10, 0, 0, 7); /* another one, which knows another router */
    ack.router = IPV4(10, 0, 0, 9);
    dhcp_write(&packet, &ack);
    station_receive(&station, packet.bytes, packet.size);
    CHECK(in_state(DHCP_STATE_BOUND));
    CHECK_EQUAL(station.stack.configuration.gateway, IPV4(10, 0, 0, 9));
    CHECK_EQUAL(station.stack.dhcp.lease.server, IPV4(10, 0, 0, 7));
    CHECK_EQUAL(station.events[NET_EVENT_CONFIGURED], 2);
}

static void test_infinite(void)
{
    const struct dhcp_answer times = {.lease_s = DHCP_INFINITE};

    obtain(&times);
    CHECK_EQUAL(station.deadline_us, NET_NEVER);
}

/* Times that make no sense are replaced, so that nobody is asked all the time. */
static void test_nonsense_times(void)
{
    static const struct dhcp_answer wrong[] = {
        {.lease_s = 1000, .renewal_s = 1, .rebinding_s = 2},
        {.lease_s = 1000, .renewal_s = 900, .rebinding_s = 100},
        {.lease_s = 1000, .renewal_s = 100, .rebinding_s = 2000},
        {.lease_s = 1000, .renewal_s = 2000, .rebinding_s = 3000},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        obtain(&wrong[i]);
        CHECK_EQUAL(station.deadline_us - station.now_us, (500 - 3) * NET_SECOND);
    }
}

static void test_refused(void)
{
    start();
    answer(OFFER);
    CHECK(next_is(REQUEST));
    answer(NAK);
    CHECK(in_state(DHCP_STATE_WAITING));
    CHECK(next_comes(DISCOVER));
    CHECK_EQUAL(seen.requested, 0); /* not that one again */

    obtain(&hour);
    station_wait(&station, 1799 * NET_SECOND);
    CHECK(in_state(DHCP_STATE_RENEWING));
    answer_arp();
    CHECK(next_is(REQUEST));
    answer(NAK);
    CHECK_EQUAL(station.stack.configuration.address, 0);
    CHECK_EQUAL(station.events[NET_EVENT_UNCONFIGURED], 1);
    CHECK(next_comes(DISCOVER));
}

/* Receives the packet and sees that the client did not move. */
static void check_ignored(void)
{
    enum dhcp_state state = station.stack.dhcp.state;

    station_receive(&station, packet.bytes, packet.size);
    CHECK(in_state(state));
    CHECK(silent());
}

static void test_ignored(void)
{
    struct dhcp_answer bad;

    start();
    answer(ACK); /* of what? */
    CHECK(in_state(DHCP_STATE_SELECTING));
    answer(NAK);
    CHECK(in_state(DHCP_STATE_SELECTING));

#define CHECK_BAD(type, change)                                                                    \
    bad = dhcp_usual(type, seen.transaction);                                                      \
    change;                                                                                        \
    dhcp_write(&packet, &bad);                                                                     \
    check_ignored()

    CHECK_BAD(OFFER, bad.transaction++);
    CHECK_BAD(OFFER, bad.address = 0);
    CHECK_BAD(OFFER, bad.address = IPV4(10, 0, 0, 255));
    CHECK_BAD(OFFER, bad.address = IPV4(224, 0, 0, 1));
    CHECK_BAD(OFFER, bad.address = IPV4_BROADCAST);
    CHECK_BAD(OFFER, bad.mask = 0);
    CHECK_BAD(OFFER, bad.mask = IPV4(255, 0, 255, 0));
    CHECK_BAD(OFFER, bad.mask = IPV4_BROADCAST);
    CHECK_BAD(OFFER, bad.lease_s = 0);
    CHECK_BAD(OFFER, bad.lease_s = 59);
    CHECK_BAD(OFFER, bad.server = 0);
    CHECK_BAD(OFFER, bad.server = IPV4_BROADCAST);
    CHECK_BAD(DISCOVER, (void)0);
    CHECK_BAD(0, (void)0);

    bad = dhcp_usual(OFFER, seen.transaction);
    dhcp_write(&packet, &bad)[28 + 5] ^= 1; /* to another station */
    packet.bytes[14 + 20 + 6] = packet.bytes[14 + 20 + 7] = 0;
    check_ignored();
    dhcp_write(&packet, &bad);
    packet.bytes[14 + 20 + 1] = 66; /* from another port */
    packet.bytes[14 + 20 + 6] = packet.bytes[14 + 20 + 7] = 0;
    check_ignored();

    answer(OFFER);
    CHECK(next_is(REQUEST));
    CHECK_BAD(OFFER, (void)0);
    CHECK_BAD(ACK, bad.server++);
    CHECK_BAD(ACK, bad.address++);
    CHECK_BAD(ACK, bad.mask = 0);
    CHECK_BAD(NAK, bad.server++);
    answer(ACK);
    CHECK(in_state(DHCP_STATE_CHECKING));
    CHECK_BAD(ACK, (void)0);
    CHECK_BAD(NAK, (void)0);
#undef CHECK_BAD
}

/* A router that cannot be reached directly is left out; the rest is good. */
static void test_router_elsewhere(void)
{
    struct dhcp_answer ack;

    start();
    answer(OFFER);
    CHECK(next_is(REQUEST));
    ack = dhcp_usual(ACK, seen.transaction);
    ack.router = IPV4(192, 168, 0, 1);
    ack.dns = IPV4(127, 0, 0, 1);
    dhcp_write(&packet, &ack);
    station_receive(&station, packet.bytes, packet.size);
    station_wait(&station, NET_SECOND);
    CHECK_EQUAL(station.stack.configuration.address, LEASED);
    CHECK_EQUAL(station.stack.configuration.gateway, 0);
    CHECK_EQUAL(station.stack.configuration.dns[0], 0);
}

static void receive_arp(uint16_t operation, ipv4_t sender, ipv4_t target)
{
    packet_init(&packet);
    packet_arp(&packet, operation, &PEER_MAC, sender, &OUR_MAC, target);
    station_receive(&station, packet.bytes, packet.size);
}

/* The address is in use: it is declined, and after ten seconds another is asked for. */
static void check_declined(void)
{
    uint64_t declined;

    CHECK(next_is(DECLINE));
    CHECK_EQUAL(seen.requested, LEASED);
    CHECK_EQUAL(seen.server, SERVER);
    CHECK_EQUAL(seen.client, 0);
    CHECK_EQUAL(seen.from, 0);
    CHECK_EQUAL(seen.to, IPV4_BROADCAST);
    CHECK_TEXT(seen.host_name, "");
    CHECK(in_state(DHCP_STATE_WAITING));
    CHECK_EQUAL(station.stack.configuration.address, 0);
    declined = station.now_us;
    CHECK(next_comes(DISCOVER));
    CHECK_EQUAL(station.now_us - declined, 10 * NET_SECOND);
    CHECK_EQUAL(seen.requested, 0);
}

static void test_conflict(void)
{
    static const struct {
        uint16_t operation;
        ipv4_t sender, target;
    } conflicts[] = {
        {2, LEASED, 0},      /* an answer to our question */
        {1, LEASED, LEASED}, /* an announcement */
        {1, 0, LEASED},      /* another station that wants it, too */
    };

    for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
        start();
        answer(OFFER);
        CHECK(next_is(REQUEST));
        answer(ACK);
        station_wait(&station, NET_SECOND / 4);
        receive_arp(2, PEER, 0);
        receive_arp(1, PEER, LEASED); /* only asks: no conflict */
        CHECK(in_state(DHCP_STATE_CHECKING));
        receive_arp(conflicts[i].operation, conflicts[i].sender, conflicts[i].target);
        CHECK_EQUAL(station.events[NET_EVENT_CONFLICT], 1);
        check_declined();
    }

    /* Later: the other one is told, but goes on. */
    obtain(&hour);
    receive_arp(1, LEASED, LEASED);
    CHECK_EQUAL(station.stack.configuration.address, LEASED);
    CHECK_EQUAL(station.events[NET_EVENT_CONFLICT], 1);
    receive_arp(1, LEASED, LEASED);
    check_declined();
    CHECK_EQUAL(station.events[NET_EVENT_UNCONFIGURED], 1);
    CHECK_EQUAL(station.events[NET_EVENT_CONFLICT], 1);
}

static void test_release(void)
{
    obtain(&hour);
    dhcp_release(&station.stack);
    dhcp_release(&station.stack);
    answer_arp();
    CHECK(next_is(RELEASE));
    CHECK_EQUAL(seen.client, LEASED);
    CHECK_EQUAL(seen.server, SERVER);
    CHECK_EQUAL(seen.requested, 0);
    CHECK_EQUAL(seen.from, LEASED);
    CHECK_EQUAL(seen.to, SERVER);
    CHECK(silent());
    station_wait(&station, NET_SECOND);
    CHECK(in_state(DHCP_STATE_STOPPED));
    CHECK_EQUAL(station.stack.configuration.address, 0);
    CHECK_EQUAL(station.events[NET_EVENT_UNCONFIGURED], 1);
    station_wait(&station, 1000 * NET_SECOND);
    CHECK_EQUAL(station.deadline_us, NET_NEVER);

    start();
    dhcp_release(&station.stack);
    CHECK(in_state(DHCP_STATE_STOPPED));
}

static void test_link(void)
{
    start();
    net_device_set_link(&station.device, false, 0);
    station_wait(&station, 100 * NET_SECOND);
    CHECK(silent());
    net_device_set_link(&station.device, true, 0);
    CHECK(next_is(DISCOVER)); /* at once */

    obtain(&hour);
    net_device_set_link(&station.device, false, 0);
    net_device_set_link(&station.device, true, 0);
    station_tick(&station);
    CHECK(next_is(REQUEST));
    CHECK_EQUAL(seen.to, IPV4_BROADCAST);
    CHECK_EQUAL(seen.client, LEASED);
    answer(ACK);
    CHECK(in_state(DHCP_STATE_BOUND));
    CHECK_EQUAL(station.events[NET_EVENT_CONFIGURED], 1);
}

static void test_start_and_stop(void)
{
    const struct net_configuration fixed = {LEASED, IPV4(255, 255, 255, 0), 0, {0}};
    struct udp_socket socket = {0};

    start();
    CHECK_EQUAL(udp_bind(&station.stack, &socket, 68), NET_IN_USE);
    CHECK_EQUAL(net_configure(&station.stack, &fixed), NET_OK);
    CHECK(in_state(DHCP_STATE_STOPPED));
    CHECK_EQUAL(station.stack.origin, NET_STATIC);
    CHECK_EQUAL(dhcp_start(&station.stack, "a-name-that-is-too-long-for-the-room-there-is"), NET_OK);
    CHECK_EQUAL(station.stack.configuration.address, 0);
    station_tick(&station);
    station_forget(&station);
    CHECK(next_comes(DISCOVER));
    CHECK_TEXT(seen.host_name, "a-name-that-is-too-long-for-the-");
    CHECK_EQUAL(dhcp_start(&station.stack, ""), NET_OK);
    CHECK(next_is(DISCOVER));
    CHECK_TEXT(seen.host_name, "");
    net_unconfigure(&station.stack);
    CHECK_EQUAL(udp_bind(&station.stack, &socket, 68), NET_OK);
    CHECK_EQUAL(dhcp_start(&station.stack, ""), NET_IN_USE);
    CHECK(in_state(DHCP_STATE_STOPPED));
    for (enum dhcp_state state = DHCP_STATE_STOPPED; state <= DHCP_STATE_RELEASING; state++)
        CHECK(strlen(dhcp_state_text(state)) > 0);
}

int main(void)
{
    test_obtain();
    test_back_off();
    test_life_of_a_lease();
    test_rebinding_answered();
    test_infinite();
    test_nonsense_times();
    test_refused();
    test_ignored();
    test_router_elsewhere();
    test_conflict();
    test_release();
    test_link();
    test_start_and_stop();
    return unit_result();
}
