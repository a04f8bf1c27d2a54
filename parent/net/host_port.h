/* The parent's own port of a virtual switch: for the IPv4 stack a network card like any other.
 *
 * What the stack sends goes to the switch at once. What it receives waits in a queue for a thread
 * of the port, because the stack's lock cannot be taken with the switch's held; a full queue drops
 * frames, which the switch counts. */
#ifndef VENEER_PARENT_NET_HOST_PORT_H
#define VENEER_PARENT_NET_HOST_PORT_H

#include "parent/net/virtual_switch.h"

#define HOST_PORT_BUFFERS 128 /* frames that wait for the stack */
#define HOST_PORT_MBPS 10000  /* what it says of its speed, where there is no card that has one */

struct host_port;

/* Connects a port with the address @mac to @net and registers it as the network device @name.
 * @card: the physical card behind @net, whose speed is told as the port's, or NULL. NULL and
 * *@error: no memory, no free port or device, the name is not free. Thread, as
 * net_device_register(). */
struct host_port *host_port_create(struct virtual_switch *net, const char *name,
                                   const struct mac_address *mac, const struct net_device *card,
                                   const char **error);

/* Undoes that; the device has no client. Thread, as net_device_unregister(). */
void host_port_destroy(struct host_port *host);

struct net_device *host_port_device(struct host_port *host);

#endif
