/* The host bridge of the 440BX without AGP (82443BX, 8086:7192): what the processor sees of RAM
 * between C0000h and FFFFFh. All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_I440BX_H
#define VENEER_WORKER_DEVICES_I440BX_H

#include "worker/devices/pci.h"

#define I440BX_PAM_REGIONS 13

struct i440bx {
    struct pci_function function; /* for the machine to put on its bus, at device 0 function 0 */
    uint8_t access[I440BX_PAM_REGIONS];
    /* Makes the @size bytes from @first RAM for reads, and for writes, or what is on the bus there
     * instead (ROM, or nothing). Must hold for all processors when it returns. */
    void (*set_shadow)(void *machine, uint32_t first, uint32_t size, bool read, bool write);
    void *machine;
};

/* Makes @bridge; after a reset nothing of the area is RAM. @set_shadow is called for each region
 * whose access changes. The area's RAM must not be taken for it before. System management RAM can
 * be locked, but never be opened: there is no SMI. */
void i440bx_init(struct i440bx *bridge, void *machine,
                 void (*set_shadow)(void *machine, uint32_t first, uint32_t size, bool read,
                                    bool write));

#endif
