/* Random numbers that strangers cannot guess. */
#ifndef VENEER_PARENT_INCLUDE_RANDOM_H
#define VENEER_PARENT_INCLUDE_RANDOM_H

#include <stdint.h>

/* From the processor's generator; where it has none, mixed from the moments at which it is asked,
 * which keeps off those who only watch the network. Not for keys. Any. */
uint32_t random_32(void);

#endif
