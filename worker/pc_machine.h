/* The PC: an Intel 440BX with PIIX4, for systems that know nothing of hypervisors. Makes its
 * devices and puts them together. */
#ifndef VENEER_WORKER_PC_MACHINE_H
#define VENEER_WORKER_PC_MACHINE_H

#include <stdint.h>

struct options;

/* Makes the machine that @options describe, with @size bytes at @firmware, which are copied. Ends
 * the process with a message if it cannot be. No VP runs yet. */
void pc_machine_make(const struct options *options, const void *firmware, uint64_t size);

/* Resets the devices, but for the interrupt controllers. With the machine's lock; no VP is being
 * served. */
void pc_machine_reset(void);

#endif
