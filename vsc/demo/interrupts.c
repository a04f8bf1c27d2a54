#include "vsc/demo/interrupts.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/vp.h"

#define STUB_SIZE 16
#define EXCEPTIONS 32
#define FIRST_INTERRUPT 16 /* vectors below are no local APIC's */
#define GATE_INTERRUPT 0x8e00ull
#define GATE_USER 0x6000ull /* DPL 3 */
#define IST_DOUBLE_FAULT 1ull

extern const uint8_t interrupt_stubs[];

static uint64_t idt[256][2];
static interrupt_handler_t handlers[256];
static enum interrupt_eoi eois[256];

/* A spurious interrupt is in no ISR and takes no EOI; one that was sent with its vector does. */
static void on_spurious(struct interrupt_frame *frame)
{
    (void)frame;
    if (lapic_bit(LAPIC_ISR, VECTOR_SPURIOUS))
        lapic_eoi();
}

void interrupts_init(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t stub = (uint64_t)interrupt_stubs + vector * STUB_SIZE;
        uint64_t type = GATE_INTERRUPT;

        if (vector == VECTOR_LEAVE)
            type |= GATE_USER;
        if (vector == X86_VECTOR_DF)
            type |= IST_DOUBLE_FAULT;
        idt[vector][0] =
            (stub & 0xffff) | (uint64_t)KERNEL_CS << 16 | type << 32 | (stub >> 16 & 0xffff) << 48;
        idt[vector][1] = stub >> 32;
    }
    interrupt_set(VECTOR_SPURIOUS, on_spurious, EOI_OWN);
}

void interrupts_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint64_t)idt};

    __asm__ volatile("lidt %0" ::"m"(pointer) : "memory");
}

void interrupt_set(uint8_t vector, interrupt_handler_t handler, enum interrupt_eoi eoi)
{
    handlers[vector] = handler;
    eois[vector] = eoi;
}

bool interrupt_wait(uint8_t vector, uint32_t count, uint64_t microseconds)
{
    uint64_t end = clock_deadline(microseconds);

    while (vp_interrupts(vector) < count) {
        if (rdtsc() >= end)
            return false;
        cpu_pause();
    }
    return true;
}

/* Vectors 16 to 31 and VECTOR_LEAVE can be either: whatever may be sent to us, it is not mistaken.
 */
static bool is_interrupt(const struct interrupt_frame *frame)
{
    uint8_t vector = (uint8_t)frame->vector;

    if (vector == VECTOR_LEAVE)
        return !(frame->cs & 3);
    if (vector < EXCEPTIONS)
        return vector >= FIRST_INTERRUPT && lapic_bit(LAPIC_ISR, vector);
    return true;
}

void interrupt_dispatch(struct interrupt_frame *frame);
void interrupt_dispatch(struct interrupt_frame *frame)
{
    uint8_t vector = (uint8_t)frame->vector;
    bool interrupt = is_interrupt(frame);

    __atomic_fetch_add(&vp_self()->interrupts[vector], 1, __ATOMIC_RELEASE);
    if (handlers[vector] != NULL)
        handlers[vector](frame);
    else if (!interrupt && vector != X86_VECTOR_NMI)
        fault_handle(frame);
    if (interrupt && eois[vector] == EOI_AFTER)
        lapic_eoi();
}
