/* What becomes of a DHCP client's lease. */
#include "tests/net/dhcp_dialogue.h"

static const struct dhcp_answer hour = {.lease_s = 3600};

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
    CHECK_EQUAL(dhcp_start(&station.stack, "a-name-that-is-too-long-for-the-room-there-is"),
                NET_OK);
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
    test_life_of_a_lease();
    test_rebinding_answered();
    test_infinite();
    test_nonsense_times();
    test_release();
    test_link();
    test_start_and_stop();
    return unit_result();
}
