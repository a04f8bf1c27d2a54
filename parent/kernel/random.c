#include "parent/include/random.h"

#include <stdbool.h>

#include "lib/x86/cpu.h"

#define CPUID_1_ECX_RDRAND (1u << 30)
/* The generator may be out of numbers for a moment (Intel SDM vol. 1, 7.3.17.1). */
#define RDRAND_TRIES 10

static uint64_t mixed; /* atomic */

static bool read_generator(uint64_t *number)
{
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_RDRAND))
        return false;
    for (int i = 0; i < RDRAND_TRIES; i++) {
        bool good;
        __asm__ volatile("rdrand %0" : "=r"(*number), "=@ccc"(good));
        if (good)
            return true;
    }
    return false;
}

/* A bijection whose every input bit changes every output bit with about even chance. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

uint32_t random_32(void)
{
    uint64_t number = 0;
    read_generator(&number);
    uint64_t before = __atomic_load_n(&mixed, __ATOMIC_RELAXED);
    uint64_t after = mix(before + number + rdtsc());
    __atomic_store_n(&mixed, after, __ATOMIC_RELAXED);
    return (uint32_t)(after >> 32);
}
