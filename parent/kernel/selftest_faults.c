/* Faults on demand, "fault=NAME" on the command line: that the kernel's last words are readable. */
#include "lib/string.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/console.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/smp.h"

static void fault_panic(void)
{
    panic("as the command line asks for");
}

static void fault_exception(void)
{
    *(volatile uint64_t *)0x1000 = 1;
}

static void fault_write_code(void)
{
    *(volatile uint8_t *)kernel_start = 0;
}

/* Not a tail call: each level needs its stack. */
static uint64_t recurse(uint64_t depth)
{
    volatile uint64_t local[16] = {depth};
    return local[0] == UINT64_MAX ? 0 : recurse(depth + 1) + local[0];
}

static void fault_stack(void)
{
    print("%lu\n", recurse(0));
}

static void panic_here(void *argument)
{
    (void)argument;
    panic("on the last processor");
}

static void fault_other(void)
{
    uint32_t last = cpu_count - 1;
    if (last == 0)
        panic_here(NULL);
    smp_call(last, panic_here, NULL);
    smp_wait(last);
}

static const struct {
    const char *name;
    void (*function)(void);
} faults[] = {
    {"panic", fault_panic}, {"exception", fault_exception}, {"write-code", fault_write_code},
    {"stack", fault_stack}, {"other", fault_other},
};

void selftest_fault(void)
{
    char name[16];
    if (!boot_option("fault", name, sizeof(name)))
        return;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (strcmp(name, faults[i].name) == 0)
            faults[i].function();
    }
    panic("\"fault=%s\" names no fault", name);
}
