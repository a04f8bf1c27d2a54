/* Random instructions for the tests of the emulator, of the opcodes that it knows and others. */
#ifndef VENEER_TESTS_UNIT_EMULATOR_RANDOM_H
#define VENEER_TESTS_UNIT_EMULATOR_RANDOM_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* xorshift64*; the same numbers in every run. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static inline unsigned random_below(uint64_t *state, unsigned limit)
{
    return (unsigned)((random_next(state) >> 33) % limit);
}

/* 16 bytes that may begin with a few prefixes; half of all opcodes are of the second map. */
static inline void random_instruction(uint64_t *state, unsigned bits, uint8_t bytes[16])
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0x64, 0x65, 0x2e, 0x26, 0x36, 0x3e};
    unsigned at = 0;
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(random_next(state) >> 40);
    while (at < 3 && random_below(state, 3) == 0)
        bytes[at++] = prefixes[random_below(state, sizeof(prefixes))];
    if (random_below(state, 16) == 0)
        bytes[at++] = 0xf0;
    if (bits == 64 && random_below(state, 2) == 0)
        bytes[at++] = (uint8_t)(0x40 | random_below(state, 16));
    if (random_below(state, 2) == 0)
        bytes[at++] = 0x0f;
    if (bytes[at - (at > 0)] == 0x0f && random_below(state, 32) == 0)
        bytes[at] = 0x38;
}

/* Seconds a test of random cases runs: its first argument, or 6. */
static inline time_t random_deadline(int count, char **arguments)
{
    return time(NULL) + (count > 1 ? atoi(arguments[1]) : 6);
}

#endif
