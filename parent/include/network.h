/* The host's network: an IPv4 stack (parent/net/net.h) on each network device, with the lock and
 * the timer that it needs. */
#ifndef VENEER_PARENT_INCLUDE_NETWORK_H
#define VENEER_PARENT_INCLUDE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/net/net.h"
#include "parent/net/ping.h"

struct network;

/* Puts a stack on every device that is registered and has none; each asks for an address by DHCP.
 * Thread. */
void network_start(void);

/* The network with this index (0, 1, …), or on the device called @name; NULL if there is none. */
struct network *network_at(unsigned index);
struct network *network_find(const char *name);

/* The stack for one use of its functions, or a few: nobody else uses it, interrupts are off. Hand
 * it back by network_leave(). Any; the caller holds no lock of the level NET or a higher one. */
struct net_stack *network_enter(struct network *network);
void network_leave(struct network *network);

/* Waits until there is an address. False: not until @deadline (see time.h). Thread. */
bool network_wait_address(struct network *network, uint64_t deadline);

/* One echo request with @size bytes of payload, at most NETWORK_PING_SIZE. @result is good if
 * NET_OK is returned; for PING_REPLY, @round_trip_us is. Thread. */
#define NETWORK_PING_SIZE 1472
enum net_status network_ping(struct network *network, ipv4_t destination, uint16_t sequence,
                             uint32_t size, uint32_t timeout_us, enum ping_result *result,
                             uint64_t *round_trip_us);

#endif
