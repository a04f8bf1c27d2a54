#include "parent/net/ipv4.h"

#include "parent/net/route.h"

#include "tests/net/packet.h"
#include "tests/net/station.h"
#include "tests/unit/unit.h"

#define MORE 0x2000
#define PORT 4000

static struct station station;
static struct packet packet;
static struct udp_socket udp;

/* The last datagram that arrived. */
static uint8_t received[IPV4_PAYLOAD_MAX];
static size_t received_size;
static unsigned received_count;

static void keep(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    (void)socket;
    memcpy(received, datagram->data, datagram->size);
    received_size = datagram->size;
    received_count++;
}

static void prepare(void)
{
    station_init(&station, 2);
    station_configure(&station, 2);
    udp = (struct udp_socket){.receive = keep, .broadcast = true};
    CHECK_EQUAL(udp_bind(&station.stack, &udp, PORT), NET_OK);
    received_count = 0;
}

static bool arrived(void)
{
    unsigned before = received_count;

    station_receive(&station, packet.bytes, packet.size);
    return received_count == before + 1;
}

static void make_datagram(void)
{
    packet_init(&packet);
    packet_udp(&packet, 9, PORT, "hello", 5);
}

/* Changes a byte of the IPv4 header without breaking its checksum. */
static bool arrived_with(size_t offset, uint8_t value)
{
    make_datagram();
    packet.bytes[14 + offset] = value;
    packet_fix_checksum(&packet);
    return arrived();
}

static void test_fields(void)
{
    const struct net_counters *counters = &station.stack.counters;

    prepare();
    make_datagram();
    CHECK(arrived());
    CHECK(!arrived_with(0, 0x65)); /* version */
    CHECK(!arrived_with(0, 0x44)); /* header size */
    CHECK(!arrived_with(0, 0x4f)); /* a header larger than the packet */
    CHECK(!arrived_with(2, 1));    /* larger than the frame */
    CHECK(!arrived_with(3, 19));   /* smaller than the header */
    CHECK(!arrived_with(6, 0x80)); /* reserved flag */
    CHECK_EQUAL(counters->ipv4_malformed, 6);
    CHECK(arrived_with(6, 0x40)); /* don't fragment */
    CHECK(arrived_with(8, 0));    /* time to live */
    CHECK(arrived_with(1, 0xff)); /* type of service */
    CHECK(!arrived_with(9, 200)); /* protocol */
    CHECK_EQUAL(counters->ipv4_protocol, 1);
    make_datagram();
    packet.bytes[14 + 10] ^= 1;
    CHECK(!arrived());
    CHECK_EQUAL(counters->ipv4_checksum, 1);
    make_datagram();
    for (size_t size = 14; size < 14 + 33; size++)
        station_receive(&station, packet.bytes, size);
    CHECK_EQUAL(counters->ipv4_malformed, 6 + 33);
}

static bool arrived_from(ipv4_t from, ipv4_t to)
{
    packet_init(&packet);
    packet.from = from;
    packet.to = to;
    packet_udp(&packet, 9, PORT, "hello", 5);
    return arrived();
}

static void test_addresses(void)
{
    static const ipv4_t martians[] = {
        0,
        IPV4(0, 1, 2, 3),
        IPV4(127, 0, 0, 1),
        IPV4(224, 0, 0, 1),
        IPV4(255, 255, 255, 255),
        IPV4(10, 0, 0, 255),
        IPV4(10, 0, 0, 0),
        OURS,
    };
    const struct net_counters *counters = &station.stack.counters;

    prepare();
    for (size_t i = 0; i < sizeof(martians) / sizeof(martians[0]); i++) {
        CHECK(!arrived_from(martians[i], OURS));
        CHECK_EQUAL(counters->ipv4_martian, i + 1);
    }
    CHECK(arrived_from(IPV4(192, 0, 2, 1), OURS)); /* through the router */
    CHECK(arrived_from(PEER, IPV4_BROADCAST));
    CHECK(arrived_from(PEER, IPV4(10, 0, 0, 255)));
    CHECK(!arrived_from(PEER, IPV4(10, 0, 0, 4)));
    CHECK(!arrived_from(PEER, IPV4(10, 0, 1, 255)));
    CHECK(!arrived_from(PEER, IPV4(224, 0, 0, 1)));
    CHECK(!arrived_from(PEER, IPV4(127, 0, 0, 1)));
    CHECK(!arrived_from(PEER, 0));
    CHECK_EQUAL(counters->ipv4_foreign, 5);

    /* To one host, but in a frame to all. */
    packet_init(&packet);
    packet.to_mac = mac_broadcast;
    packet_udp(&packet, 9, PORT, "hello", 5);
    CHECK(!arrived());

    /* Without a configuration there is only one address. */
    net_unconfigure(&station.stack);
    CHECK(!arrived_from(PEER, OURS));
    CHECK(!arrived_from(PEER, 0));
    CHECK(!arrived_from(PEER, IPV4(10, 0, 0, 255)));
    CHECK(arrived_from(PEER, IPV4_BROADCAST));
}

static void test_options(void)
{
    uint8_t bytes[PACKET_SIZE_MAX];

    prepare();
    for (size_t size = 4; size <= 40; size += 4) {
        make_datagram();
        memcpy(bytes, packet.bytes + 14, packet.size - 14);
        memmove(bytes + 20 + size, bytes + 20, 13);
        memset(bytes + 20, 0x83, size); /* as if there were source routes */
        bytes[0] = (uint8_t)(0x45 + size / 4);
        bytes[3] = (uint8_t)(33 + size);
        packet_ethernet(&packet, bytes, 33 + size);
        packet_fix_checksum(&packet);
        CHECK(arrived());
    }
}

/* A datagram of @size bytes, of which fragments are cut out. */
static uint8_t whole[IPV4_PAYLOAD_MAX + 4096];
static size_t whole_size;

static void make_whole(size_t size)
{
    uint64_t random = size;
    uint8_t pseudo[12 + sizeof(whole)] = {10, 0, 0, 3, 10, 0, 0, 2, 0, 17};

    whole_size = 8 + size;
    for (size_t i = 0; i < size; i++)
        whole[8 + i] = (uint8_t)station_random(&random);
    memcpy(whole, "\x00\x09\x0f\xa0\x00\x00\x00\x00", 8);
    whole[4] = (uint8_t)(whole_size >> 8);
    whole[5] = (uint8_t)whole_size;
    pseudo[10] = whole[4];
    pseudo[11] = whole[5];
    memcpy(pseudo + 12, whole, whole_size);

    uint16_t sum = packet_checksum(pseudo, 12 + whole_size);

    whole[6] = (uint8_t)(sum >> 8);
    whole[7] = (uint8_t)sum;
}

static bool fragment_arrived(uint16_t identification, size_t offset, size_t size, bool more)
{
    packet_init(&packet);
    packet.identification = identification;
    packet.protocol = 17;
    packet.fragment = (uint16_t)(offset / 8 | (more ? MORE : 0));
    packet_ipv4(&packet, whole + offset, size);
    return arrived();
}

static bool received_whole(void)
{
    return received_size == whole_size - 8 && memcmp(received, whole + 8, received_size) == 0;
}

static void test_reassembly(void)
{
    const struct net_counters *counters = &station.stack.counters;

    prepare();
    make_whole(2993);
    CHECK(!fragment_arrived(1, 0, 1480, true));
    CHECK(!fragment_arrived(1, 1480, 1480, true));
    CHECK(fragment_arrived(1, 2960, 41, false));
    CHECK(received_whole());

    /* Backwards, with repetitions; the last two of one packet between those of another. */
    CHECK(!fragment_arrived(2, 2960, 41, false));
    CHECK(!fragment_arrived(2, 2960, 41, false));
    CHECK(!fragment_arrived(3, 0, 1480, true));
    CHECK(!fragment_arrived(2, 1480, 1480, true));
    CHECK(!fragment_arrived(2, 1480, 1480, true));
    CHECK(!fragment_arrived(3, 1480, 1480, true));
    CHECK(fragment_arrived(3, 2960, 41, false));
    CHECK(fragment_arrived(2, 0, 1480, true));
    CHECK(received_whole());

    /* The largest, in the smallest pieces, in a wild order. */
    make_whole(IPV4_PAYLOAD_MAX - 8);
    for (size_t i = 0; i + 1 < IPV4_PAYLOAD_MAX / 8; i++) {
        size_t unit = i * 511 % (IPV4_PAYLOAD_MAX / 8);

        CHECK(!fragment_arrived(4, unit * 8, 8, unit + 1 < IPV4_PAYLOAD_MAX / 8));
    }

    size_t last = (IPV4_PAYLOAD_MAX / 8 - 1) * 511 % (IPV4_PAYLOAD_MAX / 8);

    CHECK(fragment_arrived(4, last * 8, 8, last + 1 < IPV4_PAYLOAD_MAX / 8));
    CHECK(received_whole());
    CHECK_EQUAL(counters->reassembled, 4);
    CHECK_EQUAL(counters->fragments_dropped, 0);
    CHECK_EQUAL(counters->reassembly_incomplete, 0);
    /* Nothing is left of them but a time at which there is nothing to do. */
    station_wait(&station, 20 * NET_SECOND);
    CHECK_EQUAL(station.deadline_us, NET_NEVER);
}

static void test_bad_fragments(void)
{
    const struct net_counters *counters = &station.stack.counters;

    prepare();
    make_whole(3000);
    CHECK(!fragment_arrived(1, 0, 1471, true));                  /* not a multiple of 8 */
    CHECK(!fragment_arrived(1, 0, 0, true));                     /* empty */
    CHECK(!fragment_arrived(1, IPV4_PAYLOAD_MAX, 8, false));     /* too far */
    CHECK(!fragment_arrived(1, IPV4_PAYLOAD_MAX - 8, 16, true)); /* reaches too far */
    CHECK(!fragment_arrived(1, IPV4_PAYLOAD_MAX - 8, 9, false));
    CHECK_EQUAL(counters->fragments_dropped, 5);
    packet.bytes[14 + 6] = 0x1f; /* the largest offset: beyond 64 KiB with its size */
    packet.bytes[14 + 7] = 0xff;
    packet_fix_checksum(&packet);
    CHECK(!arrived());
    CHECK_EQUAL(counters->fragments_dropped, 6);
    packet.fragment = MORE;
    packet.to = IPV4_BROADCAST;
    packet_ipv4(&packet, whole, 1480);
    CHECK(!arrived());
    CHECK_EQUAL(counters->fragments_dropped, 7);
    CHECK_EQUAL(counters->reassembly_incomplete, 0);

    /* An overlap ends the packet: with other bytes in it, or cut differently. */
    CHECK(!fragment_arrived(2, 0, 1480, true));
    whole[100] ^= 1;
    CHECK(!fragment_arrived(2, 0, 1480, true));
    whole[100] ^= 1;
    CHECK_EQUAL(counters->reassembly_incomplete, 1);
    CHECK(!fragment_arrived(2, 1480, 1000, false)); /* the rest of it begins anew */
    CHECK(!fragment_arrived(2, 1472, 16, true));
    CHECK_EQUAL(counters->reassembly_incomplete, 2);

    /* The end is where it is. */
    CHECK(!fragment_arrived(3, 1480, 160, false));
    CHECK(!fragment_arrived(3, 1640, 8, true));
    CHECK_EQUAL(counters->reassembly_incomplete, 3);
    CHECK(!fragment_arrived(4, 1480, 160, true));
    CHECK(!fragment_arrived(4, 8, 100, false));
    CHECK_EQUAL(counters->reassembly_incomplete, 4);
    CHECK(!fragment_arrived(5, 1480, 160, false));
    CHECK(!fragment_arrived(5, 1640, 16, false));
    CHECK_EQUAL(counters->reassembly_incomplete, 5);
    CHECK_EQUAL(counters->fragments_dropped, 12);
}

static void test_many_packets(void)
{
    const struct net_counters *counters = &station.stack.counters;

    prepare();
    make_whole(2000);
    for (uint16_t id = 0; id < 100; id++) {
        CHECK(!fragment_arrived(id, 0, 1480, true));
        station.now_us++;
    }
    CHECK_EQUAL(counters->reassembly_incomplete, 100 - REASSEMBLY_SLOTS);
    for (uint16_t id = 100 - REASSEMBLY_SLOTS; id < 100; id++)
        CHECK(fragment_arrived(id, 1480, 528, false)); /* the newest are there */

    /* Time runs out. */
    CHECK(!fragment_arrived(200, 0, 1480, true));
    station_wait(&station, 16 * NET_SECOND);
    CHECK_EQUAL(counters->reassembly_incomplete, 101 - REASSEMBLY_SLOTS);
    CHECK(!fragment_arrived(200, 1480, 528, false));
}

static void test_send(void)
{
    const struct station_frame *frame;

    prepare();
    packet_init(&packet);
    packet_arp(&packet, 1, &PEER_MAC, PEER, &OUR_MAC, OURS);
    station_receive(&station, packet.bytes, packet.size);
    CHECK_EQUAL(udp_send(&station.stack, &udp, PEER, 9, "hello", 5), NET_OK);
    station_forget(&station);
    CHECK_EQUAL(udp_send(&station.stack, &udp, PEER, 9, "hello", 5), NET_OK);
    frame = station_sent(&station);
    CHECK(frame->size == NET_FRAME_MIN);
    CHECK(packet_is(frame->bytes, 18, "020000000003 020000000002 0800 4500 0021"));
    CHECK(packet_is(frame->bytes + 20, 4, "0000 4011"));
    CHECK_EQUAL(packet_checksum(frame->bytes + 14, 20), 0);
    CHECK(packet_is(frame->bytes + 26, 34, "0a000002 0a000003 0fa0 0009 000d 9854 68656c6c6f"));
    CHECK_EQUAL(udp_send(&station.stack, &udp, IPV4_BROADCAST, 9, "hello", 5), NET_OK);
    frame = station_sent(&station);
    CHECK(packet_is(frame->bytes, 14, "ffffffffffff 020000000002 0800"));
    CHECK_EQUAL(udp_send(&station.stack, &udp, IPV4(10, 0, 0, 255), 9, "hello", 5), NET_OK);
    frame = station_sent(&station);
    CHECK(packet_is(frame->bytes, 14, "ffffffffffff 020000000002 0800"));
}

/* What is too long for a frame goes in fragments; they are what we would put together. */
static void test_send_fragments(void)
{
    static const size_t too_large[] = {IPV4_PAYLOAD_MAX - 19, SIZE_MAX - 19, SIZE_MAX};
    static uint8_t data[UDP_PAYLOAD_MAX + 1], got[IPV4_PAYLOAD_MAX];
    const struct station_frame *frame;
    uint64_t random = 5;

    prepare();
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)station_random(&random);
    packet_init(&packet);
    packet_arp(&packet, 1, &PEER_MAC, PEER, &OUR_MAC, OURS);
    station_receive(&station, packet.bytes, packet.size);
    CHECK_EQUAL(udp_send(&station.stack, &udp, PEER, 9, data, 1), NET_OK);
    CHECK_EQUAL(udp_send(&station.stack, &udp, PEER, 9, data, sizeof(data)), NET_TOO_LONG);
    for (size_t i = 0; i < sizeof(too_large) / sizeof(too_large[0]); i++) {
        const struct ipv4_output output = {PEER, 200, data, 20, data, too_large[i]};

        CHECK_EQUAL(ipv4_send(&station.stack, &output), NET_TOO_LONG);
    }
    for (size_t size = 1460; size < sizeof(data); size += size < 1490 ? 1 : 611) {
        size_t total = 0;
        bool more = true;

        station_forget(&station);
        CHECK_EQUAL(udp_send(&station.stack, &udp, PEER, 9, data, size), NET_OK);
        while (more && (frame = station_next(&station)) != NULL) {
            const uint8_t *header = frame->bytes + 14;
            size_t length = (size_t)(header[2] << 8 | header[3]) - 20;
            size_t flags = (size_t)(header[6] << 8 | header[7]);

            more = flags & MORE;
            CHECK_EQUAL((flags & 0x1fff) * 8, total);
            CHECK_EQUAL(packet_checksum(header, 20), 0);
            CHECK(!more || length == 1480);
            memcpy(got + total, header + 20, length);
            total += length;
        }
        CHECK(station_next(&station) == NULL);
        CHECK_EQUAL(total, size + 8);
        CHECK(memcmp(got + 8, data, size) == 0);
    }
}

static void test_routes(void)
{
    const struct net_configuration without_router = {OURS, IPV4(255, 255, 255, 0), 0, {0}};
    ipv4_t hop = 0;

    prepare();
    CHECK_EQUAL(route_next_hop(&station.stack, PEER, &hop), NET_OK);
    CHECK_EQUAL(hop, PEER);
    CHECK_EQUAL(route_next_hop(&station.stack, IPV4(10, 0, 1, 3), &hop), NET_OK);
    CHECK_EQUAL(hop, IPV4(10, 0, 0, 1));
    CHECK_EQUAL(route_next_hop(&station.stack, IPV4(224, 0, 0, 1), &hop), NET_INVALID);
    CHECK_EQUAL(route_next_hop(&station.stack, IPV4(127, 0, 0, 1), &hop), NET_INVALID);
    CHECK_EQUAL(route_next_hop(&station.stack, 0, &hop), NET_INVALID);
    CHECK_EQUAL(net_configure(&station.stack, &without_router), NET_OK);
    CHECK_EQUAL(route_next_hop(&station.stack, IPV4(10, 0, 1, 3), &hop), NET_NO_ROUTE);
    net_unconfigure(&station.stack);
    CHECK_EQUAL(route_next_hop(&station.stack, PEER, &hop), NET_NO_ADDRESS);
    CHECK_EQUAL(route_next_hop(&station.stack, IPV4_BROADCAST, &hop), NET_OK);
    CHECK_EQUAL(station.stack.origin, NET_UNCONFIGURED);
    CHECK_EQUAL(station.events[NET_EVENT_UNCONFIGURED], 1);
}

static void test_configurations(void)
{
    static const struct {
        ipv4_t address, mask, gateway;
    } wrong[] = {
        {0, 0xffffff00, 0},
        {OURS, 0, 0},
        {OURS, 0xffffffff, 0},
        {OURS, 0xff00ff00, 0},
        {IPV4(10, 0, 0, 0), 0xffffff00, 0},
        {IPV4(10, 0, 0, 255), 0xffffff00, 0},
        {IPV4(127, 0, 0, 1), 0xff000000, 0},
        {IPV4(224, 0, 0, 1), 0xffffff00, 0},
        {OURS, 0xffffff00, IPV4(10, 0, 1, 1)},
        {OURS, 0xffffff00, OURS},
        {OURS, 0xffffff00, IPV4(10, 0, 0, 255)},
        {OURS, 0xffffff00, IPV4(10, 0, 0, 0)},
    };

    prepare();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct net_configuration configuration = {
            wrong[i].address, wrong[i].mask, wrong[i].gateway, {0}};

        CHECK_EQUAL(net_configure(&station.stack, &configuration), NET_INVALID);
    }
    CHECK_EQUAL(station.stack.configuration.address, OURS);
    for (enum net_status status = NET_OK; status <= NET_NO_BUFFER; status++)
        CHECK(strlen(net_status_text(status)) > 0);
}

/* Packets to ourselves come back by the next tick, and never reach the wire. */
static void test_loopback(void)
{
    static uint8_t data[3000];

    prepare();
    CHECK_EQUAL(udp_send(&station.stack, &udp, OURS, PORT, data, sizeof(data)), NET_OK);
    CHECK_EQUAL(received_count, 0);
    station_tick(&station);
    CHECK_EQUAL(received_count, 1);
    CHECK_EQUAL(received_size, sizeof(data));
    CHECK(station_next(&station) == NULL);
    net_device_set_link(&station.device, false, 0);
    CHECK_EQUAL(udp_send(&station.stack, &udp, OURS, PORT, "x", 1), NET_OK);
    net_unconfigure(&station.stack); /* it was for an address that we have no more */
    station_tick(&station);
    CHECK_EQUAL(received_count, 1);
    CHECK_EQUAL(net_pool_free_count(&station.stack.pool), STATION_BUFFERS);
}

int main(void)
{
    test_fields();
    test_addresses();
    test_options();
    test_reassembly();
    test_bad_fragments();
    test_many_packets();
    test_send();
    test_send_fragments();
    test_routes();
    test_configurations();
    test_loopback();
    return unit_result();
}
