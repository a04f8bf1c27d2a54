/* The serial port's other end: a pipe to whoever started the machine, which shows it to people. */
#ifndef VENEER_WORKER_SERIAL_CONSOLE_H
#define VENEER_WORKER_SERIAL_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/devices/uart16550.h"

/* Connects @uart to the pipe's end @handle, and starts the thread that receives. */
void serial_console_start(struct uart16550 *uart, uint32_t handle);

/* Sends on what is there of a line. With the machine's lock. */
void serial_console_flush(void);

/* Whether there is something to flush. Any thread; without the lock. */
bool serial_console_pending(void);

#endif
