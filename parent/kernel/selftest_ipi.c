/* Self tests "ipi" and "init": interrupts between CPUs. */
#include "lib/x86/cpu.h"
#include "lib/x86/lapic.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/smp.h"
#include "parent/kernel/timer.h"

#define ROUNDS 10
#define ARRIVAL_LIMIT_MICROSECONDS 2000000
#define SETTLE_MICROSECONDS 2000

static uint64_t received[MAX_CPUS]; /* interrupts on VECTOR_TEST */

static void count_test_interrupt(void)
{
    received[this_cpu()->index]++;
}

/* Waits until *@counter has left @old, but not for ever. */
static void wait_for_change(const uint64_t *counter, uint64_t old)
{
    uint64_t start = rdtsc();
    uint64_t limit = timer_tsc_ticks(ARRIVAL_LIMIT_MICROSECONDS);
    while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) == old && rdtsc() - start < limit)
        cpu_pause();
}

static void send_interrupts(uint32_t target)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t old = received[target];
        lapic_send_interrupt(cpus[target]->apic_id, VECTOR_TEST);
        wait_for_change(&received[target], old);
        check(received[target] == old + 1, "%lu of 1 interrupts arrived at VP %u",
              received[target] - old, target);
    }
}

static void send_nmis(uint32_t target)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t old = cpus[target]->nmi_count;
        lapic_send_nmi(cpus[target]->apic_id);
        wait_for_change(&cpus[target]->nmi_count, old);
        check(cpus[target]->nmi_count == old + 1, "%lu of 1 NMIs arrived at VP %u",
              cpus[target]->nmi_count - old, target);
    }
}

static void run_ipi(void)
{
    uint64_t spurious = interrupt_spurious_count();
    interrupt_register(VECTOR_TEST, count_test_interrupt);
    for (uint32_t target = 0; target < cpu_count; target++) {
        send_interrupts(target);
        send_nmis(target);
    }
    check_equal(interrupt_spurious_count(), spurious, "number of spurious interrupts");
}

const struct selftest selftest_ipi = {"ipi", run_ipi, SELFTEST_EACH, false};

static void count_call(void *argument)
{
    ++*(uint64_t *)argument;
}

/* INIT, and STARTUP for the page at 0, must leave the others where they are. Where the hypervisor
 * cannot prevent it (AMD-V without VM_CR.R_INIT), this takes the machine down. */
static void run_init(void)
{
    for (uint32_t target = 1; target < cpu_count; target++) {
        uint64_t calls = 0;
        lapic_send(cpus[target]->apic_id, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_ASSERT);
        timer_delay(SETTLE_MICROSECONDS);
        lapic_send(cpus[target]->apic_id, LAPIC_ICR_DELIVERY_STARTUP | LAPIC_ICR_ASSERT);
        timer_delay(SETTLE_MICROSECONDS);
        smp_call(target, count_call, &calls);
        wait_for_change(&calls, 0);
        check_equal(calls, 1, "number of calls after INIT and STARTUP");
    }
}

const struct selftest selftest_init = {"init", run_init, SELFTEST_ONCE, true};
