/* The two 8259A interrupt controllers of a PC, as in the PIIX4: the slave's output is the master's
 * input 2, and the ELCR says which inputs are level-triggered. All functions: machine's lock held.
 */
#ifndef VENEER_WORKER_DEVICES_I8259_H
#define VENEER_WORKER_DEVICES_I8259_H

#include "worker/devices/byte_ports.h"

struct i8259_chip {
    uint8_t lines;    /* inputs as they are */
    uint8_t edges;    /* inputs that rose since they were last acknowledged, and are still up */
    uint8_t elcr;     /* inputs whose level counts, not their edge */
    uint8_t imr, isr; /* masked and in service */
    uint8_t base;     /* vector of input 0 */
    uint8_t lowest;   /* the input with the lowest priority */
    uint8_t icw_step; /* the initialization command word expected at the data port, or 0 */
    bool icw4_follows, single;
    bool auto_eoi, rotate_in_auto_eoi, special_fully_nested, special_mask;
    bool read_isr, poll; /* what the next read of the command port gives */
};

struct i8259_state {
    struct i8259_chip chips[2]; /* master, slave */
    bool intr;
};

struct i8259 {
    struct device_line intr;
    struct byte_ports ports[3]; /* master, slave, ELCR */
    struct i8259_state state;
};

/* Makes @pic with all inputs low and masked. @intr: INTR of the processor that takes it (LINT0), or
 * pin 0 of the IOAPIC; what raises it is fetched with i8259_acknowledge(). */
void i8259_init(struct i8259 *pic, struct device_line intr);

/* The machine's reset: masked, edge-triggered; inputs stay as their devices set them. */
void i8259_reset(struct i8259 *pic);

/* Sets input @irq (0 to 15; 2 is wired to the slave). As a device_line's function: @pic is a struct
 * i8259. */
void i8259_set_irq(void *pic, uint32_t irq, bool asserted);

/* The interrupt acknowledge cycle: gives the vector that is to be taken. If nothing requests one
 * any more it is the spurious one, 7 above the master's base. */
uint8_t i8259_acknowledge(struct i8259 *pic);

#endif
