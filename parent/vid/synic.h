/* The root's own synthetic interrupt controllers: what the hypervisor and children send to this
 * kernel arrives here, on whatever CPU, and goes on to partition.c and port.c. */
#ifndef VENEER_PARENT_VID_SYNIC_H
#define VENEER_PARENT_VID_SYNIC_H

#include <stdbool.h>
#include <stdint.h>

/* Turns them on, on all CPUs. False: no memory. Once, thread. */
bool synic_start(void);

/* The event flags of a CPU: HV_EVENT_FLAGS_COUNT bits, which the hypervisor sets. Any. */
uint64_t *synic_flags(uint32_t cpu);

#endif
