/* The two 8237A DMA controllers of a PC with their page registers, as in the PIIX4: channels 0 to 3
 * move bytes, 5 to 7 words of 16 bits; channel 4 is where the first controller's requests pass, and
 * does so in cascade mode while it is not masked. Memory to memory is not there, as in the PIIX4.
 *
 * A device moves data when it has or wants some, so single, demand and block mode are one here. All
 * functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_I8237_H
#define VENEER_WORKER_DEVICES_I8237_H

#include "worker/devices/byte_ports.h"

#define I8237_CHANNELS 8
#define I8237_PAGES 16

struct i8237_channel {
    uint16_t base_address, base_count; /* in units of the channel; one more unit than the count */
    uint16_t address, count;
    uint8_t mode;
};

struct i8237_chip {
    struct i8237_channel channels[4];
    uint8_t command, masked, requested, terminal; /* a bit for each channel but in command */
    bool high_byte; /* the next access to an address or a count is to its upper byte */
};

struct i8237_state {
    struct i8237_chip chips[2];
    uint8_t pages[I8237_PAGES]; /* ports 80h to 8Fh: half of them belong to no channel */
};

struct i8237 {
    const struct device_host *host;
    struct byte_ports ports[3]; /* both controllers, page registers */
    struct i8237_state state;
};

/* Makes @dma with all channels masked. */
void i8237_init(struct i8237 *dma, const struct device_host *host);

/* The machine's reset: all channels masked, pages 0. */
void i8237_reset(struct i8237 *dma);

/* A device moves up to @size bytes to the guest's memory (write) or from it (read), on @channel (0
 * to 3, 5 to 7; then @size is even). How many have moved: fewer than @size if the channel is
 * masked, or becomes so, or has come to its terminal count, of which *@terminal tells. A transfer
 * that the guest has programmed as a verification, or the other way, counts without touching
 * memory; then, and where no RAM is, read gives FFh. */
uint32_t i8237_write(struct i8237 *dma, uint32_t channel, const void *data, uint32_t size,
                     bool *terminal);
uint32_t i8237_read(struct i8237 *dma, uint32_t channel, void *data, uint32_t size, bool *terminal);

#endif
