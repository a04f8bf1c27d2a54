/* Per-VP state of the kernel, descriptor tables and control registers. A VP of the root is a
 * logical processor for as long as the root runs on it, so the kernel calls it a CPU. */
#ifndef VENEER_PARENT_CPU_H
#define VENEER_PARENT_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hv/hypercall.h"

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

/* 64-bit task state segment (Intel SDM vol. 3, 7.7). */
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "TSS layout");

/* The last exception that fault_try() caught; see fault.h. */
struct fault {
    uint64_t vector;
    uint64_t error_code; /* 0 if the vector has none */
    uint64_t rip;        /* of the instruction */
    uint64_t address;    /* CR2, for page faults */
};

/* GS base of a CPU is the address of its struct cpu. Changed by that CPU only, but for what is said
 * to be atomic. */
struct cpu {
    struct cpu *self;     /* offsets 0 to 16 are known to the assembly files */
    uint64_t fault_stack; /* RSP to resume at, 0: exceptions are not caught (fault.asm) */
    struct tss tss;
    uint32_t index; /* VP index */
    uint32_t apic_id;
    uint32_t interrupt_depth; /* > 0: in a handler of an interrupt or NMI */
    uint32_t online;          /* atomic */
    struct fault fault;
    uint64_t gdt[GDT_ENTRIES];
    uint64_t stack; /* top of its own stack */

    uint64_t nmi_count;
    uint64_t timer_count;     /* timer interrupts */
    uint64_t interrupt_count; /* all interrupts */

    /* One call for the idle loop to make (smp.c). */
    void (*call)(void *argument); /* atomic; NULL when it has been made */
    void *call_argument;
    uint32_t caller; /* VP index of the CPU that waits for it */

    /* Blocks for hypercalls, one page each; used with interrupts off. */
    void *hypercall_input, *hypercall_output;
};

_Static_assert(offsetof(struct cpu, self) == 0, "assembly files know it");
_Static_assert(offsetof(struct cpu, fault_stack) == 8, "assembly files know it");
_Static_assert(offsetof(struct cpu, tss) == 16, "assembly files know it");

/* By VP index; NULL above cpu_count. Constant when all are started. */
extern struct cpu *cpus[MAX_CPUS];
extern uint32_t cpu_count;

/* The CPU that executes this. With interrupts on, only as long as nothing moves threads. */
static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
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
