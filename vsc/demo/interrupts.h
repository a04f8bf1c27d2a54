/* The IDT: handlers by vector, counters per VP. */
#ifndef VENEER_VSC_DEMO_INTERRUPTS_H
#define VENEER_VSC_DEMO_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

/* interrupts.asm builds it. */
struct interrupt_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Vectors. Tests use VECTOR_TEST and what follows, of any priority. */
#define VECTOR_TEST 0x40
#define VECTOR_SINT 0x60
#define VECTOR_STIMER 0x70
#define VECTOR_LEAVE 0x80 /* fault.asm */
#define VECTOR_TIMER 0x90
#define VECTOR_CALL 0xe0
#define VECTOR_ERROR 0xf0
#define VECTOR_SPURIOUS 0xff

typedef void (*interrupt_handler_t)(struct interrupt_frame *frame);

enum interrupt_eoi {
    EOI_AFTER, /* an EOI comes behind the handler */
    EOI_OWN,   /* the handler sees to it, or none is needed */
};

/* Fills the IDT. Once. */
void interrupts_init(void);

/* Makes the calling VP use it. */
void interrupts_load(void);

/* @handler (NULL: none, the vector is only counted) is called with interrupts off. A handler of an
 * exception comes before fault_catch(). */
void interrupt_set(uint8_t vector, interrupt_handler_t handler, enum interrupt_eoi eoi);

/* Waits up to @microseconds, with interrupts as they are, until the calling VP has had @vector
 * @count times since it was started. */
bool interrupt_wait(uint8_t vector, uint32_t count, uint64_t microseconds);

#endif
