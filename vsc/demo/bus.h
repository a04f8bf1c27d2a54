/* The demo child's bus: what vsc/ needs of this kernel. VP 0 only. */
#ifndef VENEER_VSC_DEMO_BUS_H
#define VENEER_VSC_DEMO_BUS_H

#include <stdbool.h>

#include "vsc/bus.h"

/* Takes the SynIC, connects at the first call. NULL: there is no bus. */
struct vsc_bus *demo_bus(void);

/* Ends the connection, if there is one, and gives the SynIC back. */
void demo_bus_end(void);

#endif
