/* The port by which an external switch reaches the physical network: it learns which stations are
 * behind it, and its other side is a network card that receives everything. */
#ifndef VENEER_PARENT_NET_BRIDGE_PORT_H
#define VENEER_PARENT_NET_BRIDGE_PORT_H

#include "parent/net/virtual_switch.h"

/* Frames on their way to the card; fewer than a card's ring takes would do, too. */
#define BRIDGE_BUFFERS 128

struct bridge_port;

/* Joins @net, whose medium is down, and @card, which has no client: starts the card, and lets the
 * medium follow its link. NULL and *@error: no memory, no free port, the card does not start.
 * Thread. */
struct bridge_port *bridge_port_create(struct virtual_switch *net, struct net_device *card,
                                       const char **error);

/* Undoes that: the card has stopped and has no client then. Thread. */
void bridge_port_destroy(struct bridge_port *bridge);

/* The card of @bridge. Any. */
struct net_device *bridge_port_card(const struct bridge_port *bridge);

#endif
