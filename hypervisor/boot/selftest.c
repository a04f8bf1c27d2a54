#include "hypervisor/selftest.h"

#include <stdint.h>

#include "hypervisor/console.h"
#include "hypervisor/panic.h"
#include "lib/cmdline.h"
#include "lib/string.h"

static void fault_panic(void)
{
    panic("as the command line asks for");
}

static void fault_exception(void)
{
    *(volatile uint64_t *)0x1000 = 1; /* no identity map */
}

static void fault_write_code(void)
{
    *(volatile uint8_t *)(uintptr_t)fault_exception = 0xc3;
}

static void fault_execute_data(void)
{
    static uint8_t code[] = {0xc3};

    ((void (*)(void))(uintptr_t)code)();
}

/* Not a tail call: each level needs its stack. */
static uint64_t recurse(uint64_t depth)
{
    volatile uint64_t local[16] = {depth};

    return local[0] == UINT64_MAX ? 0 : recurse(depth + 1) + local[0];
}

static void fault_stack(void)
{
    print("%llu\n", (unsigned long long)recurse(0));
}

static const struct {
    const char *name;
    void (*function)(void);
} faults[] = {
    {"panic", fault_panic},           {"exception", fault_exception},
    {"write-code", fault_write_code}, {"execute-data", fault_execute_data},
    {"stack", fault_stack},
};

void selftest_run(const char *command_line)
{
    char name[16];

    if (!cmdline_find(command_line, "fault", name, sizeof(name)))
        return;
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (strcmp(name, faults[i].name) == 0)
            faults[i].function();
    boot_stop("\"fault=%s\" on the command line names no fault that was reported.", name);
}
