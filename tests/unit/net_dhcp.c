/* The DHCP client until it has a lease, or has not. */
#include "tests/net/dhcp_dialogue.h"

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
        frame = station_sent(&station);
        CHECK(packet_is(frame->bytes, frame->size,
                        "ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                        "020000000002 00000000 000000000000 0a000032"));
        CHECK(station_next(&station) == NULL);
        station_wait(&station, NET_SECOND / 5);
    }
    frame = station_sent(&station);
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

/* A server that sends to the address that it gives, though it was asked to broadcast. */
static void test_sent_to_address(void)
{
    static const uint8_t types[] = {OFFER, ACK};

    start();
    for (size_t i = 0; i < sizeof(types); i++) {
        struct dhcp_answer usual = dhcp_usual(types[i], seen.transaction);

        dhcp_write(&packet, &usual);
        memcpy(packet.bytes + 30, "\x0a\x00\x00\x32", 4);
        memset(packet.bytes + 40, 0, 2); /* no UDP checksum */
        packet_fix_checksum(&packet);
        station_receive(&station, packet.bytes, packet.size);
        if (types[i] == OFFER)
            CHECK(next_is(REQUEST));
    }
    station_wait(&station, NET_SECOND);
    CHECK(in_state(DHCP_STATE_BOUND));
    CHECK_EQUAL(station.stack.configuration.address, LEASED);
    CHECK_EQUAL(station.stack.counters.ipv4_foreign, 0);
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

int main(void)
{
    test_obtain();
    test_back_off();
    test_refused();
    test_sent_to_address();
    test_ignored();
    test_router_elsewhere();
    test_conflict();
    return unit_result();
}
