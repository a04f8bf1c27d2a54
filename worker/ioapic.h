/* The machine's I/O APIC, between devices and the hypervisor's local APICs. */
#ifndef VENEER_WORKER_IOAPIC_H
#define VENEER_WORKER_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/devices/device.h"

/* Makes it and adds its registers. Before devices that use it. */
void ioapic_init(void);

/* All inputs masked. With the machine's lock. */
void ioapic_reset(void);

/* Input @pin, as a device's line. */
struct device_line ioapic_line(uint32_t pin);

/* A local APIC has ended a level-triggered interrupt. The first takes the machine's lock, the other
 * has it. */
void ioapic_eoi(uint8_t vector);
void ioapic_end(uint8_t vector);

#endif
