/* The 16550 serial port of the console, driven by interrupts (PC16550D data sheet). It takes over
 * from lib/serial, which set it up and polls. */
#ifndef VENEER_PARENT_DRIVERS_SERIAL_H
#define VENEER_PARENT_DRIVERS_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* Takes over the UART at @port, which lib/serial has initialised; what it receives goes into the
 * input (parent/include/input.h). False: its interrupt is not known. Thread, once. */
bool serial_start(uint16_t port);

/* Sends @c, with \r before \n, from a buffer; waits for the UART only when the buffer is full. Any,
 * after serial_start(). */
void serial_send(char c);

/* Waits (bounded) until everything has left the UART. Takes no lock if @alone: for a panic. Any. */
void serial_flush(bool alone);

#endif
