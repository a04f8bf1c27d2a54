/* The IPv4 stack of one network device: Ethernet, ARP, IPv4, ICMP, UDP and a DHCP client.
 *
 * Nothing here takes a lock: the caller makes sure that calls on one stack do not overlap. Nothing
 * is allocated: packets live in a pool given at the start, tables are of fixed size, sockets and
 * pings belong to their users. Functions that users registered are called from within calls on the
 * stack; they may use the stack, except net_tick() and net_receive().
 *
 * Time: net_tick() tells the stack what time it is. It is called before other calls, so that they
 * work with the right time, after them, because they may have set an earlier deadline, and at the
 * deadline that it returned last. While nothing is due it costs next to nothing. */
#ifndef VENEER_PARENT_NET_NET_H
#define VENEER_PARENT_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/include/net_device.h"
#include "parent/net/address.h"
#include "parent/net/arp.h"
#include "parent/net/buffer.h"
#include "parent/net/counters.h"
#include "parent/net/dhcp.h"
#include "parent/net/icmp.h"
#include "parent/net/ipv4.h"
#include "parent/net/reassembly.h"
#include "parent/net/status.h"

#define NET_NEVER UINT64_MAX /* as a deadline */
#define NET_SECOND 1000000ull
#define NET_DNS_MAX 3

struct net_configuration {
    ipv4_t address; /* 0: not configured, all else is 0, too */
    ipv4_t mask;
    ipv4_t gateway; /* 0: none */
    ipv4_t dns[NET_DNS_MAX];
};

enum net_origin { NET_UNCONFIGURED, NET_STATIC, NET_DHCP };

enum net_event {
    NET_EVENT_CONFIGURED,   /* there is an address, or other things of the configuration changed */
    NET_EVENT_UNCONFIGURED, /* the address is lost: conflict, lease expired or refused */
    NET_EVENT_CONFLICT,     /* another station, arp.conflict, uses the address */
    NET_EVENT_LINK,         /* the link went up or down */
};

/* What the stack needs from its surroundings. */
struct net_hooks {
    /* 32 bits that a stranger cannot guess. */
    uint32_t (*random)(void *context);
    /* Tells what happened, at most a few times per second. May be NULL. Configures nothing from
     * within. */
    void (*event)(void *context, enum net_event event);
    void *context;
};

struct net_stack {
    struct net_device *device;
    struct net_hooks hooks;
    struct net_pool pool;
    uint64_t now_us;      /* microseconds since some moment; never goes back */
    uint64_t deadline_us; /* when net_tick() has something to do */
    enum net_origin origin;
    struct net_configuration configuration;
    struct net_counters counters;
    struct arp_cache arp;
    struct reassembly reassembly;
    struct net_queue loopback; /* packets to ourselves, delivered by the next net_tick() */
    struct icmp icmp;
    struct ping *pings;
    struct udp_socket *sockets;
    struct dhcp_client dhcp;
};

/* Begins without an address. The caller attaches its client to @device and hands what that gets to
 * net_receive() and net_link_changed(). The pool is made of @memory_size bytes at @memory, aligned
 * to pages and contiguous at physical @memory_address; 256 KiB are plenty, 64 KiB do. All stays in
 * use until the device is detached. */
void net_init(struct net_stack *stack, struct net_device *device, const struct net_hooks *hooks,
              void *memory, uint64_t memory_address, size_t memory_size, uint64_t now_us);

/* Sets the time and does what is due. Returns when it wants to be called next, or NET_NEVER; a
 * moment that has passed already means at once. */
uint64_t net_tick(struct net_stack *stack, uint64_t now_us);

/* A frame from the device; it is not kept. */
void net_receive(struct net_stack *stack, const struct net_frame *frame);

/* The device's link went up or down. */
void net_link_changed(struct net_stack *stack);

/* Sets a fixed address, in place of DHCP or what was set before. NET_INVALID if the configuration
 * cannot be: see net_configuration_valid(). */
enum net_status net_configure(struct net_stack *stack,
                              const struct net_configuration *configuration);

/* Gives up the address, and DHCP if that is in use (without telling the server: dhcp_release()). */
void net_unconfigure(struct net_stack *stack);

/* Whether address and mask fit each other, and the gateway, if any, can be reached. */
bool net_configuration_valid(const struct net_configuration *configuration);

/* For the protocols. */

/* Makes net_tick() come at @time_us, or earlier. */
void net_schedule(struct net_stack *stack, uint64_t time_us);

/* Takes a checked configuration into use and announces its address; an empty one ends its use. */
void net_set_configuration(struct net_stack *stack, const struct net_configuration *configuration,
                           enum net_origin origin);

void net_notify(struct net_stack *stack, enum net_event event);

#endif
