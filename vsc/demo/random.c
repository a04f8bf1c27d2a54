#include "vsc/demo/random.h"

static uint64_t state = 1;

void random_seed(uint64_t seed)
{
    state = seed * 2 + 1;
}

/* xorshift64*. */
uint64_t random_number(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dull;
}

uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(random_number() >> 32) % limit;
}
