/* Self tests of the system from the parent's side: what the hypervisor promises, checked on all
 * CPUs. Run by "selftest[=name,name...]" on the command line. */
#ifndef VENEER_PARENT_SELFTEST_H
#define VENEER_PARENT_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the command line asks for self tests. */
bool selftest_wanted(void);

/* Runs them, prints "RESULT PASS" or "RESULT FAIL n", and does what "after=" says: poweroff (if
 * nothing is said), reboot or halt. VP 0; all others are idle. */
_Noreturn void selftest_run(void);

/* Makes the fault that "fault=" on the command line names, if any. VP 0, all VPs started. */
void selftest_fault(void);

/* While VP @vp_index waits for its start in context @good: tries to start it in bad ones. Test
 * "start" reports. */
struct hv_initial_vp_context;
void selftest_try_bad_contexts(uint32_t vp_index, const struct hv_initial_vp_context *good);

/* Where a test runs. */
enum selftest_place {
    SELFTEST_ONCE,     /* VP 0, while the others are idle */
    SELFTEST_EACH,     /* each CPU, one after the other */
    SELFTEST_TOGETHER, /* all CPUs at the same time */
};

struct selftest {
    const char *name;
    void (*run)(void);
    enum selftest_place place;
    bool only_by_name; /* not part of a plain "selftest" */
};

extern const struct selftest selftest_basic, selftest_start, selftest_exits, selftest_ipi,
    selftest_storm, selftest_flush, selftest_nmi, selftest_protect, selftest_instructions,
    selftest_msr, selftest_hypercall, selftest_fuzz, selftest_lapic, selftest_memory,
    selftest_sched, selftest_timer, selftest_irq, selftest_process, selftest_bench, selftest_disk,
    selftest_disk_errors, selftest_disk_stall, selftest_input, selftest_net, selftest_net_link,
    selftest_no_disk, selftest_disk_calls, selftest_partitions, selftest_init, selftest_vid,
    selftest_child_state, selftest_child_spin, selftest_child_delete, selftest_child_unmap,
    selftest_child_rounds, selftest_child_nmi, selftest_child_access, selftest_child_delete,
    selftest_child_unmap, selftest_child_rounds, selftest_child_fuzz, selftest_child_time,
    selftest_child_intercepts, selftest_child_dirty, selftest_child_no_access, selftest_child_idle,
    selftest_child_deliverable, selftest_child_msr_action, selftest_child_tsc_aux, selftest_switch,
    selftest_switch_link, selftest_port;

/* For the tests: counts a check; if @ok is false, prints what failed. Gives @ok. Any CPU. A macro,
 * so that static analysis sees what holds behind it. */
#define check(ok, ...) (check_count(), (ok) ? true : check_failed(__VA_ARGS__))

void check_count(void);

/* Returns false. */
bool check_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Checks that @value is @expected; @what names it. */
bool check_equal(uint64_t value, uint64_t expected, const char *what);

/* Checks the result of a fault_try() or try_*(): @expected is a vector or FAULT_NONE. */
bool check_fault(int vector, int expected, const char *what);

/* Physical address of a page that the hypervisor owns. */
uint64_t selftest_hypervisor_page(void);

/* The number that the command line gives for @key, or @otherwise. */
uint64_t selftest_option(const char *key, uint64_t otherwise);

/* What the test harness puts into disks and files: a 64-bit word by its number
 * (tests/system/pattern.py). */
uint64_t selftest_pattern(uint64_t word);

/* Prints a fact that people may want to see. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
