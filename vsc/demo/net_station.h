/* A station on the demo child's network: answers ARP and echo requests, and sends them. All
 * addresses are on one network; IPv4 addresses are in host byte order. */
#ifndef VENEER_VSC_DEMO_NET_STATION_H
#define VENEER_VSC_DEMO_NET_STATION_H

#include <stdbool.h>
#include <stdint.h>

#include "vsc/netvsc.h"

struct station {
    struct vsc_network *network; /* open */
    uint32_t address;
    uint32_t peer; /* that is asked for, or pinged; 0: none */
    bool peer_known;
    uint8_t peer_mac[VSC_NETWORK_MAC_SIZE];
    uint16_t answered; /* sequence of the last echo reply */
};

/* Reads four decimal numbers with dots between. False: @text is something else. */
bool station_parse(const char *text, uint32_t *address);

/* Handles a frame; a user of struct vsc_network.received, whose context is the station. */
void station_receive(void *station, const uint8_t *frame, uint32_t size);

/* Asks for the peer's address by ARP if that is not known yet, or sends it an echo request. False:
 * there is no room. */
bool station_send(struct station *station, uint16_t sequence);

#endif
