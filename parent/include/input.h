/* Bytes that a person types, from all devices that they may use: serial port and keyboards put them in, the console takes
 * them out. Keys without a character are the escape sequences of an ANSI terminal. */
#ifndef VENEER_PARENT_INCLUDE_INPUT_H
#define VENEER_PARENT_INCLUDE_INPUT_H

#include <stdint.h>

/* Dropped if nobody takes bytes out and the queue is full. Any context. */
void input_put(uint8_t byte);

/* The next byte; -1 if there is none until @deadline (microseconds as time_now(); 0: do not wait). Thread. */
int input_get(uint64_t deadline);

#endif
