/* Frames, buffers and the device interface. */
#include "parent/net/ethernet.h"

#include "tests/net/packet.h"
#include "tests/net/station.h"
#include "tests/unit/unit.h"

static struct station station;
static struct packet packet;

/* An echo request, which is answered if it gets through. */
static void make_request(size_t size)
{
    static const uint8_t payload[NET_MTU];

    packet_init(&packet);
    packet_icmp(&packet, 8, 0, 1, 2, payload, size);
}

static bool answered(void)
{
    uint64_t before = station.stack.counters.echo_answered;

    station_receive(&station, packet.bytes, packet.size);
    station_forget(&station);
    return station.stack.counters.echo_answered == before + 1;
}

static void test_addresses(void)
{
    const struct net_counters *counters = &station.stack.counters;

    make_request(32);
    CHECK(answered());
    packet.bytes[5] = 9;
    CHECK(!answered());
    CHECK_EQUAL(counters->ethernet_foreign, 1);
    memcpy(packet.bytes, "\x01\x00\x5e\x00\x00\x01", 6); /* a multicast */
    CHECK(!answered());
    CHECK_EQUAL(counters->ethernet_foreign, 2);
    make_request(32);
    packet.bytes[6] |= 1; /* from a group */
    CHECK(!answered());
    memset(packet.bytes + 6, 0, 6);
    CHECK(!answered());
    memcpy(packet.bytes + 6, OUR_MAC.bytes, 6);
    CHECK(!answered());
    CHECK_EQUAL(counters->ethernet_malformed, 3);
    make_request(32);
    packet.bytes[12] = 0x86; /* IPv6 */
    packet.bytes[13] = 0xdd;
    CHECK(!answered());
    CHECK_EQUAL(counters->ethernet_type, 1);
}

static void test_sizes(void)
{
    uint64_t malformed = station.stack.counters.ethernet_malformed;

    make_request(NET_MTU - 28);
    CHECK_EQUAL(packet.size, NET_HEADER_SIZE + NET_MTU);
    CHECK(answered());
    packet.size++;
    CHECK(!answered());
    for (packet.size = 0; packet.size < NET_HEADER_SIZE; packet.size++)
        CHECK(!answered());
    CHECK_EQUAL(station.stack.counters.ethernet_malformed, malformed + 1 + NET_HEADER_SIZE);
}

/* Cuts the packet into @count segments and receives it. */
static bool answered_in_segments(unsigned count, uint32_t size)
{
    struct net_segment segments[NET_SEGMENTS_MAX];
    const struct net_frame frame = {segments, count, size, NULL};
    uint64_t before = station.stack.counters.echo_answered;
    size_t offset = 0;

    for (unsigned i = 0; i < count; i++) {
        size_t length = i + 1 < count ? packet.size / count : packet.size - offset;

        segments[i] = (struct net_segment){packet.bytes + offset, 0, (uint32_t)length};
        offset += length;
    }
    net_device_deliver(&station.device, &frame);
    station_forget(&station);
    return station.stack.counters.echo_answered == before + 1;
}

static void test_segments(void)
{
    uint64_t malformed = station.stack.counters.ethernet_malformed;

    make_request(1000);
    for (unsigned count = 1; count <= NET_SEGMENTS_MAX; count++)
        CHECK(answered_in_segments(count, (uint32_t)packet.size));
    packet.size = PACKET_SIZE_MAX;
    CHECK(!answered_in_segments(2, (uint32_t)packet.size));
    make_request(1000);
    CHECK(!answered_in_segments(2, (uint32_t)packet.size + 1)); /* a wrong sum */
    CHECK_EQUAL(station.stack.counters.ethernet_malformed, malformed + 2);
    CHECK_EQUAL(net_pool_free_count(&station.stack.pool), STATION_BUFFERS);
}

/* Short answers are padded with zeros, not with what was in the buffer before. */
static void test_padding(void)
{
    const struct station_frame *sent;

    for (unsigned i = 0; i < 2 * STATION_BUFFERS; i++) {
        struct net_buffer *buffer = net_buffer_take(&station.stack.pool);

        memset(buffer->data, 0xaa, sizeof(buffer->data));
        net_buffer_put(buffer);
    }
    make_request(0);
    station_receive(&station, packet.bytes, packet.size);
    sent = station_sent(&station);
    CHECK(sent->size == NET_FRAME_MIN);
    for (size_t i = packet.size; i < sent->size; i++)
        CHECK_EQUAL(sent->bytes[i], 0);
}

/* Without buffers nothing is sent, and nothing breaks; later all goes on. */
static void test_no_buffers(void)
{
    make_request(100);
    station.hold = true;
    for (unsigned i = 0; i < STATION_BUFFERS; i++)
        CHECK(answered());
    CHECK_EQUAL(net_pool_free_count(&station.stack.pool), 0);
    answered();
    CHECK_EQUAL(station.stack.counters.no_buffer, 1);
    CHECK(!answered_in_segments(2, (uint32_t)packet.size));
    CHECK_EQUAL(station.stack.counters.no_buffer, 2);
    station.hold = false;
    station_complete(&station);
    CHECK(answered());
    CHECK_EQUAL(net_pool_free_count(&station.stack.pool), STATION_BUFFERS);
}

static void note_completion(struct net_frame *frame, bool sent)
{
    (void)frame;
    CHECK(!sent);
}

static bool fail_to_start(struct net_device *device)
{
    (void)device;
    return false;
}

static void test_device(void)
{
    static const struct net_device_operations broken = {.start = fail_to_start};
    uint8_t bytes[NET_FRAME_MIN] = {0};
    struct net_segment segment = {bytes, 0, sizeof(bytes)};
    struct net_frame frame = {&segment, 1, sizeof(bytes), note_completion};
    static struct net_device others[NET_DEVICES_MAX + 1];
    struct net_statistics *sent = &station.device.sent;
    uint64_t errors = sent->errors, dropped = sent->dropped;

    frame.size = NET_FRAME_MIN - 1;
    net_device_transmit(&station.device, &frame);
    frame.size = NET_HEADER_SIZE + NET_VLAN_TAG_SIZE + NET_MTU + 1;
    net_device_transmit(&station.device, &frame);
    frame.size = NET_FRAME_MIN;
    frame.segment_count = 0;
    net_device_transmit(&station.device, &frame);
    frame.segment_count = NET_SEGMENTS_MAX + 1;
    net_device_transmit(&station.device, &frame);
    CHECK_EQUAL(sent->errors, errors + 4);

    frame.segment_count = 1;
    net_device_set_link(&station.device, false, 0);
    CHECK_EQUAL(station.events[NET_EVENT_LINK], 1);
    net_device_transmit(&station.device, &frame);
    CHECK_EQUAL(sent->dropped, dropped + 1);
    net_device_set_link(&station.device, false, 0);
    net_device_set_link(&station.device, true, 100);
    CHECK_EQUAL(station.events[NET_EVENT_LINK], 2);
    CHECK_EQUAL(station.device.link_mbps, 100);

    CHECK(!net_device_attach(&station.device, &station.client));
    net_device_detach(&station.device);
    CHECK(!station.device.link_up);
    dropped = station.device.received.dropped;
    net_device_deliver(&station.device, &frame);
    net_device_lost(&station.device, 2, 3);
    CHECK_EQUAL(station.device.received.dropped, dropped + 4);
    CHECK_EQUAL(station.device.received.errors, 2);

    station.device.operations = &broken;
    CHECK(!net_device_attach(&station.device, &station.client));
    CHECK(station.device.client == NULL);

    CHECK(!net_device_register(&others[0])); /* no MAC address, no MTU */
    for (unsigned i = 0; i <= NET_DEVICES_MAX; i++) {
        others[i].mac = (struct mac_address){{2, 0, 0, 0, 1, (uint8_t)i}};
        others[i].mtu = NET_MTU;
        CHECK(net_device_register(&others[i]) == (i < NET_DEVICES_MAX));
    }
    CHECK(net_device_find("net31") == &others[31]);
    CHECK(net_device_find("net32") == NULL);
    CHECK(net_device_at(3) == &others[3] && net_device_at(NET_DEVICES_MAX) == NULL);
}

/* After test_device(): there are as many devices as can be. */
static void test_unregister(void)
{
    static struct net_device named = {.mac = {{2, 0, 0, 0, 2, 0}}, .mtu = NET_MTU};

    CHECK(!net_device_register_as(&named, "lan"));
    net_device_unregister(net_device_at(3));
    CHECK(net_device_find("net3") == NULL && net_device_find("net4") == net_device_at(3));
    CHECK(net_device_at(NET_DEVICES_MAX - 1) == NULL);
    net_device_unregister(&named); /* is not registered: nothing happens */
    CHECK(!net_device_register_as(&named, "net4"));
    CHECK(!net_device_register_as(&named, "a name that is too long"));
    CHECK(net_device_register_as(&named, "lan"));
    CHECK(net_device_find("lan") == &named);
    net_device_unregister(&named);
    CHECK(net_device_find("lan") == NULL);
    CHECK(net_device_register(&named)); /* takes the first number that is free */
    CHECK_TEXT(named.name, "net3");
}

int main(void)
{
    station_init(&station, 2);
    station_configure(&station, 2);
    /* The peer is known, so that it is answered at once. */
    packet_init(&packet);
    packet_arp(&packet, 1, &PEER_MAC, PEER, &OUR_MAC, OURS);
    station_receive(&station, packet.bytes, packet.size);
    station_forget(&station);
    test_addresses();
    test_sizes();
    test_segments();
    test_padding();
    test_no_buffers();
    test_device();
    test_unregister();
    return unit_result();
}
