#include "vsc/demo/random.h"

static uint64_t state = 1;

void random_seed(uint64_t seed)
{
    state = seed * 2 + 1;
}

/* xorshift64*. */
uint64_t random_next(uint64_t *own)
{
    *own ^= *own >> 12;
    *own ^= *own << 25;
    *own ^= *own >> 27;
    return *own * 0x2545f4914f6cdd1dull;
}

uint64_t random_number(void)
{
    return random_next(&state);
}

uint32_t random_odd(uint64_t *own)
{
    static const uint32_t numbers[] = {0,    1,          2,          3,          4,     7,
                                       8,    16,         0x1000,     0x7fffffff, 65535, 0x80000000,
                                       4088, 0xfffffff8, 0xffffffff, 12288};
    uint32_t choice = (uint32_t)(random_next(own) >> 32);

    if (choice % 4 == 0)
        return (uint32_t)random_next(own);
    return numbers[choice / 4 % (sizeof(numbers) / sizeof(numbers[0]))];
}

uint32_t random_odd_number(void)
{
    return random_odd(&state);
}

uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(random_number() >> 32) % limit;
}
