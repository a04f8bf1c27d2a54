/* Bus master of an IDE channel: its registers (Programming Interface for Bus Master IDE
 * Controller, 1.0) and the reading of the table of physical region descriptors.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_IDE_DMA_H
#define VENEER_WORKER_DEVICES_IDE_DMA_H

#include "worker/devices/device.h"
#include "worker/devices/disk.h"

#define IDE_DMA_PORTS 8

struct ide_dma_state {
    uint8_t command, status; /* BMICX, BMISX */
    uint32_t table;          /* BMIDTPX */
    uint32_t next;           /* address of the descriptor to be read next */
    uint32_t address, left;  /* what is left of the one read last */
    bool last;               /* it is the table's last */
    bool enabled;            /* the function may be master of the bus */
};

struct ide_dma {
    const struct device_host *host;
    /* It has become ready for data; @anew: from the beginning of a table. */
    void (*started)(void *device, bool anew);
    void *device;
    struct ide_dma_state state;
};

enum ide_dma_result {
    IDE_DMA_OK,
    IDE_DMA_END,   /* the table has no more; the bus master has stopped */
    IDE_DMA_FAULT, /* a descriptor, or what it names, is not RAM; stopped, with the error bit */
};

/* Makes @dma, whose owner's @started(@device) may call ide_dma_next(). */
void ide_dma_init(struct ide_dma *dma, const struct device_host *host,
                  void (*started)(void *device, bool anew), void *device);
void ide_dma_reset(struct ide_dma *dma);

/* The function's bus master bit: without it a started transfer waits. */
void ide_dma_enable(struct ide_dma *dma, bool enabled);

/* The registers; @offset below IDE_DMA_PORTS. */
uint8_t ide_dma_read(const struct ide_dma *dma, uint32_t offset);
void ide_dma_write(struct ide_dma *dma, uint32_t offset, uint8_t value);

/* It has been started, and its table has not ended. */
bool ide_dma_ready(const struct ide_dma *dma);

/* Takes up to @limit (not 0) bytes of the regions. Each descriptor is read once. */
enum ide_dma_result ide_dma_next(struct ide_dma *dma, uint64_t limit, struct disk_segment *segment);

/* The drive has had all its data. If the table has no more either, the bus master stops. */
void ide_dma_finish(struct ide_dma *dma);

/* Stops it with the error bit. */
void ide_dma_fail(struct ide_dma *dma);

/* The channel's interrupt line has risen. */
void ide_dma_interrupt(struct ide_dma *dma);

#endif
