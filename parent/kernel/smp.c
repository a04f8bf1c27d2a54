#include "parent/kernel/smp.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/proc/user.h"
#include "parent/kernel/sched/scheduler.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/time.h"
#include "parent/kernel/timer.h"

#define START_LIMIT_MICROSECONDS 5000000

void secondary_entry(void);
void secondary_main(void);

/* One call for all others to make in their interrupt handlers; the mutex is whose turn it is. */
static struct mutex call_mutex;
static struct {
    void (*function)(void *argument);
    void *argument;
    uint32_t missing; /* atomic: CPUs that have not made it yet */
} call;

static void make_call(void)
{
    call.function(call.argument);
    __atomic_sub_fetch(&call.missing, 1, __ATOMIC_ACQ_REL);
}

/* Called by secondary_entry, in the context that cpu_start_context() made. */
void secondary_main(void)
{
    memory_set_cache_types();
    lapic_init();
    timer_init_cpu();
    user_init_cpu();
    __atomic_store_n(&this_cpu()->online, 1, __ATOMIC_RELEASE);
    sched_idle();
}

static void wait_until_online(const struct cpu *cpu)
{
    uint64_t start = rdtsc();
    uint64_t limit = time_to_tsc(START_LIMIT_MICROSECONDS);
    while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
        if (rdtsc() - start > limit)
            panic("VP %u does not start", cpu->index);
        spin_wait();
    }
}

void smp_start_all(void)
{
    if (boot_info.vp_count > MAX_CPUS)
        panic("%u VPs are more than this kernel can use", boot_info.vp_count);
    mutex_init(&call_mutex);
    interrupt_register(VECTOR_CALL, make_call);
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

void smp_interrupt_all(void (*function)(void *argument), void *argument)
{
    mutex_lock(&call_mutex);
    call.function = function;
    call.argument = argument;
    uint64_t flags = interrupts_save();
    uint32_t self = this_cpu()->index;
    __atomic_store_n(&call.missing, cpu_count - 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (i != self)
            lapic_send_interrupt(cpus[i]->apic_id, VECTOR_CALL);
    }
    function(argument);
    interrupts_restore(flags);
    while (__atomic_load_n(&call.missing, __ATOMIC_ACQUIRE) != 0)
        spin_wait();
    mutex_unlock(&call_mutex);
}

struct bound_call {
    void (*function)(void *argument);
    void *argument;
};

static int make_bound_call(void *argument)
{
    struct bound_call bound = *(struct bound_call *)argument;
    heap_free(argument);
    bound.function(bound.argument);
    return 0;
}

void smp_call(uint32_t cpu, void (*function)(void *argument), void *argument)
{
    struct bound_call *bound = heap_allocate(sizeof(*bound));
    if (!bound)
        panic("no memory for a call on VP %u", cpu);
    *bound = (struct bound_call){function, argument};
    cpus[cpu]->call = thread_create("call", make_bound_call, bound, PRIORITY_NORMAL, cpu);
    if (!cpus[cpu]->call)
        panic("no memory for a call on VP %u", cpu);
}

void smp_wait(uint32_t cpu)
{
    thread_join(cpus[cpu]->call);
}

void smp_call_all(void (*function)(void *argument), void *argument)
{
    for (uint32_t i = 0; i < cpu_count; i++)
        smp_call(i, function, argument);
    for (uint32_t i = 0; i < cpu_count; i++)
        smp_wait(i);
}
