/* The parent's own place on the network: an IPv4 stack on each network card and each port that the
 * parent has on a virtual switch, configured by DHCP.
 *
 * The list of networks changes with that of the devices: only the thread that may walk along those
 * (net_device.h) adds, removes, moves and finds networks. */
#ifndef VENEER_PARENT_SERVICES_NETWORK_H
#define VENEER_PARENT_SERVICES_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/net/net.h"
#include "parent/net/ping.h"

struct network;

/* Starts a stack with DHCP on each network device that is known. Thread, once. */
void network_start(void);

/* Starts a stack with DHCP on @device, which has no client. False: no memory. Thread. */
bool network_add(struct net_device *device);

/* Ends the stack on @device, if there is one; the address is not given back to its server, from
 * which it can be had again. Thread. */
void network_remove(struct net_device *device);

/* Moves the stack on @from, with its address and lease, to @to, which has no client; there it asks
 * whether the lease is still good. False: there is no stack on @from. Thread. */
bool network_move(struct net_device *from, struct net_device *to);

/* Whether it is a stack that uses @device now. Thread. */
bool network_owns(const struct net_device *device);

/* The network at @index of the list, or NULL behind the last. */
struct network *network_get(unsigned index);
struct network *network_find(const char *device_name);

/* A number that nobody outside can guess. Any; calls that overlap are as good. */
uint32_t network_random(void);

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
