/* Test program: system calls with arguments that are wrong in every way, from a fixed seed (the
 * second word). It ends with status 0 after all of them; whatever happens, the kernel must not
 * fall. */
#include <stdbool.h>

#include "lib/cmdline.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define CALLS 20000
#define SCRATCH_SIZE 8192

static uint8_t scratch[SCRATCH_SIZE];
static uint64_t state;
static uint64_t successes;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t random_pointer(void)
{
    const uint64_t pointers[] = {
        0,
        1,
        (uint64_t)scratch,
        (uint64_t)scratch + next_random() % SCRATCH_SIZE,
        (uint64_t)scratch + SCRATCH_SIZE - 1,
        (uint64_t)next_random, /* code: readable only */
        0x1000,
        0x00007fffffffefff,
        0x00007fffffffffff,
        0x0000800000000000,
        0xffff800000100000,
        0xffffffff80200000,
        UINT64_MAX - 7,
        next_random(),
    };
    return pointers[next_random() % (sizeof(pointers) / sizeof(pointers[0]))];
}

static uint64_t random_number(void)
{
    const uint64_t numbers[] = {
        0,
        1,
        2,
        3,
        4095,
        4096,
        4097,
        SCRATCH_SIZE,
        INT32_MAX,
        UINT32_MAX,
        1ull << 32,
        INT64_MAX,
        UINT64_MAX,
        1ull << 47,
        1ull << 63,
        UINT64_MAX - 4095,
        next_random() % 16,
        next_random() % 140,
        next_random(),
    };
    return numbers[next_random() % (sizeof(numbers) / sizeof(numbers[0]))];
}

static uint64_t random_argument(void)
{
    return next_random() % 2 ? random_pointer() : random_number();
}

/* Structures that system calls read, with some sense in them. */
static void fill_scratch(void)
{
    uint64_t *words = (uint64_t *)scratch;
    for (int i = 0; i < 16; i++)
        words[i] = random_argument();
    for (int i = 0; i < 8; i++)
        ((uint32_t *)scratch)[next_random() % 32] = (uint32_t)(next_random() % 12);
}

/* What would end the program, or have it wait for ever, is tried by others. */
static bool is_tame(uint64_t number, const uint64_t *arguments)
{
    switch (number) {
    case SYSTEM_EXIT:
    case SYSTEM_THREAD_EXIT:
        return false;
    case SYSTEM_PRINT:
        return arguments[0] < 0x10000 || arguments[0] >= 1ull << 32; /* no garbage on the console */
    case SYSTEM_THREAD_START:
        return arguments[0] >= 1ull << 47 || arguments[1] >= 1ull << 47;
    default:
        return true;
    }
}

/* Deadlines that have passed, wherever a call has one. */
static void limit_waiting(uint64_t number, uint64_t *arguments)
{
    if (number == SYSTEM_SLEEP)
        arguments[0] %= 1000;
    if (number == SYSTEM_PIPE_SEND || number == SYSTEM_PIPE_RECEIVE ||
        number == SYSTEM_PROCESS_WAIT || number == SYSTEM_VP_WAIT || number == SYSTEM_VM_RECEIVE)
        arguments[2] %= 1000;
    if (number == SYSTEM_PORT_RECEIVE)
        arguments[3] %= 1000;
}

static void call_once(void)
{
    uint64_t number = next_random() % (SYSTEM_CALL_COUNT + 2);
    uint64_t a[6];
    if (number > SYSTEM_CALL_COUNT)
        number = next_random();
    for (int i = 0; i < 6; i++)
        a[i] = random_argument();
    fill_scratch();
    limit_waiting(number, a);
    if (is_tame(number, a) && system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]) >= 0)
        successes++;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    if (argc > 1)
        parse_number(argv[1], &seed);
    state = seed * 0x9e3779b97f4a7c15 | 1;
    for (int i = 0; i < CALLS; i++)
        call_once();
    printf("fuzz: %d system calls, %lu of them succeeded\n", CALLS, successes);
    return 0;
}
