/* Self tests "flush" and "nmi": what one CPU asks of the hypervisor while others ask, too, or are
 * just leaving it. */
#include <stddef.h>

#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/smp.h"
#include "parent/kernel/time.h"

#define FLUSHES 1024       /* by all CPUs, and at all CPUs */
#define FLUSHES_AT_LEAST 4 /* by each */
#define NMI_ROUNDS 400
#define NMI_LIMIT_MICROSECONDS 1000000
#define NMI_SETTLE_MICROSECONDS 100

/* Each write of the MSR makes all LPs drop their nested translations and waits for them. A request
 * that is never answered is a test that never ends. */
static void run_flush(void)
{
    uint64_t present = rdmsr(HV_X64_MSR_HYPERCALL);
    uint32_t flushes = FLUSHES / (cpu_count * cpu_count);

    if (flushes < FLUSHES_AT_LEAST)
        flushes = FLUSHES_AT_LEAST;
    if (!(present & HV_X64_MSR_HYPERCALL_LOCKED))
        for (uint32_t i = 0; i < flushes; i++)
            wrmsr(HV_X64_MSR_HYPERCALL, present);
    check_equal(rdmsr(HV_X64_MSR_HYPERCALL), present, "the hypercall MSR");
}

/* Rounds that the sender has begun and the target is ready for. */
static uint32_t nmi_begun, nmi_ready;

static bool nmi_arrives(uint64_t old)
{
    const uint64_t *count = &this_cpu()->nmi_count;
    uint64_t start = rdtsc(), limit = time_to_tsc(NMI_LIMIT_MICROSECONDS);

    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) == old)
        if (rdtsc() - start > limit)
            return false;
    return true;
}

static void begin_round(uint32_t round)
{
    __atomic_store_n(&nmi_ready, round, __ATOMIC_RELEASE);
    while (__atomic_load_n(&nmi_begun, __ATOMIC_ACQUIRE) != round)
        cpu_pause();
}

/* Leaves for the hypervisor once a round, and then not again: only the NMI itself can end the
 * waiting. */
static void receive_nmis(void *argument)
{
    (void)argument;
    for (uint32_t round = 1; round <= NMI_ROUNDS; round++) {
        uint64_t old = this_cpu()->nmi_count;

        begin_round(round);
        cpuid(0, 0);
        check(nmi_arrives(old), "the NMI of round %u has not arrived", round);
        check_equal(this_cpu()->nmi_count, old + 1, "number of NMIs");
    }
}

/* Two at a time may be one when they arrive. */
static void receive_pairs(void *argument)
{
    (void)argument;
    for (uint32_t round = 1; round <= NMI_ROUNDS; round++) {
        uint64_t old = this_cpu()->nmi_count;

        begin_round(round);
        check(nmi_arrives(old), "no NMI of pair %u has arrived", round);
    }
}

static void delay(uint32_t rounds)
{
    for (volatile uint32_t i = 0; i < rounds; i = i + 1)
        ;
}

static void begin_target_round(uint32_t round)
{
    while (__atomic_load_n(&nmi_ready, __ATOMIC_ACQUIRE) != round)
        cpu_pause();
    __atomic_store_n(&nmi_begun, round, __ATOMIC_RELEASE);
}

/* NMIs a little later each time, so that they meet the target's exit and its end. */
static void send_nmis(uint32_t target)
{
    nmi_begun = nmi_ready = 0;
    smp_call(target, receive_nmis, NULL);
    for (uint32_t round = 1; round <= NMI_ROUNDS; round++) {
        begin_target_round(round);
        delay(round);
        lapic_send_nmi(cpus[target]->apic_id);
    }
    smp_wait(target);
}

/* The second of two a little later each time, so that it meets the end of the first one's handler.
 * A handler that is entered twice loses the way back. */
static void send_pairs(uint32_t target)
{
    uint64_t before = cpus[target]->nmi_count;

    nmi_begun = nmi_ready = 0;
    smp_call(target, receive_pairs, NULL);
    for (uint32_t round = 1; round <= NMI_ROUNDS; round++) {
        begin_target_round(round);
        lapic_send_nmi(cpus[target]->apic_id);
        delay(round);
        lapic_send_nmi(cpus[target]->apic_id);
        time_delay(NMI_SETTLE_MICROSECONDS);
    }
    smp_wait(target);
    note("%lu of %u NMIs in pairs arrived", cpus[target]->nmi_count - before, 2 * NMI_ROUNDS);
}

static void run_nmi(void)
{
    if (cpu_count == 1)
        return;
    send_nmis(1);
    send_pairs(1);
}

const struct selftest selftest_flush = {"flush", run_flush, SELFTEST_TOGETHER, false};
const struct selftest selftest_nmi = {"nmi", run_nmi, SELFTEST_ONCE, false};
