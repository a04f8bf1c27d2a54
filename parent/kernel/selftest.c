#include "parent/kernel/selftest.h"

#include <stdarg.h>
#include <stddef.h>

#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/console.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/exception.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/power.h"
#include "parent/kernel/smp.h"

#define PRINTED_FAILURES 16 /* of one test; the others are only counted */
#define MESSAGE_SIZE 160

static const struct selftest *const tests[] = {
    &selftest_basic,
    &selftest_start,
    &selftest_exits,
    &selftest_ipi,
    &selftest_storm,
    &selftest_flush,
    &selftest_nmi,
    &selftest_protect,
    &selftest_instructions,
    &selftest_msr,
    &selftest_hypercall,
    &selftest_fuzz,
    &selftest_lapic,
    &selftest_memory,
    &selftest_sched,
    &selftest_timer,
    &selftest_irq,
    &selftest_process,
    &selftest_bench,
    &selftest_disk,
    &selftest_disk_errors,
    &selftest_disk_stall,
    &selftest_input,
    &selftest_net,
    &selftest_net_link,
    &selftest_no_disk,
    &selftest_partitions,
    &selftest_init,
    &selftest_vid,
    &selftest_child_state,
    &selftest_child_spin,
    &selftest_child_nmi,
    &selftest_child_access,
    &selftest_child_delete,
    &selftest_child_unmap,
    &selftest_child_rounds,
    &selftest_child_fuzz,
    &selftest_child_time,
    &selftest_child_intercepts,
    &selftest_child_dirty,
    &selftest_child_no_access,
    &selftest_child_idle,
    &selftest_child_deliverable,
    &selftest_child_tsc_aux,
    &selftest_child_msr_action,
    &selftest_switch,
    &selftest_switch_link,
    &selftest_disk_calls,
    &selftest_port,
};

#define TEST_COUNT (sizeof(tests) / sizeof(tests[0]))

/* The test that runs. The counts are atomic: all CPUs may check. */
static const struct selftest *current;
static uint32_t checks, failure_count;

bool selftest_wanted(void)
{
    return boot_option("selftest", NULL, 0);
}

static void print_message(const char *kind, const char *format, va_list arguments)
{
    char message[MESSAGE_SIZE];
    vsnprintf(message, sizeof(message), format, arguments);
    print("%s %s VP %u: %s\n", kind, current->name, this_cpu()->index, message);
}

void check_count(void)
{
    __atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED);
}

bool check_failed(const char *format, ...)
{
    if (__atomic_fetch_add(&failure_count, 1, __ATOMIC_RELAXED) < PRINTED_FAILURES) {
        va_list arguments;
        va_start(arguments, format);
        print_message("  failed", format, arguments);
        va_end(arguments);
    }
    return false;
}

bool check_equal(uint64_t value, uint64_t expected, const char *what)
{
    return check(value == expected, "%s is %lxh, not %lxh", what, value, expected);
}

static const char *fault_name(int vector)
{
    return vector == FAULT_NONE ? "no exception" : exception_name((uint64_t)vector);
}

bool check_fault(int vector, int expected, const char *what)
{
    return check(vector == expected, "%s gives %s, not %s", what, fault_name(vector),
                 fault_name(expected));
}

void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message("  note", format, arguments);
    va_end(arguments);
}

uint64_t selftest_option(const char *key, uint64_t otherwise)
{
    char text[24];
    uint64_t number = otherwise;
    if (boot_option(key, text, sizeof(text)))
        parse_number(text, &number);
    return number;
}

uint64_t selftest_pattern(uint64_t word)
{
    return (word + 1) * 0x9e3779b97f4a7c15ull;
}

uint64_t selftest_hypervisor_page(void)
{
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        if (boot_info.memory[i].type == BOOT_MEMORY_HYPERVISOR)
            return boot_info.memory[i].base;
    }
    panic("the hypervisor owns no memory");
}

static void call_test(void *argument)
{
    const struct selftest *test = argument;
    test->run();
}

static void run_where_it_belongs(const struct selftest *test)
{
    switch (test->place) {
    case SELFTEST_ONCE:
        test->run();
        break;
    case SELFTEST_EACH:
        test->run();
        for (uint32_t i = 1; i < cpu_count; i++) {
            smp_call(i, call_test, (void *)test);
            smp_wait(i);
        }
        break;
    case SELFTEST_TOGETHER:
        smp_call_all(call_test, (void *)test);
        break;
    }
}

/* Returns the number of failed checks. */
static uint32_t run_test(const struct selftest *test)
{
    current = test;
    checks = 0;
    failure_count = 0;
    run_where_it_belongs(test);
    if (failure_count == 0)
        print("ok %s: %u checks on %u VPs\n", test->name, checks, cpu_count);
    else
        print("FAIL %s: %u of %u checks failed\n", test->name, failure_count, checks);
    return failure_count;
}

/* Whether the comma-separated @list has @name. */
static bool list_has(const char *list, const char *name)
{
    size_t length = strlen(name);
    while (*list) {
        size_t word = 0;
        while (list[word] && list[word] != ',')
            word++;
        if (word == length && strncmp(list, name, length) == 0)
            return true;
        list += word + (list[word] == ',');
    }
    return false;
}

/* Names on the command line that no test has count as failures: a typing error must not look like
 * success. */
static uint32_t check_names(const char *list)
{
    uint32_t unknown = 0;
    while (*list) {
        size_t word = 0;
        while (list[word] && list[word] != ',')
            word++;
        bool found = false;
        for (size_t i = 0; i < TEST_COUNT; i++)
            found |= strlen(tests[i]->name) == word && strncmp(tests[i]->name, list, word) == 0;
        if (!found) {
            print("FAIL %.*s: there is no such test\n", (int)word, list);
            unknown++;
        }
        list += word + (list[word] == ',');
    }
    return unknown;
}

static _Noreturn void finish(void)
{
    char after[16] = "poweroff";
    boot_option("after", after, sizeof(after));
    if (strcmp(after, "reboot") == 0)
        power_reset();
    if (strcmp(after, "halt") == 0)
        power_halt();
    power_off();
}

_Noreturn void selftest_run(void)
{
    char list[256] = "";
    boot_option("selftest", list, sizeof(list));
    uint32_t failures = check_names(list);
    for (size_t i = 0; i < TEST_COUNT; i++) {
        bool wanted = list[0] ? list_has(list, tests[i]->name) : !tests[i]->only_by_name;
        if (wanted)
            failures += run_test(tests[i]);
    }
    if (failures == 0)
        print("RESULT PASS\n");
    else
        print("RESULT FAIL %u\n", failures);
    finish();
}
