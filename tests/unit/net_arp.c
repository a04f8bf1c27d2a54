#include "parent/net/arp.h"

#include "tests/net/packet.h"
#include "tests/net/station.h"
#include "tests/unit/unit.h"

#define OTHER_MAC ((struct mac_address){{2, 0, 0, 0, 0, 0x44}})
#define REQUEST 1
#define REPLY 2

static struct station station;
static struct udp_socket udp;
static struct packet packet;

static void ignore(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    (void)socket;
    (void)datagram;
}

static void prepare(void)
{
    station_init(&station, 2);
    station_configure(&station, 2);
    udp = (struct udp_socket){.receive = ignore};
    CHECK_EQUAL(udp_bind(&station.stack, &udp, 1000), NET_OK);
}

/* Sends a datagram of one byte, @mark. */
static void send_to(ipv4_t destination, uint8_t mark)
{
    net_tick(&station.stack, station.now_us);
    CHECK_EQUAL(udp_send(&station.stack, &udp, destination, 7, &mark, 1), NET_OK);
    station_tick(&station);
}

static void receive_arp(uint16_t operation, const struct mac_address *sender_mac, ipv4_t sender,
                        ipv4_t target)
{
    packet_init(&packet);
    packet.from_mac = *sender_mac;
    packet_arp(&packet, operation, sender_mac, sender, &OUR_MAC, target);
    station_receive(&station, packet.bytes, packet.size);
}

/* Whether the next frame is a datagram with @mark to @mac. */
static bool next_is_datagram(const struct mac_address *mac, uint8_t mark)
{
    const struct station_frame *frame = station_next(&station);

    return frame != NULL && frame->bytes[12] == 8 && frame->bytes[13] == 0 &&
           memcmp(frame->bytes, mac->bytes, 6) == 0 && frame->bytes[14 + 20 + 8] == mark;
}

static bool next_is(const char *hex)
{
    const struct station_frame *frame = station_next(&station);

    return frame != NULL && packet_is(frame->bytes, frame->size, hex);
}

static bool next_is_question(void)
{
    return next_is("ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                   "020000000002 0a000002 000000000000 0a000003");
}

/* A question, the answer, and then what waited for it, in order. */
static void test_resolve(void)
{
    prepare();
    send_to(PEER, 'a');
    CHECK(next_is_question());
    send_to(PEER, 'b');
    CHECK(station_next(&station) == NULL);
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    CHECK(next_is_datagram(&PEER_MAC, 'a'));
    CHECK(next_is_datagram(&PEER_MAC, 'b'));
    send_to(PEER, 'c');
    CHECK(next_is_datagram(&PEER_MAC, 'c'));
    CHECK(station_next(&station) == NULL);
}

static void test_no_answer(void)
{
    prepare();
    send_to(PEER, 'a');
    for (unsigned i = 0; i < 3; i++) {
        CHECK(next_is_question());
        CHECK(station_next(&station) == NULL);
        station_wait(&station, NET_SECOND);
    }
    CHECK(station_next(&station) == NULL);
    CHECK_EQUAL(station.stack.counters.arp_unresolved, 1);
    CHECK_EQUAL(net_pool_free_count(&station.stack.pool), STATION_BUFFERS);
    CHECK_EQUAL(station.deadline_us, NET_NEVER);
    send_to(PEER, 'b'); /* asks anew */
    CHECK(next_is_question());
}

static void test_pending_bounded(void)
{
    prepare();
    for (unsigned i = 0; i < ARP_PENDING_MAX + 3; i++)
        send_to(PEER, (uint8_t)i);
    CHECK_EQUAL(station.stack.counters.arp_overflow, 3);
    CHECK(next_is_question());
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    for (unsigned i = 3; i < ARP_PENDING_MAX + 3; i++)
        CHECK(next_is_datagram(&PEER_MAC, (uint8_t)i));
    CHECK(station_next(&station) == NULL);
}

/* After a minute the station is asked again, by itself, while it gets what is sent. */
static void test_refresh(void)
{
    prepare();
    send_to(PEER, 'a');
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    station_wait(&station, 61 * NET_SECOND);
    station_forget(&station);
    send_to(PEER, 'b');
    CHECK(next_is("020000000003 020000000002 0806 0001 0800 06 04 0001"
                  "020000000002 0a000002 000000000000 0a000003"));
    CHECK(next_is_datagram(&PEER_MAC, 'b'));
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    station_wait(&station, 30 * NET_SECOND);
    send_to(PEER, 'c');
    CHECK(next_is_datagram(&PEER_MAC, 'c'));
    CHECK(station_next(&station) == NULL);

    /* Gone: it gets the next packets in vain, then all are asked. */
    station_wait(&station, 61 * NET_SECOND);
    send_to(PEER, 'd');
    station_wait(&station, 4 * NET_SECOND);
    station_forget(&station);
    send_to(PEER, 'e');
    CHECK(next_is_question());

    /* Not used, it is forgotten after five minutes. */
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    station_wait(&station, 301 * NET_SECOND);
    CHECK_EQUAL(station.deadline_us, NET_NEVER);
    station_forget(&station);
    send_to(PEER, 'f');
    CHECK(next_is_question());
}

static void test_answer(void)
{
    prepare();
    receive_arp(REQUEST, &PEER_MAC, PEER, OURS);
    CHECK(next_is("020000000003 020000000002 0806 0001 0800 06 04 0002"
                  "020000000002 0a000002 020000000003 0a000003"));
    CHECK(station_next(&station) == NULL);
    /* Who asked is known, but not trusted. */
    send_to(PEER, 'a');
    CHECK(station_next(&station) != NULL);
    CHECK(next_is_datagram(&PEER_MAC, 'a'));

    /* A probe: the answer tells that the address is taken. */
    receive_arp(REQUEST, &OTHER_MAC, 0, OURS);
    CHECK(next_is("020000000044 020000000002 0806 0001 0800 06 04 0002"
                  "020000000002 0a000002 020000000044 00000000"));

    /* For others, from elsewhere, from nowhere. */
    receive_arp(REQUEST, &PEER_MAC, PEER, IPV4(10, 0, 0, 77));
    receive_arp(REQUEST, &PEER_MAC, IPV4(10, 0, 1, 3), OURS);
    receive_arp(REQUEST, &PEER_MAC, IPV4(10, 0, 0, 255), OURS);
    receive_arp(REQUEST, &PEER_MAC, IPV4_BROADCAST, OURS);
    receive_arp(REQUEST, &PEER_MAC, IPV4(127, 0, 0, 1), OURS);
    CHECK(station_next(&station) == NULL);
}

/* What nobody asked for makes no entry, but changes one. */
static void test_unasked(void)
{
    prepare();
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    receive_arp(REQUEST, &PEER_MAC, PEER, PEER);
    send_to(PEER, 'a');
    CHECK(next_is_question());
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    CHECK(next_is_datagram(&PEER_MAC, 'a'));

    receive_arp(REQUEST, &OTHER_MAC, PEER, PEER); /* moved to another card */
    send_to(PEER, 'b');
    CHECK(next_is("020000000044 020000000002 0806 0001 0800 06 04 0001"
                  "020000000002 0a000002 000000000000 0a000003"));
    CHECK(next_is_datagram(&OTHER_MAC, 'b'));
    receive_arp(REPLY, &OTHER_MAC, PEER, OURS);
    send_to(PEER, 'c');
    CHECK(next_is_datagram(&OTHER_MAC, 'c'));
    CHECK(station_next(&station) == NULL);
}

static void test_malformed(void)
{
    static const struct {
        size_t offset;
        uint8_t value;
    } changes[] = {
        {1, 2},                /* hardware */
        {2, 0x86},             /* protocol */
        {4, 8},                /* hardware size */
        {5, 16},               /* protocol size */
        {7, 3},                /* operation */
        {7, 0},     {8, 0x03}, /* sender's MAC address: a group */
        {14, 0xe0},            /* sender: a multicast */
    };

    prepare();
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        packet_init(&packet);
        packet_arp(&packet, REQUEST, &PEER_MAC, PEER, &OUR_MAC, OURS);
        packet.bytes[14 + changes[i].offset] = changes[i].value;
        station_receive(&station, packet.bytes, packet.size);
        CHECK_EQUAL(station.stack.counters.arp_malformed, i + 1);
    }
    packet_arp(&packet, REQUEST, &PEER_MAC, PEER, &OUR_MAC, OURS);
    for (size_t size = 14; size < 14 + 28; size++)
        station_receive(&station, packet.bytes, size);
    CHECK_EQUAL(station.stack.counters.arp_malformed, sizeof(changes) / sizeof(changes[0]) + 28);
    CHECK(station_next(&station) == NULL);
}

/* However many ask or are asked, the table has its size and goes on working. */
static void test_table_full(void)
{
    prepare();
    send_to(PEER, 'a');
    receive_arp(REPLY, &PEER_MAC, PEER, OURS);
    station_forget(&station);
    for (unsigned i = 4; i < 250; i++) {
        const struct mac_address mac = {{2, 0, 0, 0, 1, (uint8_t)i}};

        station.now_us += 1000;
        receive_arp(REQUEST, &mac, IPV4(10, 0, 0, i), OURS);
        station_forget(&station);
    }
    send_to(PEER, 'b'); /* one that we know is not given up for strangers */
    CHECK(next_is_datagram(&PEER_MAC, 'b'));
    CHECK(station_next(&station) == NULL);
    for (unsigned i = 4; i < 250; i++) {
        station.now_us += 1000;
        send_to(IPV4(10, 0, 0, i), 'c');
        station_forget(&station);
    }
    CHECK(station.stack.counters.arp_overflow > 0);
    send_to(PEER, 'd');
    CHECK(next_is_datagram(&PEER_MAC, 'd'));
    station_wait(&station, 5 * NET_SECOND);
    CHECK_EQUAL(net_pool_free_count(&station.stack.pool), STATION_BUFFERS);
}

/* Nor do strangers displace stations that have answered. */
static void test_table_full_of_known(void)
{
    prepare();
    for (unsigned i = 0; i < ARP_ENTRIES; i++) {
        const struct mac_address mac = {{2, 0, 0, 0, 1, (uint8_t)i}};

        send_to(IPV4(10, 0, 0, 4 + i), 'a');
        receive_arp(REPLY, &mac, IPV4(10, 0, 0, 4 + i), OURS);
        station_forget(&station);
    }
    receive_arp(REQUEST, &PEER_MAC, PEER, OURS);
    CHECK(station_next(&station) != NULL); /* it gets its answer, but no entry */
    for (unsigned i = 0; i < ARP_ENTRIES; i++) {
        const struct mac_address mac = {{2, 0, 0, 0, 1, (uint8_t)i}};

        send_to(IPV4(10, 0, 0, 4 + i), 'b');
        CHECK(next_is_datagram(&mac, 'b'));
    }
    send_to(PEER, 'c');
    CHECK(next_is_question());
}

static void test_no_buffer(void)
{
    prepare();
    station.hold = true;
    for (unsigned i = 0; i < STATION_BUFFERS; i++)
        receive_arp(REQUEST, &PEER_MAC, PEER, OURS);
    CHECK_EQUAL(station.stack.counters.no_buffer, 0);
    receive_arp(REQUEST, &PEER_MAC, PEER, OURS);
    CHECK_EQUAL(station.stack.counters.no_buffer, 1);
    station_complete(&station);
}

static void test_announcements(void)
{
    const struct net_configuration configuration = {OURS, IPV4(255, 255, 255, 0), 0, {0}};

    station_init(&station, 2);
    CHECK_EQUAL(net_configure(&station.stack, &configuration), NET_OK);
    station_tick(&station);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(next_is("ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                      "020000000002 0a000002 000000000000 0a000002"));
        CHECK(station_next(&station) == NULL);
        station_wait(&station, 2 * NET_SECOND);
    }
    CHECK(station_next(&station) == NULL);
    CHECK_EQUAL(station.events[NET_EVENT_CONFIGURED], 1);

    /* Other things that happen in between do not make it forget the second. */
    prepare();
    net_unconfigure(&station.stack);
    CHECK_EQUAL(net_configure(&station.stack, &configuration), NET_OK);
    send_to(PEER, 'a');
    station_forget(&station);
    station_wait(&station, NET_SECOND + 1);
    CHECK(next_is_question());
    station_wait(&station, NET_SECOND);
    CHECK(next_is_question());
    CHECK(next_is("ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                  "020000000002 0a000002 000000000000 0a000002"));
}

/* Another station has our address: it is told at most once in ten seconds. */
static void test_conflict(void)
{
    prepare();
    for (unsigned i = 0; i < 5; i++)
        receive_arp(REQUEST, &OTHER_MAC, OURS, OURS);
    CHECK_EQUAL(station.events[NET_EVENT_CONFLICT], 1);
    CHECK_EQUAL(station.stack.counters.arp_conflicts, 5);
    CHECK(mac_equal(&station.stack.arp.conflict, &OTHER_MAC));
    CHECK(next_is("ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                  "020000000002 0a000002 000000000000 0a000002"));
    CHECK(station_next(&station) == NULL);
    station_wait(&station, 11 * NET_SECOND);
    receive_arp(REPLY, &OTHER_MAC, OURS, PEER);
    CHECK_EQUAL(station.events[NET_EVENT_CONFLICT], 2);
    CHECK_EQUAL(station.stack.configuration.address, OURS);
}

static void test_link(void)
{
    prepare();
    send_to(PEER, 'a');
    station_forget(&station);
    net_device_set_link(&station.device, false, 0);
    CHECK_EQUAL(net_pool_free_count(&station.stack.pool), STATION_BUFFERS);
    CHECK_EQUAL(udp_send(&station.stack, &udp, PEER, 7, "x", 1), NET_NO_LINK);
    net_device_set_link(&station.device, true, 0);
    CHECK(next_is("ffffffffffff 020000000002 0806 0001 0800 06 04 0001"
                  "020000000002 0a000002 000000000000 0a000002"));
    send_to(PEER, 'b');
    CHECK(next_is_question());
}

int main(void)
{
    test_resolve();
    test_no_answer();
    test_pending_bounded();
    test_refresh();
    test_answer();
    test_unasked();
    test_malformed();
    test_table_full();
    test_table_full_of_known();
    test_no_buffer();
    test_announcements();
    test_conflict();
    test_link();
    return unit_result();
}
