/* Random numbers that repeat with their seed. VP 0. */
#ifndef VENEER_VSC_DEMO_RANDOM_H
#define VENEER_VSC_DEMO_RANDOM_H

#include <stdint.h>

void random_seed(uint64_t seed);
uint64_t random_number(void);

/* Less than @limit, which is not 0. */
uint32_t random_below(uint32_t limit);

#endif
