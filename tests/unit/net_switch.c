#include "parent/net/switch.h"

#include "tests/unit/unit.h"

#define PORTS 4 /* 0 and 1: children; 2 and 3 learn */
#define ALL (SWITCH_ACCEPT_DIRECTED | SWITCH_ACCEPT_BROADCAST)

static struct net_switch net;
static struct switch_port ports[PORTS];
static unsigned got[PORTS];
static unsigned link_changes[PORTS];
static bool full;
static uint8_t received[16384]; /* the last frame */
static uint8_t *sent_header;    /* changed while the frame is delivered */

static bool receive(struct switch_port *port, const struct net_frame *frame)
{
    uint32_t size = 0;

    if (sent_header != NULL)
        sent_header[MAC_SIZE + 5] ^= 0xff;
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        CHECK(frame->segments[i].size > 0);
        memcpy(received + size, frame->segments[i].data, frame->segments[i].size);
        size += frame->segments[i].size;
    }
    CHECK_EQUAL(size, frame->size);
    if (full)
        return false;
    got[port - ports]++;
    return true;
}

static void link_changed(struct switch_port *port)
{
    link_changes[port - ports]++;
}

static struct mac_address station(uint16_t number)
{
    return (struct mac_address){{2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}};
}

static void prepare(void)
{
    switch_init(&net);
    memset(got, 0, sizeof(got));
    memset(link_changes, 0, sizeof(link_changes));
    full = false;
    sent_header = NULL;
    for (unsigned i = 0; i < PORTS; i++) {
        ports[i] = (struct switch_port){.mac = station((uint16_t)i),
                                        .learns = i >= 2,
                                        .mtu = i == 1 ? 9000 : 1500,
                                        .accept = ALL,
                                        .receive = receive,
                                        .link_changed = i == 3 ? NULL : link_changed};
        CHECK(switch_connect(&net, &ports[i]));
    }
}

/* The ports, as bits, that got a frame of @size bytes. Its header lies in two segments. */
static unsigned send(unsigned from, struct mac_address source, struct mac_address destination,
                     uint32_t size, uint64_t now_us)
{
    static uint8_t bytes[16384];
    struct net_segment segments[2] = {{.data = bytes, .size = size < 9 ? size : 9},
                                      {.data = bytes + 9, .size = size < 9 ? 0 : size - 9}};
    struct net_frame frame = {.segments = segments, .segment_count = 2, .size = size};
    unsigned result = 0, taken = 0, sum = 0;

    memset(got, 0, sizeof(got));
    memcpy(bytes, destination.bytes, MAC_SIZE);
    memcpy(bytes + MAC_SIZE, source.bytes, MAC_SIZE);
    taken = switch_send(&net, &ports[from], &frame, now_us);
    for (unsigned i = 0; i < PORTS; i++) {
        CHECK(got[i] <= 1);
        sum += got[i];
        result |= got[i] << i;
    }
    CHECK_EQUAL(taken, sum);
    return result;
}

static void test_forwarding(void)
{
    struct mac_address broadcast = {{255, 255, 255, 255, 255, 255}};
    struct mac_address multicast = {{1, 0, 0x5e, 0, 0, 1}};

    prepare();
    CHECK_EQUAL(send(0, station(0), station(1), 60, 0), 2);
    CHECK_EQUAL(send(0, station(0), broadcast, 60, 0), 14);
    CHECK_EQUAL(send(0, station(0), multicast, 60, 0), 12);
    ports[1].accept |= SWITCH_ACCEPT_MULTICAST;
    CHECK_EQUAL(send(0, station(0), multicast, 60, 0), 14);
    CHECK_EQUAL(send(0, station(0), station(99), 60, 0), 12);
    ports[1].accept = SWITCH_ACCEPT_PROMISCUOUS;
    CHECK_EQUAL(send(0, station(0), station(99), 60, 0), 14);
    CHECK_EQUAL(send(0, station(0), station(0), 60, 0), 2);
}

static void test_learning(void)
{
    prepare();
    CHECK_EQUAL(send(2, station(50), station(0), 60, 1000), 1);
    CHECK_EQUAL(send(0, station(0), station(50), 60, 2000), 4);
    CHECK_EQUAL(send(0, station(0), station(50), 60, 999 + SWITCH_AGE_US), 4);
    CHECK_EQUAL(send(0, station(0), station(50), 60, 1000 + SWITCH_AGE_US), 12);
    send(3, station(50), station(0), 60, 3000); /* it has moved */
    CHECK_EQUAL(send(0, station(0), station(50), 60, 4000), 8);
    switch_set_link(&net, &ports[3], false);
    CHECK_EQUAL(send(0, station(0), station(50), 60, 4000), 4);
    CHECK_EQUAL(send(3, station(50), station(0), 60, 4000), 0);
}

/* More stations than entries: the latest is known, and nothing else is harmed. */
static void test_table_full(void)
{
    prepare();
    for (uint16_t i = 100; i < 5000; i++) {
        send(2, station(i), station(0), 60, i);
        CHECK_EQUAL(send(0, station(0), station(i), 60, i), 4);
    }
    CHECK_EQUAL(send(0, station(0), station(1), 60, 5000), 2);
    switch_disconnect(&net, &ports[2]);
    CHECK_EQUAL(send(0, station(0), station(4999), 60, 5000), 8);
}

static void test_spoofing(void)
{
    prepare();
    CHECK_EQUAL(send(0, station(1), station(50), 60, 0), 0);
    CHECK_EQUAL(send(0, station(77), station(1), 60, 0), 0);
    CHECK_EQUAL(ports[0].statistics.spoofed, 2);
    CHECK_EQUAL(send(2, station(1), station(0), 60, 0), 0);
    CHECK_EQUAL(send(2, (struct mac_address){{1, 2, 3, 4, 5, 6}}, station(0), 60, 0), 0);
    CHECK_EQUAL(ports[2].statistics.spoofed, 2);
    CHECK_EQUAL(send(0, station(0), station(1), 60, 0), 2);
}

/* Neither a child nor the network may make the other pause its card. */
static void test_link_local(void)
{
    struct mac_address mac = {{0x01, 0x80, 0xc2, 0, 0, 0}};

    prepare();
    ports[1].accept = SWITCH_ACCEPT_PROMISCUOUS;
    for (unsigned i = 0; i < 16; i++) {
        mac.bytes[5] = (uint8_t)i;
        CHECK_EQUAL(send(0, station(0), mac, 60, 0), 0);
        CHECK_EQUAL(send(2, station(50), mac, 60, 0), 0);
    }
    CHECK_EQUAL(ports[0].statistics.received.dropped, 16);
    CHECK_EQUAL(ports[0].statistics.received.packets, 0);
    mac.bytes[5] = 16;
    CHECK_EQUAL(send(0, station(0), mac, 60, 0), 14);
    mac = (struct mac_address){{0x01, 0x80, 0xc2, 0, 1, 0}};
    CHECK_EQUAL(send(0, station(0), mac, 60, 0), 14);
}

static void test_sizes(void)
{
    prepare();
    CHECK_EQUAL(send(0, station(0), station(1), 13, 0), 0);
    CHECK_EQUAL(send(0, station(0), station(1), 1515, 0), 0);
    CHECK_EQUAL(ports[0].statistics.received.errors, 2);
    CHECK_EQUAL(send(0, station(0), station(1), 1514, 0), 2);
    CHECK_EQUAL(send(1, station(1), station(0), 9014, 0), 0);
    CHECK_EQUAL(ports[0].statistics.sent.errors, 1);
    full = true;
    CHECK_EQUAL(send(1, station(1), station(0), 60, 0), 0);
    CHECK_EQUAL(ports[0].statistics.sent.dropped, 1);
    CHECK_EQUAL(ports[0].statistics.sent.packets, 0);
}

static void test_connecting(void)
{
    static struct switch_port many[SWITCH_PORTS_MAX];
    struct switch_port port = {.mac = station(0), .mtu = 1500, .receive = receive};

    prepare();
    CHECK(!switch_connect(&net, &port));
    port.mac = (struct mac_address){{1, 0, 0, 0, 0, 9}};
    CHECK(!switch_connect(&net, &port));
    port.mac = station(9);
    port.mtu = SWITCH_MTU_MAX + 1;
    CHECK(!switch_connect(&net, &port));
    send(2, station(9), station(0), 60, 0);
    port.mtu = SWITCH_MTU_MAX;
    for (unsigned i = PORTS; i < SWITCH_PORTS_MAX; i++) {
        many[i] = port;
        many[i].mac = station((uint16_t)(1000 + i));
        CHECK(switch_connect(&net, &many[i]));
    }
    CHECK(!switch_connect(&net, &port));
    switch_disconnect(&net, &ports[1]);
    CHECK_EQUAL(send(1, station(1), station(0), 60, 0), 0);
    ports[1].mac = station(9); /* learned at port 2, and now configured here */
    CHECK(switch_connect(&net, &ports[1]));
    CHECK_EQUAL(send(0, station(0), station(9), 60, 0), 2);
}

/* A header in many pieces, and what the segments must be. */
static void test_segments(void)
{
    static uint8_t bytes[64 + NET_SEGMENTS_MAX];
    struct net_segment segments[NET_SEGMENTS_MAX + 1];
    struct net_frame frame = {.segments = segments};
    struct mac_address to = station(1), from = station(0);

    prepare();
    memcpy(bytes, to.bytes, MAC_SIZE);
    memcpy(bytes + MAC_SIZE, from.bytes, MAC_SIZE);
    for (unsigned i = 14; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (unsigned i = 0; i <= NET_SEGMENTS_MAX; i++)
        segments[i] = (struct net_segment){.data = bytes + i, .size = 1};
    frame.segment_count = NET_SEGMENTS_MAX;
    frame.size = 64;
    segments[NET_SEGMENTS_MAX - 1].size = 64 - (NET_SEGMENTS_MAX - 1);
    CHECK_EQUAL(switch_send(&net, &ports[0], &frame, 0), 1);
    CHECK(memcmp(received, bytes, 64) == 0);
    frame.size = 65;
    CHECK_EQUAL(switch_send(&net, &ports[0], &frame, 0), 0);
    frame.size = 64;
    frame.segment_count = NET_SEGMENTS_MAX - 1;
    CHECK_EQUAL(switch_send(&net, &ports[0], &frame, 0), 0);
    frame.segment_count = NET_SEGMENTS_MAX + 1;
    frame.size = 65;
    CHECK_EQUAL(switch_send(&net, &ports[0], &frame, 0), 0);
    CHECK_EQUAL(ports[0].statistics.received.errors, 3);
    segments[0] = (struct net_segment){.data = bytes, .size = 64}; /* all in one piece */
    frame.segment_count = 1;
    frame.size = 64;
    CHECK_EQUAL(switch_send(&net, &ports[0], &frame, 0), 1);
    CHECK(memcmp(received, bytes, 64) == 0);
}

/* A guest that changes the source while the frame is on its way: nobody gets another than the one
 * that was checked. */
static void test_changing_header(void)
{
    static uint8_t bytes[60];
    struct net_segment segment = {.data = bytes, .size = sizeof(bytes)};
    struct net_frame frame = {.segments = &segment, .segment_count = 1, .size = sizeof(bytes)};
    struct mac_address from = station(0);

    prepare();
    memset(bytes, 0xff, MAC_SIZE);
    memcpy(bytes + MAC_SIZE, from.bytes, MAC_SIZE);
    sent_header = bytes;
    CHECK_EQUAL(switch_send(&net, &ports[0], &frame, 0), 3);
    CHECK(memcmp(received + MAC_SIZE, from.bytes, MAC_SIZE) == 0);
}

static void test_links(void)
{
    struct switch_port late = {.mac = station(9), .mtu = 1500, .accept = ALL, .receive = receive};

    prepare();
    switch_set_link(&net, &ports[0], true);
    CHECK_EQUAL(link_changes[0], 0);
    switch_set_link(&net, &ports[0], false);
    CHECK_EQUAL(link_changes[0], 1);
    CHECK_EQUAL(send(1, station(1), station(0), 60, 0), 0);
    CHECK_EQUAL(send(0, station(0), station(1), 60, 0), 0);
    switch_set_media(&net, false);
    CHECK_EQUAL(link_changes[0], 1);
    CHECK_EQUAL(link_changes[1], 1);
    CHECK(!ports[1].link_up && !ports[3].link_up);
    CHECK(switch_connect(&net, &late));
    CHECK(!late.link_up);
    switch_set_link(&net, &ports[0], true); /* plugged in, but the medium is still down */
    CHECK(!ports[0].link_up);
    CHECK_EQUAL(send(1, station(1), station(0), 60, 0), 0);
    switch_set_media(&net, true);
    CHECK(ports[0].link_up && ports[1].link_up && ports[3].link_up && late.link_up);
    CHECK_EQUAL(link_changes[0], 2);
    CHECK_EQUAL(send(1, station(1), station(0), 60, 0), 1);
    send(2, station(50), station(0), 60, 0);
    switch_set_media(&net, false);
    switch_set_media(&net, true);
    CHECK_EQUAL(send(0, station(0), station(50), 60, 0), 12); /* it was forgotten */
}

int main(void)
{
    test_segments();
    test_changing_header();
    test_links();
    test_forwarding();
    test_learning();
    test_table_full();
    test_spoofing();
    test_link_local();
    test_sizes();
    test_connecting();
    return unit_result();
}
