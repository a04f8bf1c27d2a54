/* A synthetic network adapter on a virtual switch, as a device for a child. */
#ifndef VENEER_PARENT_SERVICES_NETWORK_ADAPTER_H
#define VENEER_PARENT_SERVICES_NETWORK_ADAPTER_H

struct channel_device;

#define NETWORK_ADAPTERS_MAX 4 /* of a child */

/* Makes adapter @index (0, 1, …) of a child, connected to the switch that @word names, as
 * switch_plug() understands it. It leaves the switch when the last reference has gone, of which the
 * caller has one. NULL: it has been printed why, for the command called @command.
 * Thread.
 */
struct channel_device *network_adapter_create(const char *command, const char *word,
                                              unsigned index);

#endif
