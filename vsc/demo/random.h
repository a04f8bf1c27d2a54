/* Random numbers that repeat with their seed. */
#ifndef VENEER_VSC_DEMO_RANDOM_H
#define VENEER_VSC_DEMO_RANDOM_H

#include <stdint.h>

/* The next number after @state, which is not 0 and becomes the new one. Any VP. */
uint64_t random_next(uint64_t *state);

/* Mostly of the kind that has a meaning in protocols: limits, sizes, signs. Any VP. */
uint32_t random_odd(uint64_t *state);

/* All below have one state in common. VP 0. */
void random_seed(uint64_t seed);
uint64_t random_number(void);
uint32_t random_odd_number(void);

/* Less than @limit, which is not 0. */
uint32_t random_below(uint32_t limit);

#endif
