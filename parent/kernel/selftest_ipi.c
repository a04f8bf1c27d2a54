/* Self tests "ipi", "storm" and "init": interrupts between CPUs. */
#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "lib/x86/lapic.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/smp.h"
#include "parent/kernel/time.h"

#define ROUNDS 10
#define ARRIVAL_LIMIT_MICROSECONDS 2000000
#define SETTLE_MICROSECONDS 2000
#define STORM_ROUNDS 300

static uint64_t received[MAX_CPUS]; /* interrupts on VECTOR_TEST */

static void count_test_interrupt(void)
{
    received[this_cpu()->index]++;
}

/* Waits until *@counter has left @old, but not for ever. */
static void wait_for_change(const uint64_t *counter, uint64_t old)
{
    uint64_t start = rdtsc();
    uint64_t limit = time_to_tsc(ARRIVAL_LIMIT_MICROSECONDS);
    while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) == old && rdtsc() - start < limit)
        spin_wait();
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

static uint64_t sent[MAX_CPUS]; /* NMIs to each CPU; atomic */

/* Interrupts and NMIs to all CPUs in turn, while this one leaves its guest for other reasons and
 * gets as much. */
static void send_storm(void *argument)
{
    uint64_t partition_id;
    (void)argument;
    for (uint32_t i = 0; i < STORM_ROUNDS; i++) {
        uint32_t target = (this_cpu()->index + i) % cpu_count;
        __atomic_fetch_add(&sent[target], 1, __ATOMIC_RELAXED);
        lapic_send_nmi(cpus[target]->apic_id);
        lapic_send_interrupt(cpus[target]->apic_id, VECTOR_TEST);
        check_equal(hyperv_get_partition_id(&partition_id), HV_STATUS_SUCCESS, "hypercall status");
    }
}

/* NMIs that come while one is pending merge with it, so only limits are certain. */
static void run_storm(void)
{
    static uint64_t before[MAX_CPUS];
    interrupt_register(VECTOR_TEST, count_test_interrupt);
    for (uint32_t i = 0; i < cpu_count; i++) {
        before[i] = cpus[i]->nmi_count;
        sent[i] = 0;
    }
    smp_call_all(send_storm, NULL);
    time_delay(SETTLE_MICROSECONDS);
    for (uint32_t i = 0; i < cpu_count; i++) {
        uint64_t arrived = cpus[i]->nmi_count - before[i];
        check(arrived > 0 && arrived <= sent[i], "%lu of %lu NMIs arrived at VP %u", arrived,
              sent[i], i);
    }
    for (uint32_t i = 0; i < cpu_count; i++)
        send_nmis(i);
}

const struct selftest selftest_storm = {"storm", run_storm, SELFTEST_ONCE, false};

static void count_call(void *argument)
{
    ++*(uint64_t *)argument;
}

/* What a processor would execute that INIT and STARTUP take away from the hypervisor: it leaves a
 * mark and halts. */
#define STARTUP_PAGE 0x8000
#define STARTUP_MARK_OFFSET 0x100
#define STARTUP_MARK 0x5a

static volatile uint8_t *place_startup_code(void)
{
    /* mov byte [cs:0x100], 0x5a; cli; hlt */
    static const uint8_t code[] = {0x2e, 0xc6, 0x06, 0x00, 0x01, STARTUP_MARK, 0xfa, 0xf4};
    uint8_t *page = direct_map(STARTUP_PAGE);

    memcpy(page, code, sizeof(code));
    page[STARTUP_MARK_OFFSET] = 0;
    return page + STARTUP_MARK_OFFSET;
}

static uint64_t exits_of(uint32_t vp_index)
{
    struct hv_output_veneer_get_exit_counts counts = {0};
    check_equal(hyperv_get_exit_counts(vp_index, &counts), HV_STATUS_SUCCESS,
                "status of the exit counts");
    return counts.total;
}

/* INIT and STARTUP must not take another processor away from the hypervisor. A processor drops the
 * INIT after the exit for it, so the target goes on; Bochs 2.7 keeps it pending, so the target is
 * stopped by exits without end, but still in the hypervisor's hands. Where the hypervisor cannot
 * prevent it (AMD-V without VM_CR.R_INIT), this takes the machine down. */
static void run_init(void)
{
    volatile uint8_t *mark = place_startup_code();

    for (uint32_t target = 1; target < cpu_count; target++) {
        uint64_t calls = 0, before = exits_of(target);
        lapic_send(cpus[target]->apic_id, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_ASSERT);
        time_delay(SETTLE_MICROSECONDS);
        lapic_send(cpus[target]->apic_id,
                   LAPIC_ICR_DELIVERY_STARTUP | LAPIC_ICR_ASSERT | STARTUP_PAGE >> PAGE_SHIFT);
        time_delay(SETTLE_MICROSECONDS);
        check_equal(*mark, 0, "mark of the code that STARTUP named");
        uint64_t exits = exits_of(target) - before;
        check(exits > 0, "no exit of VP %u for INIT", target);
        smp_call(target, count_call, &calls);
        wait_for_change(&calls, 0);
        note("VP %u: %lu exits for INIT, and it %s", target, exits,
             calls == 1 ? "goes on" : "is held by them");
    }
}

const struct selftest selftest_init = {"init", run_init, SELFTEST_ONCE, true};
