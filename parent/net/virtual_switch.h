/* The virtual switches of this machine: each a struct net_switch with a name, a lock and its ports.
 *
 * A private switch joins children only; an internal one has a port of the parent's IPv4 stack
 * besides (a network device with the switch's name); an external one a port of a physical card,
 * which the parent then uses through the switch too: its stack moves from the card to the device
 * with the switch's name, and keeps its address. The links of all ports of an external switch
 * follow the card's.
 *
 * Locks: each switch has one of LOCK_LEVEL_SWITCH, taken by the functions below and held while a
 * port's receive() and link_changed() are called: those may take locks of LOCK_LEVEL_DRIVER and
 * above and may call nothing here. "Thread" takes a mutex besides. */
#ifndef VENEER_PARENT_NET_VIRTUAL_SWITCH_H
#define VENEER_PARENT_NET_VIRTUAL_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/net/switch.h"

#define VIRTUAL_SWITCH_NAME_SIZE 16 /* with the zero at its end */
#define VIRTUAL_SWITCHES_MAX 16

enum virtual_switch_kind { SWITCH_PRIVATE, SWITCH_INTERNAL, SWITCH_EXTERNAL };

struct virtual_switch;

/* Once, before everything else. */
void virtual_switch_init(void);

/* The switch of this name, which cannot be deleted until virtual_switch_put(); NULL: there is
 * none. Thread. */
struct virtual_switch *virtual_switch_get(const char *name);
void virtual_switch_put(struct virtual_switch *net);

/* Connects @port, filled in as switch_connect() wants it; false as there. The caller keeps its
 * reference to the switch as long as the port is connected. Context of this and the following
 * functions: any that may take the lock. */
bool virtual_switch_connect(struct virtual_switch *net, struct switch_port *port);

/* Afterwards the port's callbacks are neither running nor called again. */
void virtual_switch_disconnect(struct virtual_switch *net, struct switch_port *port);

/* Sends @frame from @port; the number of ports that have taken it. The frame is not kept. */
unsigned virtual_switch_send(struct virtual_switch *net, struct switch_port *port,
                             const struct net_frame *frame);

/* What @port wants to receive, SWITCH_ACCEPT_*; and whether it is plugged in. */
void virtual_switch_set_filter(struct virtual_switch *net, struct switch_port *port,
                               uint32_t accept);
void virtual_switch_set_link(struct virtual_switch *net, struct switch_port *port, bool up);

/* Copies the counters of @port. */
void virtual_switch_statistics(struct virtual_switch *net, const struct switch_port *port,
                               struct switch_port_statistics *statistics);

/* The medium behind the switch is there, or not: see switch_set_media(). For the port of a card. */
void virtual_switch_set_media(struct virtual_switch *net, bool up);

/* Makes a switch, which lives until it is deleted; whoever keeps it, gets it by its name. @device:
 * the card of an external one, which must have no client but the parent's IPv4 stack; else NULL.
 * NULL and *@error set to why: the name is taken or bad, too many switches, no memory, the card is
 * in use. Thread, as net_device_register(). */
struct virtual_switch *virtual_switch_create(const char *name, enum virtual_switch_kind kind,
                                             struct net_device *device, const char **error);

/* Deletes the switch, whose card goes back to the parent's stack; false and *@error: there is none,
 * or it is in use. Thread, as net_device_register(). */
bool virtual_switch_delete(const char *name, const char **error);

/* For people. */

struct virtual_switch_information {
    char name[VIRTUAL_SWITCH_NAME_SIZE];
    enum virtual_switch_kind kind;
    char card[NET_NAME_SIZE]; /* of an external switch; else "" */
    unsigned ports, references;
    bool media_up;
};

/* Describes the switch at @index (0, 1, …); false if there are not so many. Thread. */
bool virtual_switch_describe(unsigned index, struct virtual_switch_information *information);

/* "private", "internal", "external". Any. */
const char *virtual_switch_kind_text(enum virtual_switch_kind kind);

struct virtual_switch_port_information {
    char owner[SWITCH_OWNER_SIZE];
    struct mac_address mac; /* not of one that learns */
    bool learns, link_up, unplugged;
    struct switch_port_statistics statistics;
};

/* Describes the port at @place, 0 to SWITCH_PORTS_MAX - 1; false if none is there. */
bool virtual_switch_describe_port(struct virtual_switch *net, unsigned place,
                                  struct virtual_switch_port_information *information);

/* virtual_switch_set_link() for the port at @place; false if none is there. */
bool virtual_switch_plug(struct virtual_switch *net, unsigned place, bool in);

#endif
