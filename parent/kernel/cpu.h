/* Per-VP state of the kernel, descriptor tables and control registers. A VP of the root is a
 * logical processor for as long as the root runs on it, so the kernel calls it a CPU. */
#ifndef VENEER_PARENT_CPU_H
#define VENEER_PARENT_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hv/hypercall.h"
#include "lib/x86/tss.h"
#include "parent/kernel/mm/page_cache.h"
#include "parent/kernel/sched/thread.h"
#include "parent/kernel/timer.h"

#define MAX_CPUS 256

/* Segment selectors, in the order that SYSCALL and SYSRET want. */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TSS 0x28
#define GDT_ENTRIES 7

/* Entries of the TSS's interrupt stack table: exceptions that may hit while the stack is not
 * usable. */
#define IST_NMI 1
#define IST_DOUBLE_FAULT 2
#define IST_MACHINE_CHECK 3
#define IST_DEBUG 4

/* GS base of a CPU is the address of its struct cpu. Changed by that CPU only, but for what is said
 * to be atomic. */
struct cpu {
    struct cpu *self;      /* offsets up to user_rsp are known to the assembly files */
    struct thread *thread; /* that runs; its kernel stack is rsp[0] of the TSS */
    struct tss tss;
    uint64_t user_rsp; /* of ring 3, while a system call enters (syscall.asm) */
    uint32_t index;    /* VP index */
    uint32_t apic_id;
    uint32_t interrupt_depth; /* > 0: in a handler of an interrupt or NMI */
    uint32_t online;          /* atomic */
    bool reschedule;          /* atomic: look for a more urgent thread when it is possible */
    uint64_t gdt[GDT_ENTRIES];
    uint64_t stack; /* top of its own stack */

    uint64_t nmi_count;
    uint64_t interrupt_count; /* all interrupts */

    struct run_queue run_queue;
    struct timer_queue timers;
    struct thread *call; /* that makes the present smp_call() */

    /* Debug builds: the levels of the spinlocks that this CPU holds, one bit each. */
    uint32_t lock_levels;

    struct page_cache page_cache;

    /* Blocks for hypercalls, one page each; used with interrupts off. */
    void *hypercall_input, *hypercall_output;
};

_Static_assert(offsetof(struct cpu, self) == 0, "assembly files know it");
_Static_assert(offsetof(struct cpu, thread) == 8, "assembly files know it");
_Static_assert(offsetof(struct cpu, tss) == 16, "assembly files know it");
_Static_assert(offsetof(struct cpu, user_rsp) == 120, "assembly files know it");

/* By VP index; NULL above cpu_count. Constant when all are started. */
extern struct cpu *cpus[MAX_CPUS];
extern uint32_t cpu_count;

/* The CPU that executes this. With interrupts on, a thread that is not bound to a CPU may be on
 * another one before it uses the result. */
static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

/* The thread that executes this. */
static inline struct thread *current_thread(void)
{
    struct thread *thread;
    __asm__ volatile("mov %%gs:8, %0" : "=r"(thread));
    return thread;
}

/* Whether this CPU should call sched_preempt(), in one instruction: the thread may move at any
 * time. */
static inline bool cpu_reschedule_wanted(void)
{
    bool wanted;
    __asm__ volatile("movb %%gs:%c1, %0" : "=q"(wanted) : "i"(offsetof(struct cpu, reschedule)));
    return wanted;
}

/* Makes the state of the CPU for VP @index < MAX_CPUS, with stacks, and adds it to cpus[]. */
struct cpu *cpu_create(uint32_t index);

/* Loads tables, segments and control registers of @cpu. VP 0. */
void cpu_load(struct cpu *cpu);

/* The context in which @cpu begins to execute @entry, as after cpu_load() on it. Its own stack,
 * interrupts off. */
void cpu_start_context(struct cpu *cpu, void (*entry)(void), struct hv_initial_vp_context *context);

/* Features that the kernel uses when they are there. */
bool cpu_has_smep(void);
bool cpu_has_smap(void);
bool cpu_has_umip(void);
bool cpu_has_xsave(void);

#endif
