/* Interrupts of the PC: each interrupt request goes to the two 8259 and to the I/O APIC; what the
 * 8259 have for the processor goes to LINT0 of VP 0.
 *
 * The vector of such an interrupt is known when the processor acknowledges it, not before: higher
 * requests may come, and masks change, while it cannot take it. So the hypervisor is asked for a
 * notice (HV_REGISTER_DELIVERABILITY_NOTIFICATIONS) as long as the 8259 want an interrupt; when it
 * comes, VP 0 could take one and waits for us, who acknowledge it then and inject its vector. */
#ifndef VENEER_WORKER_PC_INTERRUPT_H
#define VENEER_WORKER_PC_INTERRUPT_H

#include "worker/devices/device.h"

/* Makes the controllers and adds their registers. Before devices that use them. */
void pc_interrupt_init(void);

/* Interrupt request @irq, for a device of its own, and for the router of PCI interrupts. It is
 * asserted while either asserts it. */
struct device_line pc_irq(uint32_t irq);
struct device_line pc_irq_of_pci(uint32_t irq);

/* The machine's reset, after that of VP 0. With the machine's lock. */
void pc_interrupt_reset(void);

/* VP 0 could take an interrupt now, and does not run. Takes the machine's lock. */
void pc_interrupt_deliver(void);

#endif
