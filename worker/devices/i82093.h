/* The I/O interrupt controller Intel 82093AA, with the EOI register of later ones (version 20h).
 *
 * Context: the machine's lock is held. */
#ifndef VENEER_WORKER_DEVICES_I82093_H
#define VENEER_WORKER_DEVICES_I82093_H

#include "worker/devices/device.h"

#define I82093_INPUTS 24u
#define I82093_ADDRESS 0xfec00000ull /* of the first */

struct i82093_state {
    uint8_t select; /* IOREGSEL */
    uint8_t id;
    uint64_t redirection[I82093_INPUTS];
    uint32_t lines; /* bit n: input n is asserted */
};

struct i82093 {
    struct device_mmio mmio; /* for the machine to register */
    /* Sends an interrupt to local APICs: its redirection entry, of which delivery mode, destination
     * mode, destination, trigger mode and vector count. */
    void (*deliver)(void *context, uint64_t redirection);
    void *context;
    struct i82093_state state;
};

/* Makes @ioapic, as after a reset. @deliver and @context: as above. */
void i82093_init(struct i82093 *ioapic, void (*deliver)(void *context, uint64_t redirection),
                 void *context);

/* As by the hardware's reset pin: all inputs masked. Lines stay as they are. */
void i82093_reset(struct i82093 *ioapic);

/* A struct device_line's function. */
void i82093_set_input(void *ioapic, uint32_t input, bool asserted);

/* A local APIC has ended a level-triggered interrupt with this vector. */
void i82093_eoi(struct i82093 *ioapic, uint8_t vector);

#endif
