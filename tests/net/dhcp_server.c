#include "tests/net/dhcp_server.h"

#include <string.h>

#define UDP_OFFSET (14 + 20)
#define MESSAGE_OFFSET (UDP_OFFSET + 8)
#define OPTIONS_OFFSET 240

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static bool read_options(const uint8_t *at, const uint8_t *end, struct dhcp_seen *seen)
{
    for (; at < end && *at != 255; at += 2 + at[1]) {
        if (at + 2 > end || at + 2 + at[1] > end)
            return false;
        seen->option_count++;
        switch (at[0]) {
        case 12:
            memcpy(seen->host_name, at + 2, at[1]);
            break;
        case 50:
            seen->requested = get32(at + 2);
            break;
        case 53:
            seen->type = at[2];
            break;
        case 54:
            seen->server = get32(at + 2);
            break;
        }
    }
    return at < end;
}

bool dhcp_read(const struct station_frame *frame, struct dhcp_seen *seen)
{
    const uint8_t *udp, *message;

    if (frame == NULL || frame->size < MESSAGE_OFFSET + 300)
        return false;
    udp = frame->bytes + UDP_OFFSET;
    message = frame->bytes + MESSAGE_OFFSET;
    if (memcmp(udp, "\x00\x44\x00\x43", 4) != 0 || memcmp(message, "\x01\x01\x06\x00", 4) != 0 ||
        memcmp(message + 28, OUR_MAC.bytes, 6) != 0 ||
        memcmp(message + 236, "\x63\x82\x53\x63", 4) != 0 ||
        packet_checksum(frame->bytes + 14, 20) != 0)
        return false;
    *seen = (struct dhcp_seen){
        .from = get32(frame->bytes + 26),
        .to = get32(frame->bytes + 30),
        .transaction = get32(message + 4),
        .seconds = (uint16_t)(message[8] << 8 | message[9]),
        .broadcast = message[10] & 0x80,
        .client = get32(message + 12),
    };
    return read_options(message + OPTIONS_OFFSET, frame->bytes + frame->size, seen);
}

struct dhcp_answer dhcp_usual(uint8_t type, uint32_t transaction)
{
    return (struct dhcp_answer){
        .type = type,
        .transaction = transaction,
        .address = LEASED,
        .server = SERVER,
        .mask = IPV4(255, 255, 255, 0),
        .router = SERVER,
        .dns = IPV4(10, 0, 0, 8),
        .lease_s = 3600,
    };
}

static uint8_t *put_option(uint8_t *at, uint8_t option, uint32_t value)
{
    if (value == 0)
        return at;
    at[0] = option;
    at[1] = 4;
    put32(at + 2, value);
    return at + 6;
}

uint8_t *dhcp_write(struct packet *packet, const struct dhcp_answer *answer)
{
    uint8_t message[400] = {2, 1, 6};
    uint8_t *at = message + OPTIONS_OFFSET;

    put32(message + 4, answer->transaction);
    put32(message + 16, answer->address);
    memcpy(message + 28, OUR_MAC.bytes, 6);
    memcpy(message + 236, "\x63\x82\x53\x63", 4);
    *at++ = 53;
    *at++ = 1;
    *at++ = answer->type;
    at = put_option(at, 1, answer->mask);
    at = put_option(at, 3, answer->router);
    at = put_option(at, 6, answer->dns);
    at = put_option(at, 51, answer->lease_s);
    at = put_option(at, 54, answer->server);
    at = put_option(at, 58, answer->renewal_s);
    at = put_option(at, 59, answer->rebinding_s);
    *at++ = 255;
    packet_init(packet);
    packet->from_mac = SERVER_MAC;
    packet->to_mac = mac_broadcast;
    packet->from = SERVER;
    packet->to = IPV4_BROADCAST;
    packet_udp(packet, 67, 68, message, (size_t)(at - message));
    return packet->bytes + MESSAGE_OFFSET;
}
