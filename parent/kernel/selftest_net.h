/* What the self tests of the network share: the parent's place in the network of an emulator. */
#ifndef VENEER_PARENT_SELFTEST_NET_H
#define VENEER_PARENT_SELFTEST_NET_H

#include "parent/services/network.h"

/* A copy of the configuration of @on. */
struct net_configuration selftest_configuration(struct network *on);

/* Checks that @on has an address within 20 s. Thread. */
bool selftest_wait_address(struct network *on);

/* Checks that the gateway of @on answers a request of @size bytes; after how many microseconds.
 * Thread. */
uint64_t selftest_ping(struct network *on, uint16_t sequence, uint32_t size);

#endif
