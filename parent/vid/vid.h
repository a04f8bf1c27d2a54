/* The virtualization driver: children of this partition, for processes that run them. */
#ifndef VENEER_PARENT_VID_VID_H
#define VENEER_PARENT_VID_VID_H

#include <stdbool.h>

/* Prepares it, if the hypervisor runs children. All CPUs are started. Once, thread. */
void vid_start(void);

bool vid_is_available(void);

#endif
