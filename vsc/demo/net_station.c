#include "vsc/demo/net_station.h"

#include "lib/big_endian.h"
#include "lib/string.h"

#define MAC_SIZE VSC_NETWORK_MAC_SIZE
#define ETHERNET_SIZE 14u
#define TYPE_IPV4 0x0800u
#define TYPE_ARP 0x0806u
#define FRAME_MIN 60u
#define FRAME_MAX 1514u

/* ARP for Ethernet and IPv4 (RFC 826): offsets into the frame. */
#define ARP_SIZE 42u
#define ARP_OPERATION 20u
#define ARP_SENDER_MAC 22u
#define ARP_SENDER 28u
#define ARP_TARGET 38u
#define ARP_REQUEST 1u
#define ARP_REPLY 2u

/* IPv4 without options (RFC 791), ICMP echo (RFC 792). */
#define IP 14u
#define IP_SIZE 20u
#define ICMP 34u
#define ICMP_SIZE 8u
#define PROTOCOL_ICMP 1u
#define ECHO_REPLY 0u
#define ECHO_REQUEST 8u
#define ECHO_DATA 56u
#define IDENTIFIER 0x7665u

static const uint8_t arp_head[] = {0, 1, 8, 0, 6, 4}; /* Ethernet, IPv4, and their lengths */

bool station_parse(const char *text, uint32_t *address)
{
    uint32_t result = 0, value = 0, digits = 0, parts = 0;

    for (;; text++) {
        if (*text >= '0' && *text <= '9' && digits < 3) {
            value = value * 10 + (uint32_t)(*text - '0');
            digits++;
            continue;
        }
        if (digits == 0 || value > 255)
            return false;
        result = result << 8 | value;
        value = digits = 0;
        parts++;
        if (*text == '\0')
            break;
        if (*text != '.')
            return false;
    }
    *address = result;
    return parts == 4;
}

/* The Internet checksum (RFC 1071) of @size bytes; 0 if they include a right one. */
static uint16_t checksum(const uint8_t *data, uint32_t size)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i + 1 < size; i += 2)
        sum += load_be16(data + i);
    if (size % 2 != 0)
        sum += (uint32_t)data[size - 1] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static bool transmit(struct station *station, const uint8_t *frame, uint32_t size)
{
    bool sent = vsc_network_send(station->network, frame, size < FRAME_MIN ? FRAME_MIN : size);

    vsc_network_submit(station->network);
    return sent;
}

static void make_ethernet(const struct station *station, uint8_t *frame, const uint8_t *to,
                          uint16_t type)
{
    memcpy(frame, to, MAC_SIZE);
    memcpy(frame + MAC_SIZE, station->network->mac, MAC_SIZE);
    store_be16(frame + 2 * MAC_SIZE, type);
}

/* @to: NULL asks everybody. */
static bool send_arp(struct station *station, uint16_t operation, const uint8_t *to,
                     uint32_t target)
{
    static const uint8_t broadcast[MAC_SIZE] = {255, 255, 255, 255, 255, 255};
    uint8_t frame[FRAME_MIN] = {0};

    make_ethernet(station, frame, to != NULL ? to : broadcast, TYPE_ARP);
    memcpy(frame + ETHERNET_SIZE, arp_head, sizeof(arp_head));
    store_be16(frame + ARP_OPERATION, operation);
    memcpy(frame + ARP_SENDER_MAC, station->network->mac, MAC_SIZE);
    store_be32(frame + ARP_SENDER, station->address);
    if (to != NULL)
        memcpy(frame + ARP_TARGET - MAC_SIZE, to, MAC_SIZE);
    store_be32(frame + ARP_TARGET, target);
    return transmit(station, frame, ARP_SIZE);
}

/* Sends the ICMP message of @size bytes that is in @frame behind the headers, which are made. */
static bool send_icmp(struct station *station, uint8_t *frame, const uint8_t *to, uint32_t address,
                      uint32_t size)
{
    uint8_t *ip = frame + IP;

    make_ethernet(station, frame, to, TYPE_IPV4);
    memset(ip, 0, IP_SIZE);
    ip[0] = 0x45; /* version 4, five words */
    store_be16(ip + 2, (uint16_t)(IP_SIZE + size));
    ip[8] = 64; /* time to live */
    ip[9] = PROTOCOL_ICMP;
    store_be32(ip + 12, station->address);
    store_be32(ip + 16, address);
    store_be16(ip + 10, checksum(ip, IP_SIZE));
    store_be16(frame + ICMP + 2, 0);
    store_be16(frame + ICMP + 2, checksum(frame + ICMP, size));
    return transmit(station, frame, ICMP + size);
}

bool station_send(struct station *station, uint16_t sequence)
{
    uint8_t frame[ICMP + ICMP_SIZE + ECHO_DATA] = {0};

    if (!station->peer_known)
        return send_arp(station, ARP_REQUEST, NULL, station->peer);
    frame[ICMP] = ECHO_REQUEST;
    store_be16(frame + ICMP + 4, IDENTIFIER);
    store_be16(frame + ICMP + 6, sequence);
    for (uint32_t i = 0; i < ECHO_DATA; i++)
        frame[ICMP + ICMP_SIZE + i] = (uint8_t)i;
    return send_icmp(station, frame, station->peer_mac, station->peer, ICMP_SIZE + ECHO_DATA);
}

static void receive_arp(struct station *station, const uint8_t *frame, uint32_t size)
{
    if (size < ARP_SIZE || memcmp(frame + ETHERNET_SIZE, arp_head, sizeof(arp_head)) != 0 ||
        load_be32(frame + ARP_TARGET) != station->address)
        return;
    uint32_t sender = load_be32(frame + ARP_SENDER);

    if (load_be16(frame + ARP_OPERATION) == ARP_REQUEST)
        send_arp(station, ARP_REPLY, frame + ARP_SENDER_MAC, sender);
    if (load_be16(frame + ARP_OPERATION) == ARP_REPLY && sender == station->peer) {
        memcpy(station->peer_mac, frame + ARP_SENDER_MAC, MAC_SIZE);
        station->peer_known = true;
    }
}

static void receive_icmp(struct station *station, const uint8_t *frame, uint32_t size)
{
    uint8_t answer[FRAME_MAX];
    uint8_t type = frame[ICMP];

    if (checksum(frame + ICMP, size) != 0)
        return;
    if (type == ECHO_REPLY && load_be16(frame + ICMP + 4) == IDENTIFIER &&
        load_be32(frame + IP + 12) == station->peer)
        station->answered = load_be16(frame + ICMP + 6);
    if (type != ECHO_REQUEST)
        return;
    memcpy(answer + ICMP, frame + ICMP, size);
    answer[ICMP] = ECHO_REPLY;
    send_icmp(station, answer, frame + MAC_SIZE, load_be32(frame + IP + 12), size);
}

void station_receive(void *context, const uint8_t *frame, uint32_t size)
{
    struct station *station = context;

    if (size < ETHERNET_SIZE || size > FRAME_MAX)
        return;
    if (load_be16(frame + 2 * MAC_SIZE) == TYPE_ARP)
        receive_arp(station, frame, size);
    if (load_be16(frame + 2 * MAC_SIZE) != TYPE_IPV4 || size < ICMP + ICMP_SIZE)
        return;
    const uint8_t *ip = frame + IP;
    uint32_t length = load_be16(ip + 2);

    /* Not fragments, nor packets with options. */
    if (ip[0] != 0x45 || length < IP_SIZE + ICMP_SIZE || length > size - IP ||
        checksum(ip, IP_SIZE) != 0 || (load_be16(ip + 6) & 0x3fff) != 0 || ip[9] != PROTOCOL_ICMP ||
        load_be32(ip + 16) != station->address)
        return;
    receive_icmp(station, frame, length - IP_SIZE);
}
