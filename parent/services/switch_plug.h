/* How a word of a command, NAME or NAME,MAC, becomes a port of the virtual switch NAME. */
#ifndef VENEER_PARENT_SERVICES_SWITCH_PLUG_H
#define VENEER_PARENT_SERVICES_SWITCH_PLUG_H

#include <stdbool.h>

#include "parent/net/virtual_switch.h"

/* Connects @port, whose address is not set yet, to the switch that @word names: with the address
 * there, which is six hexadecimal numbers with colons between, or a random one that is locally
 * administered. Afterwards *@net is the caller's reference to the switch, which it gives back after
 * the port. False, and nothing has changed: it has been printed why, for the command called
 * @command. Thread. */
bool switch_plug(const char *command, const char *word, struct switch_port *port,
                 struct virtual_switch **net);

#endif
