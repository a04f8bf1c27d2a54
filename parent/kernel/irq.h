/* Device interrupts' insides; what drivers call is in parent/include/interrupt.h. */
#ifndef VENEER_PARENT_IRQ_H
#define VENEER_PARENT_IRQ_H

#include <stdbool.h>
#include <stdint.h>

/* Finds the I/O APICs. All CPUs run; before the first driver. */
void irq_init(void);

/* Calls the handlers of device vector @vector. False: it has none, or none says that its device
 * sent the interrupt. Interrupt context. */
bool irq_serve(uint8_t vector);

#endif
