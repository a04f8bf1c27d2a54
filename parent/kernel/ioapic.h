/* The I/O APICs (82093AA and what has followed it): pins, by global interrupt number. */
#ifndef VENEER_PARENT_IOAPIC_H
#define VENEER_PARENT_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

/* Finds those that the MADT names, and masks all pins. Boot. */
void ioapic_init(void);

/* Has pin @number send @vector to the CPU with @apic_id, which must be below 255. False: there is
 * no such pin. Any. */
bool ioapic_connect(uint32_t number, uint8_t vector, uint32_t apic_id, bool level, bool active_low);

/* Silences a pin that was connected. Any. */
void ioapic_mask(uint32_t number);

#endif
