/* The floppy controller and the DMA controllers in a machine, for their tests. */
#ifndef VENEER_TESTS_DEVICES_FAKE_FLOPPY_H
#define VENEER_TESTS_DEVICES_FAKE_FLOPPY_H

#include "tests/devices/fake.h"
#include "worker/devices/i82077.h"

struct fake_floppy {
    struct fake_machine machine;
    struct fake_line irq;
    struct i8237 dma;
    struct i82077 fdc;
};

/* Makes the machine with @disks, of which each may be NULL; the DMA channels are as firmware sets
 * them up. End with fake_destroy(). */
void fake_floppy_create(struct fake_floppy *pc, struct disk *const disks[I82077_DRIVES]);

#endif
