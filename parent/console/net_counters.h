/* How the console shows what a network card or a port of a switch has counted. */
#ifndef VENEER_PARENT_CONSOLE_NET_COUNTERS_H
#define VENEER_PARENT_CONSOLE_NET_COUNTERS_H

#include "parent/include/net_device.h"

/* Prints a line that begins with @what. Thread. */
void net_counters_print(const char *what, const struct net_statistics *s);

#endif
