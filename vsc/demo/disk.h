/* The demo child's use of virtual disks. */
#ifndef VENEER_VSC_DEMO_DISK_H
#define VENEER_VSC_DEMO_DISK_H

#include <stdbool.h>

/* `disk`: reads of each LUN of each controller; `disk=write` overwrites the first MiB of each with
 * a pattern, too, and verifies it. Prints a line for each. False: something failed, or there is no
 * disk. */
bool disk_run(void);

#endif
