#include "parent/kernel/interrupt.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/exception.h"
#include "parent/kernel/irq.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/sched/scheduler.h"

/* Gates (Intel SDM vol. 3, 6.14.1): present, interrupt gate (clears IF); bits 34:32 name the IST
 * entry. */
#define GATE_INTERRUPT 0x00008e0000000000ull
#define GATE_IST_SHIFT 32
#define GATE_RING_3 (3ull << 45)
#define STUB_SIZE 16

extern const char interrupt_stubs[];

uint64_t interrupt_table[INTERRUPT_VECTORS][2] __attribute__((aligned(16)));
static interrupt_handler_t handlers[INTERRUPT_VECTORS];
static uint64_t spurious_count;

void interrupt_dispatch(struct trap_frame *frame);

static uint64_t stack_for(unsigned vector)
{
    switch (vector) {
    case X86_VECTOR_DB:
        return IST_DEBUG;
    case X86_VECTOR_NMI:
        return IST_NMI;
    case X86_VECTOR_DF:
        return IST_DOUBLE_FAULT;
    case X86_VECTOR_MC:
        return IST_MACHINE_CHECK;
    default:
        return 0; /* the current stack */
    }
}

void interrupt_init(void)
{
    for (unsigned vector = 0; vector < INTERRUPT_VECTORS; vector++) {
        uint64_t address = (uint64_t)interrupt_stubs + vector * STUB_SIZE;
        uint64_t gate = GATE_INTERRUPT | stack_for(vector) << GATE_IST_SHIFT;
        if (vector == X86_VECTOR_BP)
            gate |= GATE_RING_3;
        gate |= (address & 0xffff) | (uint64_t)SELECTOR_KERNEL_CODE << 16;
        gate |= (address >> 16 & 0xffff) << 48;
        interrupt_table[vector][0] = gate;
        interrupt_table[vector][1] = address >> 32;
    }
}

void interrupt_register(uint8_t vector, interrupt_handler_t handler)
{
    __atomic_store_n(&handlers[vector], handler, __ATOMIC_RELEASE);
}

uint64_t interrupt_spurious_count(void)
{
    return __atomic_load_n(&spurious_count, __ATOMIC_RELAXED);
}

static void serve(unsigned vector)
{
    interrupt_handler_t handler = __atomic_load_n(&handlers[vector], __ATOMIC_ACQUIRE);
    bool known = handler != NULL;
    this_cpu()->interrupt_count++;
    if (known)
        handler();
    else if (vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST)
        known = irq_serve((uint8_t)vector);
    if (!known)
        __atomic_fetch_add(&spurious_count, 1, __ATOMIC_RELAXED);
    /* A spurious interrupt is not in service: an EOI would end another (Intel SDM vol. 3, 10.9). */
    if (vector != VECTOR_SPURIOUS)
        lapic_end_of_interrupt();
}

static void serve_any(const struct trap_frame *frame)
{
    struct cpu *cpu = this_cpu();
    cpu->interrupt_depth++;
    if (frame->vector == X86_VECTOR_NMI)
        exception_nmi();
    else
        serve((unsigned)frame->vector);
    cpu->interrupt_depth--;
}

/* Called by interrupt.asm for everything that comes. An NMI may have come anywhere, even on the way
 * to or from ring 3: after it nothing else happens. */
void interrupt_dispatch(struct trap_frame *frame)
{
    if (frame->vector < INTERRUPT_FIRST && frame->vector != X86_VECTOR_NMI)
        exception_handle(frame);
    else
        serve_any(frame);
    if (frame->vector == X86_VECTOR_NMI)
        return;
    /* Interrupts were on, so no spinlock is held. */
    if (frame->vector >= INTERRUPT_FIRST && cpu_reschedule_wanted())
        sched_preempt();
    if (frame->cs & 3)
        process_check();
}
