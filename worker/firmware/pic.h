/* The two 8259 interrupt controllers and the 8254 timer. */
#ifndef VENEER_FIRMWARE_PIC_H
#define VENEER_FIRMWARE_PIC_H

#include "worker/firmware/firmware.h"

#define PIC_MASTER 0x20
#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE 0xa0
#define PIC_SLAVE_DATA 0xa1
#define PIC_EOI 0x20
#define PIC_READ_ISR 0x0b

/* IRQ 0-7 are vectors 08h-0Fh, IRQ 8-15 are 70h-77h; all masked but the cascade. The timer ticks at
 * 18.2 Hz. */
void pic_init(void);

/* Lets an IRQ through. */
void pic_enable(unsigned irq);

/* Ends the interrupt in service at the master, or at both. */
void pic_end_master(void);
void pic_end_slave(void);

/* Makes the IRQs of @mask level triggered, the others edge triggered (ELCR). */
void pic_set_levels(uint16_t mask);

#endif
