/* The demo child's use of virtual disks. */
#ifndef VENEER_VSC_DEMO_DISK_H
#define VENEER_VSC_DEMO_DISK_H

#include <stdbool.h>

#include "vsc/storvsc.h"

/* `disk`: reads of each LUN of each controller; `disk=write` overwrites the first MiB of each with
 * a pattern, too, and verifies it. Prints a line for each. False: something failed, or there is no
 * disk. */
bool disk_run(void);

/* Opens controller @index with this file's rings: one at a time. False: there is none, or it does
 * not start. */
bool disk_open(struct vsc_storage *storage, unsigned index);

#endif
