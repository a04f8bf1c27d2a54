/* A 16550 UART, written to by polling: for messages before there is a driver with interrupts, and
 * in a panic. Source: PC16550D data sheet. Not locked: the caller serialises. */
#ifndef VENEER_LIB_SERIAL_H
#define VENEER_LIB_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

struct serial {
    uint16_t port; /* base; 0: there is none, and writing does nothing */
    bool stalled;  /* the transmitter did not get ready in time: do not wait for it again */
};

/* Sets the UART at @port to 115,200 baud, 8 data bits, no parity, interrupts off. False, and port
 * 0, if the scratch register says that there is no UART. */
bool serial_init(struct serial *serial, uint16_t port);

/* Sends @c when the transmitter has room; \n goes out as \r\n. Gives up on a UART that never gets
 * ready (a bounded number of polls, then one per byte until it is ready again), so that a dead port
 * cannot stop the system. */
void serial_put(struct serial *serial, char c);

/* Waits (bounded) until the last byte has left: before a reset or power-off. */
void serial_drain(struct serial *serial);

/* The next received byte, or -1. */
int serial_get(struct serial *serial);

#endif
