/* A DHCP client and the means to be its server, for the unit tests of the client. */
#ifndef VENEER_TESTS_NET_DHCP_DIALOGUE_H
#define VENEER_TESTS_NET_DHCP_DIALOGUE_H

#include "parent/net/dhcp.h"

#include "tests/net/dhcp_server.h"
#include "tests/unit/unit.h"

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };

static struct station station;
static struct packet packet;
static struct dhcp_seen seen; /* the client's last message */

/* The client's next message, leaving out what is not DHCP. */
static inline bool next_is(uint8_t type)
{
    const struct station_frame *frame;

    while ((frame = station_next(&station)) != NULL) {
        if (dhcp_read(frame, &seen))
            return seen.type == type;
    }
    return false;
}

/* Lets time pass until the client sends a message; false if it is not of this type. */
static inline bool next_comes(uint8_t type)
{
    while (station.frame_count == 0) {
        if (station.deadline_us == NET_NEVER)
            return false;
        station_wait(&station, station.deadline_us - station.now_us);
    }
    return next_is(type);
}

/* No more messages. */
static inline bool silent(void)
{
    return !next_is(0);
}

/* The server's usual answer. */
static inline void answer(uint8_t type)
{
    struct dhcp_answer usual = dhcp_usual(type, seen.transaction);

    dhcp_write(&packet, &usual);
    station_receive(&station, packet.bytes, packet.size);
}

/* A client that has just begun to ask. */
static inline void start(void)
{
    station_init(&station, 2);
    CHECK_EQUAL(dhcp_start(&station.stack, "veneer"), NET_OK);
    station_tick(&station);
    CHECK(next_is(DISCOVER));
}

static inline bool in_state(enum dhcp_state state)
{
    return station.stack.dhcp.state == state;
}

/* To a lease with the times of @times. */
static inline void obtain(const struct dhcp_answer *times)
{
    struct dhcp_answer ack;

    start();
    answer(OFFER);
    CHECK(next_is(REQUEST));
    ack = dhcp_usual(ACK, seen.transaction);
    ack.lease_s = times->lease_s;
    ack.renewal_s = times->renewal_s;
    ack.rebinding_s = times->rebinding_s;
    dhcp_write(&packet, &ack);
    station_receive(&station, packet.bytes, packet.size);
    station_wait(&station, NET_SECOND);
    CHECK(in_state(DHCP_STATE_BOUND));
    station_wait(&station, 2 * NET_SECOND);
    station_forget(&station);
}

/* Makes the server known, whenever it is asked for. */
static inline void answer_arp(void)
{
    packet_init(&packet);
    packet.from_mac = SERVER_MAC;
    packet_arp(&packet, 2, &SERVER_MAC, SERVER, &OUR_MAC, LEASED);
    station_receive(&station, packet.bytes, packet.size);
}

/* An ARP packet of the peer. */
static inline void receive_arp(uint16_t operation, ipv4_t sender, ipv4_t target)
{
    packet_init(&packet);
    packet_arp(&packet, operation, &PEER_MAC, sender, &OUR_MAC, target);
    station_receive(&station, packet.bytes, packet.size);
}

#endif
