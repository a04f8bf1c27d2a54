/* IDE of the PIIX4 (82371AB function 1, 8086:7111): two channels in compatibility mode, at 1F0h
 * with IRQ 14 and at 170h with IRQ 15, and a bus master for each.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_PIIX4_IDE_H
#define VENEER_WORKER_DEVICES_PIIX4_IDE_H

#include "worker/devices/ide.h"
#include "worker/devices/pci.h"

#define PIIX4_IDE_CHANNELS 2

struct piix4_ide {
    struct ide_channel channels[PIIX4_IDE_CHANNELS]; /* their ports: for the machine to register */
    struct device_ports bus_master;                  /* mapped by the function */
    struct pci_function function; /* for the machine to put on its bus, at device 7 function 1 */
};

/* Makes @ide without drives, for ide_attach() to put onto its channels. @primary, @secondary:
 * IRQ 14 and 15. It has no state but its channels' and its function's. */
void piix4_ide_init(struct piix4_ide *ide, const struct device_host *host,
                    struct device_line primary, struct device_line secondary);

/* Resets what is not of the PCI function, which pci_reset() does: as ide_reset(). */
void piix4_ide_reset(struct piix4_ide *ide);

#endif
