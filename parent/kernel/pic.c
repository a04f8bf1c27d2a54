#include "parent/kernel/pic.h"

#include "lib/x86/cpu.h"

/* Ports and initialization words: 8259A data sheet. */
#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA 0xa1
#define PIC_ICW1_START 0x11 /* edge, cascade, ICW4 follows */
#define PIC_ICW4_8086 0x01
#define PIC_CASCADE_LINE 2
#define PIC_FIRST_VECTOR 0x20

void pic_mask(void)
{
    outb(PIC1_COMMAND, PIC_ICW1_START);
    outb(PIC2_COMMAND, PIC_ICW1_START);
    outb(PIC1_DATA, PIC_FIRST_VECTOR);
    outb(PIC2_DATA, PIC_FIRST_VECTOR + 8);
    outb(PIC1_DATA, 1 << PIC_CASCADE_LINE);
    outb(PIC2_DATA, PIC_CASCADE_LINE);
    outb(PIC1_DATA, PIC_ICW4_8086);
    outb(PIC2_DATA, PIC_ICW4_8086);
    outb(PIC1_DATA, 0xff);
    outb(PIC2_DATA, 0xff);
}
