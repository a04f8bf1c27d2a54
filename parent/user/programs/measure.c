/* Test program: what a system call costs. */
#include "parent/user/program.h"
#include "parent/user/system.h"

#define CALLS 10000

static uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint64_t start = read_tsc();
    for (int i = 0; i < CALLS; i++)
        system_call(SYSTEM_NULL, 0, 0, 0, 0, 0, 0);
    uint64_t end = read_tsc();
    printf("measure: a null system call takes %lu TSC ticks\n", (end - start) / CALLS);
    return 0;
}
