/* What the administrator types, on the serial port or on a keyboard, as one stream of bytes: ASCII,
 * control characters, and the escape sequences of an ANSI terminal for the other keys. */
#ifndef VENEER_PARENT_INCLUDE_INPUT_H
#define VENEER_PARENT_INCLUDE_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* For drivers: adds @size bytes, or none if there is no room for all, so that no sequence is cut.
 * Any. */
void input_put(const char *bytes, size_t size);

/* For the console: takes the next byte; -1 if none comes until @deadline (see time.h). Thread. */
int input_get(uint64_t deadline);

#endif
