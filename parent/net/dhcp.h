/* The DHCP client (RFC 2131): gets an address and all that belongs to it from a server, checks by
 * ARP that nobody else has the address, and keeps the lease.
 *
 * An answer is used if it has a mask, an address that fits, and a lease of a minute or more; a
 * router that cannot be reached directly is left out. */
#ifndef VENEER_PARENT_NET_DHCP_H
#define VENEER_PARENT_NET_DHCP_H

#include <stdint.h>

#include "parent/net/address.h"
#include "parent/net/dhcp_message.h"
#include "parent/net/status.h"
#include "parent/net/udp.h"

enum dhcp_state {
    DHCP_STATE_STOPPED,
    DHCP_STATE_WAITING,    /* after a refusal or conflict, before asking again */
    DHCP_STATE_SELECTING,  /* asked for offers */
    DHCP_STATE_REQUESTING, /* took an offer, waits for its confirmation */
    DHCP_STATE_CHECKING,   /* asks whether another station has the address */
    DHCP_STATE_BOUND,
    DHCP_STATE_RENEWING,  /* asks its server for more time */
    DHCP_STATE_REBINDING, /* asks any server */
    DHCP_STATE_RELEASING, /* gave the address back; that is on its way */
};

struct dhcp_client {
    enum dhcp_state state;
    struct udp_socket socket;
    char host_name[DHCP_HOST_NAME_SIZE];
    uint32_t transaction;
    unsigned tries;          /* messages sent in this state */
    uint64_t started_us;     /* when it began to ask in this exchange */
    uint64_t requested_us;   /* when the last request was sent: the lease counts from there */
    uint64_t deadline_us;    /* when the state has something to do */
    struct dhcp_reply lease; /* the last offer or confirmation taken; empty if none */
    uint64_t renewal_us, rebinding_us, expiry_us; /* of the lease; NET_NEVER */
};

struct net_stack;

/* Asks for an address from now on, in place of what is configured. @host_name (cut to 32
 * characters, may be "") is told to the server. NET_IN_USE if another socket has the port. */
enum net_status dhcp_start(struct net_stack *stack, const char *host_name);

/* Gives the address back to the server. It is in use until NET_EVENT_UNCONFIGURED comes, within
 * about a second; then DHCP has stopped. Without a lease it stops at once. */
void dhcp_release(struct net_stack *stack);

/* A text for people: "asking for an address". */
const char *dhcp_state_text(enum dhcp_state state);

/* For the stack. */

/* Stops without a word to the server; what is configured stays. */
void dhcp_stop(struct net_stack *stack);

/* There may be another network now: asks at once. */
void dhcp_link_up(struct net_stack *stack);

/* Another station uses @address. If it is leased to us, or about to be, it is declined. */
void dhcp_conflict(struct net_stack *stack, ipv4_t address);

void dhcp_tick(struct net_stack *stack);

#endif
