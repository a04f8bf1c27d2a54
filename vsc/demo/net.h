/* The demo child's use of virtual network adapters. */
#ifndef VENEER_VSC_DEMO_NET_H
#define VENEER_VSC_DEMO_NET_H

#include <stdbool.h>

#include "vsc/netvsc.h"

#define NET_ETHERTYPE 0x88b5u /* IEEE 802: for experiments */
#define NET_ADAPTERS 2u       /* of the child's that are used */

/* `ip=ADDRESS,…`: the addresses of adapters 0, 1, …, which then answer ARP and echo requests;
 * `ping=ADDRESS,COUNT`: adapter 0 sends echo requests; `serve=SECONDS`: only answers, and tells
 * about links. False: something failed. */
bool net_run(void);

/* `flood=COUNT`: see net_flood.c. False: something failed. */
bool net_flood(void);

/* Opens adapter @index with this file's memory. NULL: there is none, or it does not start. */
struct vsc_network *net_open(unsigned index);

#endif
