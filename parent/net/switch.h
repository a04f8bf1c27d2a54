/* The virtual switch: forwards Ethernet frames between ports by their MAC addresses.
 *
 * A port of a child has one configured address and may send from no other. A port that learns
 * (the bridge to a physical card) may send from any address that is not configured on another port;
 * the switch remembers such addresses for a while, in a table of fixed size.
 *
 * The link of a port is up if its own is (switch_set_link()) and the switch's medium is
 * (switch_set_media(): the cable of the physical card).
 *
 * Context: a port's callbacks are called from within the functions below, with the caller's lock
 * held. A switch has no lock of its own: its owner holds one of LOCK_LEVEL_SWITCH around each call.
 * Nothing here waits or allocates. */
#ifndef VENEER_PARENT_NET_SWITCH_H
#define VENEER_PARENT_NET_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/net_device.h"

#define SWITCH_PORTS_MAX 64
#define SWITCH_MTU_MAX 9000
#define SWITCH_SETS 64 /* a power of two */
#define SWITCH_WAYS 4
#define SWITCH_OWNER_SIZE 24       /* with the zero at its end */
#define SWITCH_AGE_US 300000000ULL /* IEEE 802.1D's recommended ageing time */

/* What a port wants to receive: a set of these. */
#define SWITCH_ACCEPT_DIRECTED 0x1u /* to its configured address */
#define SWITCH_ACCEPT_MULTICAST 0x2u
#define SWITCH_ACCEPT_BROADCAST 0x4u
#define SWITCH_ACCEPT_PROMISCUOUS 0x8u /* everything that is forwarded or flooded by the switch */

struct switch_port_statistics {
    struct net_statistics received; /* by the switch from the port; dropped: its link was down, or
                                       no bridge may forward it */
    struct net_statistics sent;     /* by the switch to the port; dropped: the port had no room */
    uint64_t spoofed;               /* frames from an address that the port may not use */
};

/* Memory of the port's owner, who sets the first part before switch_connect(). */
struct switch_port {
    struct mac_address mac; /* configured address; not used if @learns */
    bool learns;            /* other stations are behind it */
    uint16_t mtu;           /* 68 to SWITCH_MTU_MAX */
    uint32_t accept;        /* SWITCH_ACCEPT_*; may change under the lock. A port that learns gets
                               what is not known to be elsewhere, whatever this says. */
    char owner[SWITCH_OWNER_SIZE]; /* for people: "child 3"; may be empty */
    /* Lends @frame for the duration of the call: false if there was no room for it. Its header is
     * the switch's own copy, which no guest can change any more, in a segment of its own; so there
     * may be NET_SEGMENTS_MAX + 1 of them, and their physical addresses are not valid. The lock is
     * held: it may take locks of LOCK_LEVEL_DRIVER and above, and may not call the switch. */
    bool (*receive)(struct switch_port *port, const struct net_frame *frame);
    /* link_up has changed; not called by connecting. May be NULL. Context as receive(). */
    void (*link_changed)(struct switch_port *port);

    /* Kept by the switch. */
    bool link_up;
    bool unplugged; /* by switch_set_link() */
    struct switch_port_statistics statistics;
};

struct switch_entry {
    struct mac_address mac;
    struct switch_port *port; /* NULL: free */
    uint64_t seen_us;
};

struct net_switch {
    struct switch_port *ports[SWITCH_PORTS_MAX];
    struct switch_entry table[SWITCH_SETS][SWITCH_WAYS];
    bool media_down;
};

/* An empty switch, its medium up. */
void switch_init(struct net_switch *net);

/* Connects @port, plugged in and with its counters 0. False, and nothing changed, if there is no
 * free port, the MTU is wrong, or the configured address is not a station's or is another port's.
 * An address that was learned elsewhere becomes the port's. */
bool switch_connect(struct net_switch *net, struct switch_port *port);

/* Afterwards nothing refers to @port, which was connected, and what is sent from it is dropped. */
void switch_disconnect(struct net_switch *net, struct switch_port *port);

/* Plugs @port in or out: while its link is down, nothing goes in or out, and what was learned there
 * is forgotten. */
void switch_set_link(struct net_switch *net, struct switch_port *port, bool up);

/* The medium of the switch: while it is down, so are the links of all ports. */
void switch_set_media(struct net_switch *net, bool up);

/* Forwards @frame, which @from has sent at the time @now_us, to the port of its destination; to
 * all others if that is a group or unknown. The switch does not keep it, nor completes it. The
 * number of ports that have taken it. */
unsigned switch_send(struct net_switch *net, struct switch_port *from,
                     const struct net_frame *frame, uint64_t now_us);

#endif
