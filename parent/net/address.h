/* Addresses of Ethernet and IPv4, and their text forms. */
#ifndef VENEER_PARENT_NET_ADDRESS_H
#define VENEER_PARENT_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/include/net_device.h"

/* An IPv4 address in host byte order. 0 stands for "none". */
typedef uint32_t ipv4_t;

#define IPV4(a, b, c, d) ((ipv4_t)(a) << 24 | (ipv4_t)(b) << 16 | (ipv4_t)(c) << 8 | (ipv4_t)(d))
#define IPV4_BROADCAST IPV4(255, 255, 255, 255)

#define IPV4_TEXT_SIZE 16 /* "255.255.255.255" */
#define MAC_TEXT_SIZE 18  /* "ff:ff:ff:ff:ff:ff" */

/* Whether a host can have @address: not of "this network", loopback, multicast, reserved
 * (RFC 1122, 3.2.1.3; RFC 6890). */
bool ipv4_unicast(ipv4_t address);

/* Whether @mask is ones followed by zeros, and leaves room for a network address, a broadcast
 * address and two hosts: /8 to /30. */
bool ipv4_mask_valid(ipv4_t mask);

/* The number of ones in a valid @mask. */
unsigned ipv4_prefix_length(ipv4_t mask);

/* Reads four decimal numbers with dots between, nothing before or after. False, with *@address as
 * it was, if @text is anything else. */
bool ipv4_parse(const char *text, ipv4_t *address);
void ipv4_format(ipv4_t address, char text[IPV4_TEXT_SIZE]);

extern const struct mac_address mac_broadcast;

struct mac_address mac_load(const uint8_t *bytes);
bool mac_equal(const struct mac_address *a, const struct mac_address *b);

/* Whether one station can have @mac: not a group address, not all zeros. */
bool mac_unicast(const struct mac_address *mac);
void mac_format(const struct mac_address *mac, char text[MAC_TEXT_SIZE]);

#endif
