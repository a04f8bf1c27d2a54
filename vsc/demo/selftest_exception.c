/* Tests of exceptions: faults, double faults, single steps, breakpoints. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/paging.h"
#include "vsc/demo/probes.h"

#define PF_PRESENT 1u
#define PF_WRITE 2u
#define PF_FETCH 16u
#define NOT_CANONICAL 0x8000000000000000ull

/* DR7: local breakpoint 0 for writes of 4 bytes. */
#define DR7_WATCH_0 (1ull | 1ull << 16 | 3ull << 18)
#define DR7_FIXED (1ull << 10)
#define DR6_B0 1ull

static uint8_t page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void do_divide(void *argument)
{
    (void)argument;
    __asm__ volatile("divl %0" ::"r"(0), "a"(1), "d"(0) : "cc");
}

static void do_undefined(void *argument)
{
    (void)argument;
    __asm__ volatile("ud2");
}

static void do_breakpoint(void *argument)
{
    (void)argument;
    __asm__ volatile("int3");
}

static void do_read(void *argument)
{
    (void)*(volatile uint32_t *)argument;
}

static void do_write(void *argument)
{
    *(volatile uint32_t *)argument = 1;
}

static void do_execute(void *argument)
{
    void (*function)(void) = argument;

    function();
}

static void do_load_selector(void *argument)
{
    (void)argument;
    __asm__ volatile("movw %w0, %%es" ::"r"(0x7ff8));
}

static void do_not_available(void *argument)
{
    (void)argument;
    __asm__ volatile("fnop");
}

static void check_exception(void (*function)(void *), void *argument, int vector, uint64_t error,
                            const char *what)
{
    struct fault fault;

    fault_try(&fault, function, argument);
    if (check_fault(fault.vector, vector, what))
        check_equal(fault.error, error, what);
}

void test_exceptions(void)
{
    check_exception(do_divide, NULL, X86_VECTOR_DE, 0, "a division by 0");
    check_exception(do_undefined, NULL, X86_VECTOR_UD, 0, "UD2");
    check_exception(do_breakpoint, NULL, X86_VECTOR_BP, 0, "INT3");
    check_exception(do_read, (void *)NOT_CANONICAL, X86_VECTOR_GP, 0, "a bad address");
    check_exception(do_load_selector, NULL, X86_VECTOR_GP, 0x7ff8, "a bad selector");
    write_cr0(read_cr0() | CR0_TS);
    check_exception(do_not_available, NULL, X86_VECTOR_NM, 0, "x87 with CR0.TS");
    write_cr0(read_cr0() & ~CR0_TS);
}

static void check_page_fault(void (*function)(void *), uint64_t address, uint64_t error,
                             const char *what)
{
    struct fault fault;

    fault_try(&fault, function, (void *)address);
    if (!check_fault(fault.vector, X86_VECTOR_PF, what))
        return;
    check_equal(fault.error, error, what);
    check_equal(fault.cr2, address, "CR2");
}

void test_page_faults(void)
{
    uint64_t address = paging_window(0, 0, 0) + 0x10;
    struct fault fault;

    check_page_fault(do_read, address, 0, "a read of nothing");
    check_page_fault(do_write, address, PF_WRITE, "a write to nothing");
    paging_window(0, (uint64_t)page, PTE_PRESENT | PTE_NO_EXECUTE);
    invlpg(address);
    fault_try(&fault, do_read, (void *)address);
    check_fault(fault.vector, FAULT_NONE, "a read of a read-only page");
    check_page_fault(do_write, address, PF_WRITE | PF_PRESENT, "a write to a read-only page");
    check_page_fault(do_execute, address, PF_FETCH | PF_PRESENT, "a jump to data");
    paging_window(0, 0, 0);
    invlpg(address);
}

void test_double_fault(void)
{
    struct fault fault;

    fault_try(&fault, probe_bad_stack, (void *)(paging_window(1, 0, 0) + 0x800));
    if (check_fault(fault.vector, X86_VECTOR_DF, "an exception without a stack"))
        check_equal(fault.error, 0, "its error code");
    fault_try(&fault, do_undefined, NULL);
    check_fault(fault.vector, X86_VECTOR_UD, "UD2 after that");
}

static uint64_t step_places[32];
static unsigned step_count;

static void on_step(struct interrupt_frame *frame)
{
    uint64_t dr6;

    __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%dr6" ::"r"(0ull));
    if (dr6 & DR6_BS && step_count < sizeof(step_places) / sizeof(step_places[0]))
        step_places[step_count++] = frame->rip;
}

/* How many traps of @function came at @place. */
static unsigned steps_at(const uint8_t *place)
{
    unsigned count = 0;

    for (unsigned i = 0; i < step_count; i++)
        count += step_places[i] == (uint64_t)place;
    return count;
}

void test_step(void)
{
    interrupts_disable();
    interrupt_set(X86_VECTOR_DB, on_step, EOI_OWN);
    step_count = 0;
    probe_step_cpuid();
    check_equal(steps_at(probe_step_behind), 1, "traps behind CPUID");
    check_equal(steps_at(probe_step_behind_rdmsr), 1, "traps behind RDMSR");
    step_count = 0;
    probe_ss_shadow();
    check_equal(steps_at(probe_ss_shadow_before), 0, "traps behind MOV SS");
    check_equal(steps_at(probe_ss_shadow_behind), 1, "traps behind MOV SS; CPUID");
    interrupt_set(X86_VECTOR_DB, NULL, EOI_OWN);
    interrupts_enable();
}

static volatile uint64_t watch_dr6;
static volatile unsigned watch_count;

static void on_watch(struct interrupt_frame *frame)
{
    uint64_t dr6;

    (void)frame;
    __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%dr6" ::"r"(0ull));
    watch_dr6 = dr6;
    watch_count++;
}

void test_debug(void)
{
    static volatile uint32_t watched;
    uint64_t address = (uint64_t)&watched, value;

    watch_count = 0;
    interrupt_set(X86_VECTOR_DB, on_watch, EOI_OWN);
    __asm__ volatile("mov %0, %%dr0" ::"r"(address));
    __asm__ volatile("mov %0, %%dr3" ::"r"(0x123456ull));
    __asm__ volatile("mov %0, %%dr7" ::"r"(DR7_WATCH_0 | DR7_FIXED));
    cpuid(0, 0);
    watched = 1;
    check_equal(watch_count, 1, "traps by a watched write");
    check(watch_dr6 & DR6_B0, "DR6 is 0x%llx", (unsigned long long)watch_dr6);
    __asm__ volatile("mov %%dr3, %0" : "=r"(value));
    check_equal(value, 0x123456, "DR3");
    __asm__ volatile("mov %%dr7, %0" : "=r"(value));
    check_equal(value, DR7_WATCH_0 | DR7_FIXED, "DR7");
    __asm__ volatile("mov %0, %%dr7" ::"r"(DR7_FIXED));
    watched = 2;
    check_equal(watch_count, 1, "traps after DR7 is off");
    interrupt_set(X86_VECTOR_DB, NULL, EOI_OWN);
}
