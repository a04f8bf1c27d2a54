#include "worker/firmware/pic.h"
#include "worker/firmware/bda.h"

#define ICW1 0x11 /* edge triggered, cascade, ICW4 follows */
#define ICW4_8086 0x01
#define VECTOR_MASTER 0x08
#define VECTOR_SLAVE 0x70
#define CASCADE 2
#define ELCR 0x4d0

#define PIT_COUNTER_0 0x40
#define PIT_COUNTER_1 0x41
#define PIT_CONTROL 0x43

void pic_init(void)
{
    outb(PIC_MASTER, ICW1);
    outb(PIC_SLAVE, ICW1);
    outb(PIC_MASTER_DATA, VECTOR_MASTER);
    outb(PIC_SLAVE_DATA, VECTOR_SLAVE);
    outb(PIC_MASTER_DATA, 1 << CASCADE);
    outb(PIC_SLAVE_DATA, CASCADE);
    outb(PIC_MASTER_DATA, ICW4_8086);
    outb(PIC_SLAVE_DATA, ICW4_8086);
    outb(PIC_MASTER_DATA, (uint8_t) ~(1 << CASCADE));
    outb(PIC_SLAVE_DATA, 0xff);

    /* Counter 0, both bytes, mode 3, count 65536; counter 1, low byte, mode 2: the refresh. */
    outb(PIT_CONTROL, 0x36);
    outb(PIT_COUNTER_0, 0);
    outb(PIT_COUNTER_0, 0);
    outb(PIT_CONTROL, 0x54);
    outb(PIT_COUNTER_1, 18);
}

void pic_enable(unsigned irq)
{
    uint16_t port = irq < 8 ? PIC_MASTER_DATA : PIC_SLAVE_DATA;

    outb(port, (uint8_t)(inb(port) & ~(1u << (irq & 7))));
}

void pic_end_master(void)
{
    outb(PIC_MASTER, PIC_EOI);
}

void pic_end_slave(void)
{
    outb(PIC_SLAVE, PIC_EOI);
    outb(PIC_MASTER, PIC_EOI);
}

void pic_set_levels(uint16_t mask)
{
    outb(ELCR, (uint8_t)mask);
    outb(ELCR + 1, (uint8_t)(mask >> 8));
}

/* Interrupts that nobody has asked for: ended, if they are in service at all and not spurious, and
 * masked, as the PC/AT's BIOS does it. */
static void end_unexpected(uint16_t port)
{
    uint8_t in_service;

    outb(port, PIC_READ_ISR);
    in_service = inb(port);
    if (port == PIC_MASTER)
        in_service &= (uint8_t) ~(1 << CASCADE);
    bda_write8(BDA_LAST_IRQ, in_service ? in_service : 0xff);
    if (!in_service)
        return;
    outb((uint16_t)(port + 1), inb((uint16_t)(port + 1)) | in_service);
    outb(port, PIC_EOI);
}

void other_master_interrupt(struct frame *frame);
void other_slave_interrupt(struct frame *frame);
void irq9_interrupt(struct frame *frame);
void fpu_interrupt(struct frame *frame);
void nmi_interrupt(struct frame *frame);

void other_master_interrupt(struct frame *frame)
{
    (void)frame;
    end_unexpected(PIC_MASTER);
}

void other_slave_interrupt(struct frame *frame)
{
    (void)frame;
    end_unexpected(PIC_SLAVE);
    pic_end_master();
}

/* IRQ 9 goes to those who have taken IRQ 2 of the PC: INT 0Ah, which ends it at the master. */
void irq9_interrupt(struct frame *frame)
{
    struct frame call = *frame;

    if (far_read16(0, 0x0a * 4 + 2) == FIRMWARE_CODE) {
        other_slave_interrupt(frame);
        return;
    }
    outb(PIC_SLAVE, PIC_EOI);
    call_interrupt(0x0a, &call);
}

/* IRQ 13 tells of the FPU's exceptions to those who expect the 8087's NMI. */
void fpu_interrupt(struct frame *frame)
{
    struct frame call = *frame;

    outb(0xf0, 0);
    pic_end_slave();
    call_interrupt(0x02, &call);
}

/* NMI: nothing of this machine raises it. */
void nmi_interrupt(struct frame *frame)
{
    (void)frame;
}
