/* Time for devices: their clock and timers, and the thread that lets these expire. */
#ifndef VENEER_WORKER_TIMER_H
#define VENEER_WORKER_TIMER_H

#include "worker/devices/device.h"

/* Fills in the host's functions on time, and starts the thread. Before devices are made. */
void timer_init(struct device_host *host);

#endif
