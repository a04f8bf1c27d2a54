/* Power management of the PIIX4 (82371AB function 3, 8086:7113) as ACPI uses it: PM timer, PM1 and
 * general-purpose events with their SCI, sleep states and the APM port. There is no SMBus and no
 * SMI; what the SMI handler of firmware would do at the APM port is done here.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_PIIX4_PM_H
#define VENEER_WORKER_DEVICES_PIIX4_PM_H

#include "worker/devices/byte_ports.h"
#include "worker/devices/pci.h"

#define PIIX4_PM_SIZE 64

struct piix4_pm_state {
    uint8_t registers[PIIX4_PM_SIZE]; /* without the PM timer, which now() is */
    uint8_t apm[2];                   /* what was written to B2h and B3h */
    uint64_t half_period;             /* of the PM timer that the overflow status is at */
};

struct piix4_pm {
    const struct device_host *host;
    struct device_line sci;
    struct device_timer timer;
    struct device_ports ports; /* mapped by the function where its registers 40h and 80h say */
    bool mapped;
    struct byte_ports apm_ports;  /* B2h, B3h: for the machine to register */
    struct pci_function function; /* for the machine to put on its bus, at device 7 function 3 */
    struct piix4_pm_state state;
};

/* Makes @pm. @sci: IRQ 9. @base: where its ports are after a reset, a multiple of 64, as firmware
 * leaves it; 0: not mapped, as hardware is. */
void piix4_pm_init(struct piix4_pm *pm, const struct device_host *host, struct device_line sci,
                   uint16_t base);

/* Resets what is not of the PCI function, which pci_reset() does. */
void piix4_pm_reset(struct piix4_pm *pm);

/* The power button is pressed: the guest is told, if it listens. */
void piix4_pm_power_button(struct piix4_pm *pm);

#endif
