#include "vsc/demo/hostile.h"

#include <stddef.h>

#include "include/child_start.h"
#include "include/hv/msr.h"
#include "include/hv/synic.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/options.h"
#include "vsc/demo/paging.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/stimer.h"
#include "vsc/demo/vp.h"

#define STORM_VECTOR VECTOR_TEST
#define STORM_MS 100
#define SELFMOD_ROUNDS 2000
#define CRASH_PARAMETERS 5
#define CRASH_REPEATS 20

static _Noreturn void triple_fault(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};

    print("triplefault\n");
    __asm__ volatile("lidt %0; ud2" ::"m"(none));
    __builtin_unreachable();
}

static _Noreturn void spin(void)
{
    print("spin\n");
    interrupts_disable();
    for (;;)
        cpu_pause();
}

static volatile uint64_t storm_end;

/* Each VP to each, itself too, in all ways. */
static void storm_send(void *argument)
{
    (void)argument;
    while (rdtsc() < storm_end) {
        lapic_send(0, LAPIC_ICR_SHORTHAND_ALL | LAPIC_ICR_ASSERT | STORM_VECTOR);
        for (uint32_t i = 0; i < smp_count(); i++)
            lapic_send_vp(i, STORM_VECTOR);
        lapic_send_self(STORM_VECTOR);
    }
}

static void storm(void)
{
    uint64_t total = 0;

    storm_end = clock_deadline(option_number("storm", 0, STORM_MS) * 1000);
    interrupts_enable();
    for (uint32_t i = 1; i < smp_count(); i++)
        smp_call_begin(i, storm_send, NULL);
    storm_send(NULL);
    for (uint32_t i = 1; i < smp_count(); i++) {
        if (!smp_call_wait(i))
            die("storm: VP %u does not end", i);
    }
    for (uint32_t i = 0; i < smp_count(); i++)
        total += vps[i].interrupts[STORM_VECTOR];
    print("storm: %llu interrupts\n", (unsigned long long)total);
    interrupts_disable();
}

/* Lets messages and events be written over the two top page tables. The partition may well break;
 * nobody else may. */
static void synic_over_page_tables(void)
{
    uint64_t root = paging_root();

    print("synicpt\n");
    interrupts_disable();
    wrmsr(HV_X64_MSR_SIMP, root | HV_SYNIC_ENABLE);
    wrmsr(HV_X64_MSR_SIEFP, (root + PAGE_SIZE) | HV_SYNIC_ENABLE);
    wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_ENABLE);
    wrmsr(HV_X64_MSR_SINT0, VECTOR_SINT);
    wrmsr(HV_X64_MSR_SINT0 + CHILD_SINT, VECTOR_SINT);
    stimer_set_count(0, 1);
    stimer_set_config(0, stimer_to_sint(0) | HV_STIMER_ENABLE);
    outl(CHILD_PORT_EVENT, 0);
    paging_load();
    outl(CHILD_PORT_EVENT, 1);
    print("synicpt: survived\n");
    child_exit(0);
}

/* An access to a register that is not mapped, in code that another VP changes meanwhile. */
static uint8_t changing_code[16] __attribute__((aligned(16))) = {0x89, 0x07, 0xc3}; /* MOV; RET */
static volatile bool changing_end;

static void change_code(void *argument)
{
    /* MOV to memory, from memory, ADD (for which nobody has a meaning there), NOP; of memory. */
    static const uint16_t forms[] = {0x0789, 0x078b, 0x0701, 0x9090, 0x0b0f};

    (void)argument;
    for (unsigned i = 0; !changing_end; i++)
        __atomic_store_n((uint16_t *)changing_code, forms[i % 5], __ATOMIC_RELAXED);
}

static void run_changing_code(void *argument)
{
    __asm__ volatile("call *%1"
                     :
                     : "D"(argument), "r"(changing_code), "a"(0x11223344)
                     : "cc", "memory");
}

static void self_modification(void)
{
    unsigned faults = 0;

    changing_end = false;
    interrupts_enable();
    if (smp_count() > 1)
        smp_call_begin(1, change_code, NULL);
    for (unsigned i = 0; i < SELFMOD_ROUNDS; i++) {
        struct fault fault;

        if (smp_count() == 1)
            changing_code[0] = i % 2 == 0 ? 0x89 : 0x8b;
        faults += fault_try(&fault, run_changing_code, (void *)CHILD_MMIO_BASE);
    }
    changing_end = true;
    if (smp_count() > 1 && !smp_call_wait(1))
        die("selfmod: VP 1 does not end");
    interrupts_disable();
    print("selfmod: %u accesses, %u faults\n", SELFMOD_ROUNDS, faults);
}

/* Tells the parent that this system has crashed; goes on if it is let. */
static void crash(void)
{
    for (uint32_t i = 0; i < CRASH_PARAMETERS; i++) {
        wrmsr(HV_X64_MSR_CRASH_P0 + i, 0xc0de0000 + i);
        if (rdmsr(HV_X64_MSR_CRASH_P0 + i) != 0xc0de0000 + i)
            die("crash: parameter %u is not kept", i);
    }
    if (!(rdmsr(HV_X64_MSR_CRASH_CTL) & HV_X64_MSR_CRASH_CTL_NOTIFY))
        die("crash: CRASH_CTL does not offer to notify");
    print("crash\n");
    /* A guest that repeats itself is not listened to; nor are texts that it does not have. */
    for (uint32_t i = 0; i < CRASH_REPEATS; i++)
        wrmsr(HV_X64_MSR_CRASH_CTL,
              HV_X64_MSR_CRASH_CTL_NOTIFY | (i % 2 == 0 ? HV_X64_MSR_CRASH_CTL_MESSAGE : 0));
    print("crash: goes on\n");
}

void hostile_run(void)
{
    if (option("storm"))
        storm();
    if (option("selfmod"))
        self_modification();
    if (option("fuzz"))
        fuzz_run();
    if (option("hostile"))
        hostile_bus_run();
    if (option("torn"))
        hostile_torn_run();
    if (option("synicpt") && hyperv_present())
        synic_over_page_tables();
    if (option("crash") && hyperv_present())
        crash();
    if (option("triplefault"))
        triple_fault();
    if (option("spin"))
        spin();
}
