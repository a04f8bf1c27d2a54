#include "parent/kernel/smp.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/lock.h"
#include "parent/kernel/memory.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/timer.h"

#define START_LIMIT_MICROSECONDS 5000000

void secondary_entry(void);
void secondary_main(void);

/* The interrupt only ends a HLT; the loop around it looks for what has changed. */
static void wake_up(void)
{
}

/* Called by secondary_entry, in the context that cpu_start_context() made. */
void secondary_main(void)
{
    memory_set_cache_types();
    lapic_init();
    __atomic_store_n(&this_cpu()->online, 1, __ATOMIC_RELEASE);
    cpu_idle();
}

static void wait_until_online(const struct cpu *cpu)
{
    uint64_t start = rdtsc();
    uint64_t limit = timer_tsc_ticks(START_LIMIT_MICROSECONDS);
    while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
        if (rdtsc() - start > limit)
            panic("VP %u does not start", cpu->index);
        spin_wait();
    }
}

void smp_start_all(void)
{
    interrupt_register(VECTOR_CALL, wake_up);
    if (boot_info.vp_count > MAX_CPUS)
        panic("%u VPs are more than this kernel can use", boot_info.vp_count);
    for (uint32_t i = 1; i < boot_info.vp_count; i++) {
        struct hv_initial_vp_context context;
        struct cpu *cpu = cpu_create(i);
        cpu_start_context(cpu, secondary_entry, &context);
        if (selftest_wanted())
            selftest_try_bad_contexts(i, &context);
        enum hv_status status = hyperv_start_vp(i, &context);
        if (status != HV_STATUS_SUCCESS)
            panic("the hypervisor does not start VP %u: status %xh", i, status);
        wait_until_online(cpu);
        cpu_count = i + 1;
    }
}

static bool make_call(struct cpu *cpu)
{
    void (*function)(void *) = __atomic_load_n(&cpu->call, __ATOMIC_ACQUIRE);
    uint32_t caller = cpu->caller;
    if (!function)
        return false;
    interrupts_enable();
    function(cpu->call_argument);
    __atomic_store_n(&cpu->call, NULL, __ATOMIC_RELEASE);
    lapic_send_interrupt(cpus[caller]->apic_id, VECTOR_CALL);
    return true;
}

_Noreturn void cpu_idle(void)
{
    struct cpu *cpu = this_cpu();
    for (;;) {
        interrupts_disable();
        if (make_call(cpu))
            continue;
        halt_until_interrupt();
    }
}

void smp_call(uint32_t cpu, void (*function)(void *argument), void *argument)
{
    cpus[cpu]->call_argument = argument;
    cpus[cpu]->caller = this_cpu()->index;
    __atomic_store_n(&cpus[cpu]->call, function, __ATOMIC_RELEASE);
    lapic_send_interrupt(cpus[cpu]->apic_id, VECTOR_CALL);
}

void smp_wait(uint32_t cpu)
{
    for (;;) {
        interrupts_disable();
        if (!__atomic_load_n(&cpus[cpu]->call, __ATOMIC_ACQUIRE))
            break;
        halt_until_interrupt();
    }
    interrupts_enable();
}

void smp_call_all(void (*function)(void *argument), void *argument)
{
    uint32_t self = this_cpu()->index;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (i != self)
            smp_call(i, function, argument);
    }
    function(argument);
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (i != self)
            smp_wait(i);
    }
}
