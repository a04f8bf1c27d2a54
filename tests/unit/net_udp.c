#include "parent/net/udp.h"

#include "tests/net/packet.h"
#include "tests/net/station.h"
#include "tests/unit/unit.h"

static struct station station;
static struct packet packet;

static unsigned received_count;
static struct udp_datagram received;
static uint8_t received_data[NET_MTU];

static void keep(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    (void)socket;
    received_count++;
    received = *datagram;
    memcpy(received_data, datagram->data, datagram->size);
}

static void prepare(void)
{
    station_init(&station, 2);
    station_configure(&station, 2);
    received_count = 0;
    packet_init(&packet);
}

static bool arrived(void)
{
    unsigned before = received_count;

    station_receive(&station, packet.bytes, packet.size);
    return received_count == before + 1;
}

static void test_receive(void)
{
    struct udp_socket socket = {.receive = keep};

    prepare();
    CHECK_EQUAL(udp_bind(&station.stack, &socket, 100), NET_OK);
    packet_udp(&packet, 4321, 100, "hello", 5);
    CHECK(arrived());
    CHECK_EQUAL(received.source, PEER);
    CHECK_EQUAL(received.source_port, 4321);
    CHECK(!received.broadcast);
    CHECK_EQUAL(received.size, 5);
    CHECK(memcmp(received_data, "hello", 5) == 0);
    packet_udp(&packet, 0, 100, NULL, 0);
    CHECK(arrived());
    CHECK_EQUAL(received.size, 0);
    packet_udp(&packet, 1, 101, "hello", 5);
    CHECK(!arrived());
    CHECK_EQUAL(station.stack.counters.udp_no_port, 1);

    /* Broadcasts are for those who want them. */
    packet.to = IPV4_BROADCAST;
    packet_udp(&packet, 1, 100, "hello", 5);
    CHECK(!arrived());
    socket.broadcast = true;
    CHECK(arrived());
    CHECK(received.broadcast);

    udp_close(&station.stack, &socket);
    udp_close(&station.stack, &socket);
    CHECK(!arrived());
    CHECK_EQUAL(station.stack.counters.udp_delivered, 3);
}

static void test_malformed(void)
{
    struct udp_socket socket = {.receive = keep};
    uint8_t *header = packet.bytes + 14 + 20;

    prepare();
    CHECK_EQUAL(udp_bind(&station.stack, &socket, 100), NET_OK);
    packet_udp(&packet, 1, 100, "hello", 5);
    header[8] ^= 1;
    CHECK(!arrived());
    CHECK_EQUAL(station.stack.counters.udp_checksum, 1);
    header[6] = header[7] = 0; /* no checksum at all is allowed */
    CHECK(arrived());
    header[5] = 14; /* longer than the packet */
    CHECK(!arrived());
    header[4] = 0xff;
    CHECK(!arrived());
    header[4] = 0;
    header[5] = 7; /* shorter than the header */
    CHECK(!arrived());
    header[5] = 12; /* shorter than the packet: the rest is padding */
    CHECK(arrived());
    CHECK_EQUAL(received.size, 4);
    packet.protocol = 17;
    for (size_t size = 0; size < 8; size++) {
        packet_ipv4(&packet, "\x00\x01\x00\x64\x00\x08\x00", size);
        CHECK(!arrived());
    }
    CHECK_EQUAL(station.stack.counters.udp_malformed, 3 + 8);
}

static void test_ports(void)
{
    struct udp_socket first = {.receive = keep}, second = {.receive = keep};
    static struct udp_socket many[300];

    prepare();
    CHECK_EQUAL(udp_bind(&station.stack, &first, 100), NET_OK);
    CHECK_EQUAL(udp_bind(&station.stack, &second, 100), NET_IN_USE);
    udp_close(&station.stack, &second);
    CHECK_EQUAL(udp_bind(&station.stack, &second, 0xffff), NET_OK);
    for (unsigned i = 0; i < 300; i++) {
        CHECK_EQUAL(udp_bind(&station.stack, &many[i], 0), NET_OK);
        CHECK(many[i].port >= 49152);
        for (unsigned j = 0; j < i; j++)
            CHECK(many[i].port != many[j].port);
    }
    for (unsigned i = 0; i < 300; i += 2)
        udp_close(&station.stack, &many[i]);
    udp_close(&station.stack, &first);
    CHECK_EQUAL(udp_bind(&station.stack, &first, 100), NET_OK);
}

static void test_send(void)
{
    struct udp_socket socket = {.receive = keep};
    const struct net_configuration none = {0};

    prepare();
    CHECK_EQUAL(udp_bind(&station.stack, &socket, 100), NET_OK);
    CHECK_EQUAL(udp_send(&station.stack, &socket, PEER, 0, "x", 1), NET_INVALID);
    CHECK_EQUAL(udp_send(&station.stack, &socket, IPV4(10, 0, 0, 255), 7, "x", 1), NET_FORBIDDEN);
    CHECK_EQUAL(udp_send(&station.stack, &socket, IPV4_BROADCAST, 7, "x", 1), NET_FORBIDDEN);
    CHECK_EQUAL(udp_send(&station.stack, &socket, PEER, 7, "x", SIZE_MAX), NET_TOO_LONG);
    CHECK_EQUAL(udp_send(&station.stack, &socket, PEER, 7, NULL, 0), NET_OK);
    net_set_configuration(&station.stack, &none, NET_UNCONFIGURED);
    CHECK_EQUAL(udp_send(&station.stack, &socket, PEER, 7, "x", 1), NET_NO_ADDRESS);
    station_forget(&station);
    socket.broadcast = true;
    CHECK_EQUAL(udp_send(&station.stack, &socket, IPV4_BROADCAST, 7, "x", 1), NET_OK);
    CHECK(packet_is(station_sent(&station)->bytes + 26, 8, "00000000 ffffffff"));
}

/* A checksum that comes out as 0 is sent as its other form. */
static void test_zero_checksum(void)
{
    struct udp_socket socket = {.receive = keep, .broadcast = true};
    const struct station_frame *frame;
    uint8_t data[2] = {0};

    prepare();
    CHECK_EQUAL(udp_bind(&station.stack, &socket, 100), NET_OK);
    for (unsigned i = 0; i < 0x10000; i++) {
        data[0] = (uint8_t)(i >> 8);
        data[1] = (uint8_t)i;
        CHECK_EQUAL(udp_send(&station.stack, &socket, IPV4_BROADCAST, 7, data, 2), NET_OK);
        frame = station_sent(&station);
        CHECK(frame->bytes[40] != 0 || frame->bytes[41] != 0);
    }
}

static void close_within(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    keep(socket, datagram);
    udp_close(&station.stack, socket);
    memset(socket, 0xff, sizeof(*socket));
}

static void test_close_within(void)
{
    struct udp_socket first = {.receive = keep}, second = {.receive = close_within};
    struct udp_socket third = {.receive = keep};

    prepare();
    CHECK_EQUAL(udp_bind(&station.stack, &first, 100), NET_OK);
    CHECK_EQUAL(udp_bind(&station.stack, &second, 101), NET_OK);
    CHECK_EQUAL(udp_bind(&station.stack, &third, 102), NET_OK);
    packet_udp(&packet, 1, 101, "x", 1);
    CHECK(arrived());
    CHECK(!arrived());
    packet_udp(&packet, 1, 100, "x", 1);
    CHECK(arrived());
    packet_udp(&packet, 1, 102, "x", 1);
    CHECK(arrived());
}

int main(void)
{
    test_receive();
    test_malformed();
    test_ports();
    test_send();
    test_zero_checksum();
    test_close_within();
    return unit_result();
}
