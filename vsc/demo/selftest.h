/* Self tests: what a guest may rely on. A test checks, and says what failed; selftest.c has the
 * table. They run on VP 0 with interrupts on, no test vector in use, the others idle. */
#ifndef VENEER_VSC_DEMO_SELFTEST_H
#define VENEER_VSC_DEMO_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

/* Runs those that the command line names; whether all passed. */
bool selftest_run(void);

/* If @ok is false, prints what failed. Gives @ok. Any VP. */
#define check(ok, ...) ((ok) ? true : check_failed(__VA_ARGS__))

/* Returns false. */
bool check_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Checks that @value is @expected; @what names it. */
bool check_equal(uint64_t value, uint64_t expected, const char *what);

/* Checks the vector of a fault_try() and its like: @expected may be FAULT_NONE. */
bool check_fault(int vector, int expected, const char *what);

/* Prints a fact that people may want to see. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* VPs that VP 0 was told of at its start. */
extern uint32_t selftest_vp_count;

void test_cpuid(void);
void test_msr(void);
void test_synthetic_msr(void);
void test_hypercall(void);
void test_hypercall_denied(void);
void test_ports(void);
void test_strings(void);
void test_posted(void);
void test_mirrored(void);
void test_mmio(void);
void test_asserted(void);
void test_lapic(void);
void test_priority(void);
void test_logical(void);
void test_ipi(void);
void test_timer(void);
void test_deadline(void);
void test_hlt(void);
void test_window(void);
void test_nmi(void);
void test_exceptions(void);
void test_page_faults(void);
void test_double_fault(void);
void test_step(void);
void test_debug(void);
void test_synic(void);
void test_events(void);
void test_messages(void);
void test_signal(void);
void test_vmbus(void);
void test_stimer(void);
void test_stimer_modes(void);
void test_stimer_queue(void);
void test_time(void);
void test_assist(void);
void test_cluster_ipi(void);
void test_flush(void);
void test_smp(void);
void test_modes(void);
void test_tsc(void);
void test_fpu(void);
void test_fpu_start(void);

#endif
