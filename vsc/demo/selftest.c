#include "vsc/demo/selftest.h"

#include <stdarg.h>
#include <stddef.h>

#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/console.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/options.h"

enum need { ANY_MACHINE, HYPERV };

static const struct selftest {
    const char *name;
    void (*run)(void);
    enum need need;
} selftests[] = {
    {"cpuid", test_cpuid, HYPERV},
    {"msr", test_msr, ANY_MACHINE},
    {"synthetic-msr", test_synthetic_msr, HYPERV},
    {"hypercall", test_hypercall, HYPERV},
    {"hypercall-denied", test_hypercall_denied, HYPERV},
    {"ports", test_ports, HYPERV},
    {"strings", test_strings, HYPERV},
    {"posted", test_posted, HYPERV},
    {"mirrored", test_mirrored, HYPERV},
    {"mmio", test_mmio, HYPERV},
    {"asserted", test_asserted, HYPERV},
    {"lapic", test_lapic, ANY_MACHINE},
    {"priority", test_priority, ANY_MACHINE},
    {"logical", test_logical, ANY_MACHINE},
    {"ipi", test_ipi, ANY_MACHINE},
    {"timer", test_timer, ANY_MACHINE},
    {"deadline", test_deadline, ANY_MACHINE},
    {"hlt", test_hlt, ANY_MACHINE},
    {"window", test_window, ANY_MACHINE},
    {"nmi", test_nmi, ANY_MACHINE},
    {"exceptions", test_exceptions, ANY_MACHINE},
    {"page-faults", test_page_faults, ANY_MACHINE},
    {"double-fault", test_double_fault, ANY_MACHINE},
    {"step", test_step, ANY_MACHINE},
    {"debug", test_debug, ANY_MACHINE},
    {"synic", test_synic, HYPERV},
    {"events", test_events, HYPERV},
    {"messages", test_messages, HYPERV},
    {"signal", test_signal, HYPERV},
    {"vmbus", test_vmbus, HYPERV},
    {"stimer", test_stimer, HYPERV},
    {"stimer-modes", test_stimer_modes, HYPERV},
    {"stimer-queue", test_stimer_queue, HYPERV},
    {"time", test_time, HYPERV},
    {"assist", test_assist, HYPERV},
    {"cluster-ipi", test_cluster_ipi, HYPERV},
    {"flush", test_flush, HYPERV},
    {"smp", test_smp, ANY_MACHINE},
    {"modes", test_modes, HYPERV},
    {"tsc", test_tsc, ANY_MACHINE},
    {"fpu", test_fpu, ANY_MACHINE},
    {"fpu-start", test_fpu_start, ANY_MACHINE},
};

#define SELFTEST_COUNT (sizeof(selftests) / sizeof(selftests[0]))

uint32_t selftest_vp_count;

static const char *current;
static bool failed;

bool check_failed(const char *format, ...)
{
    char text[160];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print("FAIL %s: %s\n", current, text);
    __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
    return false;
}

bool check_equal(uint64_t value, uint64_t expected, const char *what)
{
    return check(value == expected, "%s is 0x%llx, not 0x%llx", what, (unsigned long long)value,
                 (unsigned long long)expected);
}

bool check_fault(int vector, int expected, const char *what)
{
    return check(vector == expected, "%s gives exception %d, not %d", what, vector, expected);
}

void note(const char *format, ...)
{
    char text[160];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print("note %s: %s\n", current, text);
}

static bool run_one(const struct selftest *test)
{
    current = test->name;
    failed = false;
    if (test->need == HYPERV && !hyperv_present())
        check_failed("no hypervisor with the interface Hv#1");
    else
        test->run();
    if (!failed)
        print("ok %s\n", test->name);
    return !failed;
}

bool selftest_run(void)
{
    unsigned passes = 0, failures = 0;

    interrupts_enable();
    for (size_t i = 0; i < SELFTEST_COUNT; i++) {
        if (!option_lists("test", selftests[i].name))
            continue;
        if (run_one(&selftests[i]))
            passes++;
        else
            failures++;
    }
    print("child: %u passed, %u failed\n", passes, failures);
    return failures == 0 && passes > 0;
}
