#include "parent/net/icmp.h"

#include "parent/net/ping.h"

#include "tests/net/packet.h"
#include "tests/net/station.h"
#include "tests/unit/unit.h"

static struct station station;
static struct packet packet;

/* Of the last ping that ended. */
static unsigned done_count;
static enum ping_result result;
static uint64_t round_trip_us;
static uint8_t ttl;

static void note(struct ping *ping, enum ping_result its_result, uint64_t its_round_trip_us,
                 uint8_t its_ttl)
{
    (void)ping;
    done_count++;
    result = its_result;
    round_trip_us = its_round_trip_us;
    ttl = its_ttl;
}

/* A configured station that knows its peer. */
static void prepare(void)
{
    station_init(&station, 2);
    station_configure(&station, 2);
    packet_init(&packet);
    packet_arp(&packet, 1, &PEER_MAC, PEER, &OUR_MAC, OURS);
    station_receive(&station, packet.bytes, packet.size);
    CHECK_EQUAL(icmp_send_echo(&station.stack, PEER, &(struct icmp_echo){0}, NULL, 0), NET_OK);
    packet_arp(&packet, 2, &PEER_MAC, PEER, &OUR_MAC, OURS);
    station_receive(&station, packet.bytes, packet.size);
    station_forget(&station);
    done_count = 0;
    packet_init(&packet);
}

static void receive(void)
{
    station_receive(&station, packet.bytes, packet.size);
}

static void test_answer(void)
{
    const struct station_frame *frame;

    prepare();
    packet_icmp(&packet, 8, 0, 0x1234, 0x0007, "abcdefgh", 8);
    receive();
    frame = station_sent(&station);
    CHECK(frame->size == NET_FRAME_MIN);
    CHECK(packet_is(frame->bytes, 18, "020000000003 020000000002 0800 4500 0024"));
    CHECK(packet_is(frame->bytes + 20, 4, "0000 4001"));
    CHECK(
        packet_is(frame->bytes + 26, 34, "0a000002 0a000003 0000 5c2f 1234 0007 6162636465666768"));
    CHECK_EQUAL(packet_checksum(frame->bytes + 14, 20), 0);
    CHECK(station_next(&station) == NULL);
}

/* What is not answered: reflection and amplification begin with answers. */
static void test_no_answer(void)
{
    prepare();
    packet.to = IPV4_BROADCAST;
    packet_icmp(&packet, 8, 0, 1, 1, "x", 1);
    receive();
    packet.to = IPV4(10, 0, 0, 255);
    packet.to_mac = mac_broadcast;
    packet_icmp(&packet, 8, 0, 1, 1, "x", 1);
    receive();
    CHECK_EQUAL(station.stack.counters.icmp_ignored, 2);

    packet_init(&packet);
    packet_icmp(&packet, 8, 0, 1, 1, "x", 1);
    packet.bytes[14 + 20 + 8] ^= 4;
    receive();
    CHECK_EQUAL(station.stack.counters.icmp_checksum, 1);
    packet.protocol = 1;
    packet_ipv4(&packet, "\x08\x00\xf7\xff\x00\x00\x00", 7);
    receive();
    CHECK_EQUAL(station.stack.counters.icmp_malformed, 1);
    for (unsigned type = 0; type < 256; type++) {
        packet_icmp(&packet, (uint8_t)type, 0, 1, 1, "12345678", 8);
        if (type != 8)
            receive();
    }
    CHECK(station_next(&station) == NULL);
}

static void test_limit(void)
{
    unsigned answers = 0;

    prepare();
    packet_icmp(&packet, 8, 0, 1, 1, "x", 1);
    for (unsigned i = 0; i < 3000; i++) {
        receive();
        answers += station_next(&station) != NULL;
    }
    CHECK_EQUAL(answers, ICMP_ECHO_BURST);
    CHECK_EQUAL(station.stack.counters.icmp_limited, 3000 - ICMP_ECHO_BURST);
    for (unsigned i = 0; i < 3000; i++) {
        station.now_us += ICMP_ECHO_INTERVAL_US;
        receive();
        answers += station_next(&station) != NULL;
    }
    CHECK_EQUAL(answers, ICMP_ECHO_BURST + 3000);
}

/* Errors quote what they are about, but not about broadcasts, fragments, and not too often. */
static void test_unreachable(void)
{
    const struct station_frame *frame;
    unsigned errors = 0;

    prepare();
    packet_udp(&packet, 5, 6, "0123456789", 10);
    receive();
    frame = station_sent(&station);
    CHECK(frame->size == 14 + 20 + 8 + 20 + 8);
    CHECK(packet_is(frame->bytes + 23, 1, "01"));
    CHECK(packet_is(frame->bytes + 26, 10, "0a000002 0a000003 0303"));
    CHECK_EQUAL(packet_checksum(frame->bytes + 34, 8 + 28), 0);
    CHECK(packet_is(frame->bytes + 38, 4, ""));
    CHECK(memcmp(frame->bytes + 42, packet.bytes + 14, 28) == 0);

    packet.protocol = 6; /* TCP */
    packet_ipv4(&packet, "0123", 4);
    receive();
    frame = station_sent(&station);
    CHECK(frame->bytes[34] == 3 && frame->bytes[35] == 2);

    packet.to = IPV4_BROADCAST;
    packet_udp(&packet, 5, 6, "0123456789", 10);
    receive();
    packet.to = OURS;
    packet.fragment = 0x2000;
    packet.protocol = 17;
    packet_ipv4(&packet, "\x00\x05\x00\x06\x00\x10\x00\x00", 8);
    receive();
    packet.fragment = 1;
    packet_ipv4(&packet, "12345678", 8);
    receive();
    CHECK_EQUAL(station.stack.counters.reassembled, 1);
    CHECK_EQUAL(station.stack.counters.udp_no_port, 3);
    CHECK(station_next(&station) == NULL);

    packet.fragment = 0;
    packet_udp(&packet, 5, 6, "0123456789", 10);
    for (unsigned i = 0; i < 100; i++) {
        receive();
        errors += station_next(&station) != NULL;
    }
    CHECK(errors <= ICMP_ERROR_BURST);
    CHECK(errors > 0);
}

/* A reply to the last request. */
static void make_reply(const struct ping *ping)
{
    packet_init(&packet);
    packet.ttl = 61;
    packet_icmp(&packet, 0, 0, ping->identifier, ping->sequence, ping->payload, ping->size);
}

static struct ping new_ping(void)
{
    return (struct ping){
        .destination = PEER,
        .identifier = 0xabcd,
        .sequence = 1,
        .payload = "0123456789abcdef",
        .size = 16,
        .timeout_us = NET_SECOND,
        .done = note,
    };
}

static void test_ping(void)
{
    const struct station_frame *frame;
    struct ping ping = new_ping();

    prepare();
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_OK);
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_IN_USE);
    station_tick(&station);
    frame = station_sent(&station);
    CHECK(packet_is(frame->bytes + 26, 34,
                    "0a000002 0a000003 0800 1cfa abcd 0001 3031323334353637 3839616263646566"));
    make_reply(&ping);
    station_wait(&station, 1234);
    receive();
    CHECK_EQUAL(done_count, 1);
    CHECK_EQUAL(result, PING_REPLY);
    CHECK_EQUAL(round_trip_us, 1234);
    CHECK_EQUAL(ttl, 61);
    receive(); /* once more: nobody waits for it */
    CHECK_EQUAL(done_count, 1);
    CHECK_EQUAL(station.stack.counters.icmp_ignored, 1);

    ping.payload = NULL;
    ping.size = 0;
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_OK);
    make_reply(&ping);
    receive();
    CHECK_EQUAL(done_count, 2);
}

/* Replies that are none: other numbers, other host, other payload. */
static void test_false_replies(void)
{
    struct ping ping = new_ping(), wrong;

    prepare();
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_OK);
    wrong = ping;
    wrong.identifier++;
    make_reply(&wrong);
    receive();
    wrong = ping;
    wrong.sequence++;
    make_reply(&wrong);
    receive();
    wrong = ping;
    wrong.payload = "0123456789abcdeX";
    make_reply(&wrong);
    receive();
    wrong = ping;
    wrong.size--;
    make_reply(&wrong);
    receive();
    make_reply(&ping);
    packet.from = IPV4(10, 0, 0, 4);
    packet_icmp(&packet, 0, 0, ping.identifier, ping.sequence, ping.payload, ping.size);
    receive();
    CHECK_EQUAL(done_count, 0);
    CHECK_EQUAL(station.stack.counters.icmp_ignored, 5);
    station_wait(&station, NET_SECOND - 1);
    CHECK_EQUAL(done_count, 0);
    station_wait(&station, 1);
    CHECK_EQUAL(done_count, 1);
    CHECK_EQUAL(result, PING_TIMEOUT);
}

/* Quotes the frame that the station sent last in an error message. */
static void make_error(uint8_t type, const struct station_frame *frame, size_t size)
{
    packet_init(&packet);
    packet.from = IPV4(10, 0, 0, 1);
    packet_icmp(&packet, type, 1, 0, 0, frame->bytes + 14, size);
}

static void test_errors(void)
{
    struct ping ping = new_ping();
    const struct station_frame *frame;

    prepare();
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_OK);
    frame = station_sent(&station);
    for (size_t size = 0; size < 28; size++) {
        make_error(3, frame, size); /* cut short */
        receive();
    }
    CHECK_EQUAL(station.stack.counters.icmp_malformed, 28);
    for (size_t offset = 9; offset < 28; offset++) {
        if ((offset >= 9 && offset < 12) || offset == 21 || offset == 22 || offset == 23)
            continue; /* protocol is looked at below, checksums and code are not */
        make_error(3, frame, 28);
        packet.bytes[14 + 20 + 8 + offset] ^= 1; /* about another packet */
        packet.bytes[14 + 20 + 2] = packet.bytes[14 + 20 + 3] = 0;

        uint16_t sum = packet_checksum(packet.bytes + 34, packet.size - 34);

        packet.bytes[14 + 20 + 2] = (uint8_t)(sum >> 8);
        packet.bytes[14 + 20 + 3] = (uint8_t)sum;
        receive();
    }
    CHECK_EQUAL(done_count, 0);
    CHECK_EQUAL(station.stack.counters.icmp_ignored, 13);
    make_error(3, frame, 28);
    receive();
    CHECK_EQUAL(done_count, 1);
    CHECK_EQUAL(result, PING_UNREACHABLE);

    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_OK);
    make_error(11, station_sent(&station), 28);
    receive();
    CHECK_EQUAL(done_count, 2);
    CHECK_EQUAL(result, PING_TIME_EXCEEDED);
    for (result = PING_REPLY; result <= PING_TIME_EXCEEDED; result++)
        CHECK(strlen(ping_result_text(result)) > 0);
}

static void test_failures(void)
{
    struct ping ping = new_ping();

    prepare();
    ping.destination = IPV4(10, 0, 0, 99);
    ping.timeout_us = 60 * NET_SECOND;
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_OK);
    station_wait(&station, 4 * NET_SECOND);
    CHECK_EQUAL(done_count, 1);
    CHECK_EQUAL(result, PING_NO_ANSWER_TO_ARP);

    ping.destination = IPV4_BROADCAST;
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_INVALID);
    ping.destination = IPV4(10, 0, 0, 255);
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_INVALID);
    ping.destination = PEER;
    ping.size = IPV4_PAYLOAD_MAX - ICMP_HEADER_SIZE + 1;
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_TOO_LONG);
    ping.size = SIZE_MAX;
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_TOO_LONG);
    ping.size = 0;
    ping.timeout_us = 0;
    CHECK_EQUAL(ping_send(&station.stack, &ping), NET_INVALID);
    CHECK_EQUAL(done_count, 1);
}

static unsigned repetitions;

static void repeat(struct ping *ping, enum ping_result its_result, uint64_t its_round_trip_us,
                   uint8_t its_ttl)
{
    note(ping, its_result, its_round_trip_us, its_ttl);
    ping->sequence++;
    if (repetitions > 0) {
        repetitions--;
        CHECK_EQUAL(ping_send(&station.stack, ping), NET_OK);
    }
}

/* Pings that send themselves again, to a host that does not answer and to ourselves. */
static void test_repeat(void)
{
    struct ping pings[3];

    prepare();
    repetitions = 30;
    for (unsigned i = 0; i < 3; i++) {
        pings[i] = new_ping();
        pings[i].identifier = (uint16_t)i;
        pings[i].done = repeat;
        pings[i].destination = i == 2 ? OURS : PEER;
        CHECK_EQUAL(ping_send(&station.stack, &pings[i]), NET_OK);
    }
    ping_cancel(&station.stack, &pings[1]);
    ping_cancel(&station.stack, &pings[1]);
    station_wait(&station, 40 * NET_SECOND);
    CHECK_EQUAL(done_count, 32);
    CHECK(station.stack.pings == NULL);
}

int main(void)
{
    test_answer();
    test_no_answer();
    test_limit();
    test_unreachable();
    test_ping();
    test_false_replies();
    test_errors();
    test_failures();
    test_repeat();
    return unit_result();
}
