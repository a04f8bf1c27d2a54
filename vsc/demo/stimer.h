/* The four synthetic timers of a VP. */
#ifndef VENEER_VSC_DEMO_STIMER_H
#define VENEER_VSC_DEMO_STIMER_H

#include <stdint.h>

#include "include/hv/synic.h"

uint64_t stimer_config(unsigned timer);
uint64_t stimer_count(unsigned timer);
void stimer_set_config(unsigned timer, uint64_t config);
void stimer_set_count(unsigned timer, uint64_t count);

/* Configurations: a message to @sint, an interrupt @vector. */
uint64_t stimer_to_sint(unsigned sint);
uint64_t stimer_to_vector(uint8_t vector);

void stimer_stop(unsigned timer);

#endif
