/* Interrupts and exceptions: the table, the vectors that the kernel uses, and handlers. */
#ifndef VENEER_PARENT_INTERRUPT_H
#define VENEER_PARENT_INTERRUPT_H

#include <stdint.h>

#define INTERRUPT_VECTORS 256
#define INTERRUPT_FIRST 32 /* below: exceptions */

/* Of devices (irq.c). Below: what a PIC that still speaks would send. */
#define VECTOR_DEVICE_FIRST 0x30
#define VECTOR_DEVICE_LAST 0xef

#define VECTOR_TIMER 0xf0
#define VECTOR_CALL 0xf1
#define VECTOR_RESCHEDULE 0xf2
#define VECTOR_HYPERVISOR 0xf3
#define VECTOR_TEST 0xf4
#define VECTOR_LAPIC_ERROR 0xfe
#define VECTOR_SPURIOUS 0xff /* low four bits must be ones on old local APICs */

/* The interrupted context, as interrupt.asm saves it. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Runs with interrupts off, on the interrupted CPU. The local APIC is told the end of the interrupt
 * afterwards. */
typedef void (*interrupt_handler_t)(void);

/* The interrupt descriptor table, one for all CPUs. */
extern uint64_t interrupt_table[INTERRUPT_VECTORS][2];
#define INTERRUPT_TABLE_SIZE sizeof(interrupt_table)

/* Fills the table. Boot. */
void interrupt_init(void);

/* Makes @handler serve @vector >= INTERRUPT_FIRST, not one of the devices', on all CPUs. NULL:
 * nothing serves it, and it is counted as spurious. */
void interrupt_register(uint8_t vector, interrupt_handler_t handler);

/* Interrupts that came on a vector without handler, all CPUs. */
uint64_t interrupt_spurious_count(void);

#endif
