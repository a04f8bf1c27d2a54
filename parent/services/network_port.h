/* A port of a virtual switch as a thing with a handle, for a worker whose machine has a network
 * card of its own making (SYSTEM_PORT_…). */
#ifndef VENEER_PARENT_SERVICES_NETWORK_PORT_H
#define VENEER_PARENT_SERVICES_NETWORK_PORT_H

struct object;

/* Makes the port of card @index (0, 1, …) of a child, connected to the switch that @word names, as
 * switch_plug() understands it. It leaves the switch when the last reference has gone, of which the
 * caller has one, for struct process_program and object_put(). NULL: it has been printed why, for
 * the command called @command. Thread. */
struct object *network_port_create(const char *command, const char *word, unsigned index);

#endif
