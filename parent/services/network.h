/* The parent's own place on the network: an IPv4 stack on each network card, configured by DHCP. */
#ifndef VENEER_PARENT_SERVICES_NETWORK_H
#define VENEER_PARENT_SERVICES_NETWORK_H

#include <stdint.h>

#include "parent/net/net.h"
#include "parent/net/ping.h"

struct network;

/* Starts a stack with DHCP on each network device that is known. Thread, once. */
void network_start(void);

/* The network on device @index, or NULL behind the last. */
struct network *network_get(unsigned index);
struct network *network_find(const char *device_name);

/* The stack of @network, for this caller alone until network_release(). Any context; short:
 * interrupts are off. */
struct net_stack *network_take(struct network *network, uint64_t *flags);
void network_release(struct network *network, uint64_t flags);

/* Sends one echo request of @size bytes (at most 1400) and waits for what becomes of it.
 * @round_trip_us for PING_REPLY. NET_OK: *@result is set; else the request could not be sent.
 * Thread. */
enum net_status network_ping(struct network *network, ipv4_t destination, uint16_t sequence,
                             uint32_t size, uint32_t timeout_us, enum ping_result *result,
                             uint64_t *round_trip_us);

#endif
