/* The virtual switches of this machine: each a struct net_switch with a name, a lock and its ports.
 *
 * A private switch joins children only; an internal one has a port of the parent's IPv4 stack
 * besides (a network device of its own); an external one a port of a physical card, which the
 * parent then uses through the switch too.
 *
 * Locks: each switch has one of LOCK_LEVEL_NET, taken by the functions below and held while a
 * port's receive() is called: that may take locks of LOCK_LEVEL_DRIVER and above and may call
 * nothing here. */
#ifndef VENEER_PARENT_NET_VIRTUAL_SWITCH_H
#define VENEER_PARENT_NET_VIRTUAL_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/net/switch.h"

#define VIRTUAL_SWITCH_NAME_SIZE 16 /* with the zero at its end */
#define VIRTUAL_SWITCHES_MAX 16

enum virtual_switch_kind { SWITCH_PRIVATE, SWITCH_INTERNAL, SWITCH_EXTERNAL };

struct virtual_switch;

/* The switch of this name, which cannot be deleted until virtual_switch_put(); NULL: there is
 * none. Thread. */
struct virtual_switch *virtual_switch_get(const char *name);
void virtual_switch_put(struct virtual_switch *net);

/* Connects @port, filled in as switch_connect() wants it; false as there. The caller keeps its
 * reference to the switch as long as the port is connected. Thread. */
bool virtual_switch_connect(struct virtual_switch *net, struct switch_port *port);

/* Afterwards receive() is neither running nor called again. Thread. */
void virtual_switch_disconnect(struct virtual_switch *net, struct switch_port *port);

/* Sends @frame from @port; the number of ports that have taken it. Any context that may take the
 * lock. */
unsigned virtual_switch_send(struct virtual_switch *net, struct switch_port *port,
                             const struct net_frame *frame);

/* What @port wants to receive, SWITCH_ACCEPT_*, and its link. */
void virtual_switch_set_filter(struct virtual_switch *net, struct switch_port *port,
                               uint32_t accept);
void virtual_switch_set_link(struct virtual_switch *net, struct switch_port *port, bool up);

/* Copies the counters of @port. */
void virtual_switch_statistics(struct virtual_switch *net, const struct switch_port *port,
                               struct switch_port_statistics *statistics);

/* Makes a switch. @device: the card of an external one, which must have no client but the parent's
 * IPv4 stack; else NULL. NULL and *@error set to why: the name is taken or bad, too many switches,
 * no memory, the card is in use. Thread. */
struct virtual_switch *virtual_switch_create(const char *name, enum virtual_switch_kind kind,
                                             struct net_device *device, const char **error);

/* Deletes the switch; false and *@error: it is in use. Thread. */
bool virtual_switch_delete(const char *name, const char **error);

#endif
