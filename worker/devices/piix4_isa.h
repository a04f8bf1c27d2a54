/* The PCI-ISA bridge of the PIIX4 (82371AB function 0, 8086:7110): it routes the interrupts of the
 * PCI bus, PIRQA# to PIRQD#, to inputs of the interrupt controllers. All functions: machine's lock
 * held. */
#ifndef VENEER_WORKER_DEVICES_PIIX4_ISA_H
#define VENEER_WORKER_DEVICES_PIIX4_ISA_H

#include "worker/devices/pci.h"

#define PIIX4_PIRQS 4

struct piix4_isa {
    struct device_line irqs[16];    /* those that PIRQs can go to; others are not used */
    struct pci_function function;   /* for the machine to put on its bus, at device 7 function 0 */
    uint32_t asserted[PIIX4_PIRQS]; /* a bit for each device that asserts it */
    uint16_t driven;                /* inputs that are held up */
};

/* Makes @bridge. Several PIRQs can share an input of @irqs: it is asserted while any of them is.
 * @reset_irqs: where PIRQA# to PIRQD# go after a reset, as firmware leaves it; 0: nowhere, as in
 * hardware. */
void piix4_isa_init(struct piix4_isa *bridge, const struct device_line irqs[16],
                    const uint8_t reset_irqs[PIIX4_PIRQS]);

/* The interrupt pin @pin (0: INTA#) of PCI device @device, as a line for it. The wiring is that of
 * most boards with this bridge: PIRQ (device + pin - 1) modulo 4. */
struct device_line piix4_isa_line(struct piix4_isa *bridge, uint32_t device, uint32_t pin);

#endif
