/* The devices of a machine whose system knows that it is a child: the few that its ACPI tables
 * name. All else it has from its bus. */
#ifndef VENEER_WORKER_ENLIGHTENED_H
#define VENEER_WORKER_ENLIGHTENED_H

#include <stdint.h>

/* Makes and adds the devices, and writes the tables. @console: handle of the pipe that is COM1's
 * other end. After the machine was made. */
void enlightened_add_devices(uint32_t console);

#endif
