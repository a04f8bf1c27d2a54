#include "tests/net/packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = value >> 8;
    at[1] = value & 0xff;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

void packet_init(struct packet *packet)
{
    memset(packet, 0, sizeof(*packet));
    packet->to_mac = OUR_MAC;
    packet->from_mac = PEER_MAC;
    packet->type = 0x0800;
    packet->from = PEER;
    packet->to = OURS;
    packet->ttl = 64;
    packet->identification = 0x1234;
}

uint16_t packet_checksum(const uint8_t *data, size_t size)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? data[i] * 256u : data[i];
    return 0xffff - (sum % 0xffff == 0 && sum > 0 ? 0xffff : sum % 0xffff);
}

void packet_ethernet(struct packet *packet, const void *payload, size_t size)
{
    if (size > PACKET_SIZE_MAX - 14)
        abort();
    memcpy(packet->bytes, packet->to_mac.bytes, 6);
    memcpy(packet->bytes + 6, packet->from_mac.bytes, 6);
    put16(packet->bytes + 12, packet->type);
    if (size > 0)
        memmove(packet->bytes + 14, payload, size);
    packet->size = 14 + size;
}

void packet_fix_checksum(struct packet *packet)
{
    uint8_t *header = packet->bytes + 14;

    put16(header + 10, 0);
    put16(header + 10, packet_checksum(header, (header[0] & 0xf) * 4));
}

void packet_ipv4(struct packet *packet, const void *payload, size_t size)
{
    uint8_t bytes[PACKET_SIZE_MAX] = {0x45};

    put16(bytes + 2, (uint16_t)(20 + size));
    put16(bytes + 4, packet->identification);
    put16(bytes + 6, packet->fragment);
    bytes[8] = packet->ttl;
    bytes[9] = packet->protocol;
    put32(bytes + 12, packet->from);
    put32(bytes + 16, packet->to);
    if (size > 0)
        memcpy(bytes + 20, payload, size);
    packet_ethernet(packet, bytes, 20 + size);
    packet_fix_checksum(packet);
}

void packet_icmp(struct packet *packet, uint8_t type, uint8_t code, uint16_t first, uint16_t second,
                 const void *payload, size_t size)
{
    uint8_t bytes[PACKET_SIZE_MAX] = {type, code};

    put16(bytes + 4, first);
    put16(bytes + 6, second);
    if (size > 0)
        memcpy(bytes + 8, payload, size);
    put16(bytes + 2, packet_checksum(bytes, 8 + size));
    packet->protocol = 1;
    packet_ipv4(packet, bytes, 8 + size);
}

void packet_udp(struct packet *packet, uint16_t from_port, uint16_t to_port, const void *payload,
                size_t size)
{
    uint8_t bytes[12 + PACKET_SIZE_MAX]; /* pseudo header, header, data */
    uint16_t sum;

    memset(bytes, 0, sizeof(bytes));
    put32(bytes, packet->from);
    put32(bytes + 4, packet->to);
    bytes[9] = 17;
    put16(bytes + 10, (uint16_t)(8 + size));
    put16(bytes + 12, from_port);
    put16(bytes + 14, to_port);
    put16(bytes + 16, (uint16_t)(8 + size));
    if (size > 0)
        memcpy(bytes + 20, payload, size);
    sum = packet_checksum(bytes, 20 + size);
    put16(bytes + 18, sum == 0 ? 0xffff : sum);
    packet->protocol = 17;
    packet_ipv4(packet, bytes + 12, 8 + size);
}

void packet_arp(struct packet *packet, uint16_t operation, const struct mac_address *sender_mac,
                ipv4_t sender, const struct mac_address *target_mac, ipv4_t target)
{
    uint8_t bytes[46] = {0, 1, 8, 0, 6, 4}; /* padded to a whole frame */

    put16(bytes + 6, operation);
    memcpy(bytes + 8, sender_mac->bytes, 6);
    put32(bytes + 14, sender);
    memcpy(bytes + 18, target_mac->bytes, 6);
    put32(bytes + 24, target);
    packet->type = 0x0806;
    packet_ethernet(packet, bytes, sizeof(bytes));
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool packet_is(const uint8_t *bytes, size_t size, const char *hex)
{
    size_t at = 0;

    while (*hex != '\0') {
        if (*hex == ' ') {
            hex++;
            continue;
        }

        int expected = digit(hex[0]) * 16 + digit(hex[1]);

        if (at == size || bytes[at] != expected) {
            fprintf(stderr, "byte %zu of %zu is %02x, expected %02x\n", at, size,
                    at < size ? bytes[at] : 0u, (unsigned)expected);
            return false;
        }
        at++;
        hex += 2;
    }
    for (; at < size; at++) {
        if (bytes[at] != 0) {
            fprintf(stderr, "byte %zu of %zu is %02x, expected padding\n", at, size, bytes[at]);
            return false;
        }
    }
    return true;
}
