#include "worker/devices/i8237.h"

#include "lib/string.h"

/* Registers of a controller: address and count of each channel, then these. Intel 8237A data sheet;
 * ports and page registers: 82371AB (PIIX4), 4.2. */
enum {
    CHANNEL_REGISTERS = 8, /* address of 0, count of 0, address of 1, ... */
    COMMAND_STATUS = 8,    /* write, read */
    REQUEST = 9,
    SINGLE_MASK = 10,
    MODE = 11,
    CLEAR_FLIP_FLOP = 12,
    MASTER_CLEAR = 13,
    CLEAR_MASK = 14,
    ALL_MASK = 15,
};

#define COMMAND_DISABLE 0x04
#define SELECT_CHANNEL 0x03 /* of REQUEST, SINGLE_MASK, MODE */
#define SELECT_SET 0x04     /* of REQUEST, SINGLE_MASK */
#define ALL_CHANNELS 0x0f

#define MODE_TRANSFER 0x0c
#define MODE_WRITE 0x04
#define MODE_READ 0x08
#define MODE_AUTO_INITIALIZE 0x10
#define MODE_DECREMENT 0x20
#define MODE_SELECT 0xc0
#define MODE_CASCADE 0xc0

#define FIRST_PORT 0x00
#define SECOND_PORT 0xc0 /* its registers are at even ports, each seen at the odd one too */
#define PAGE_PORT 0x80

/* Which page register is whose, by channel; of 4 it is the refresh page, for no transfer. */
static const uint8_t page_of[I8237_CHANNELS] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

/* --- Registers ---------------------------------------------------------------------------------
 */

static void clear(struct i8237_chip *chip)
{
    chip->command = chip->requested = chip->terminal = 0;
    chip->high_byte = false;
    chip->masked = ALL_CHANNELS;
}

static uint8_t read_channel(struct i8237_chip *chip, uint32_t number)
{
    const struct i8237_channel *channel = &chip->channels[number / 2];
    uint16_t value = number % 2 == 0 ? channel->address : channel->count;

    chip->high_byte = !chip->high_byte;
    return (uint8_t)(chip->high_byte ? value : value >> 8);
}

/* A write reaches the base and the current register, its other byte stays in each. */
static void write_channel(struct i8237_chip *chip, uint32_t number, uint8_t value)
{
    struct i8237_channel *channel = &chip->channels[number / 2];
    uint16_t *base = number % 2 == 0 ? &channel->base_address : &channel->base_count;
    uint16_t *current = number % 2 == 0 ? &channel->address : &channel->count;
    uint32_t shift = chip->high_byte ? 8 : 0;
    uint16_t keep = (uint16_t)(0xff00 >> shift);

    *base = (uint16_t)((*base & keep) | value << shift);
    *current = (uint16_t)((*current & keep) | value << shift);
    chip->high_byte = !chip->high_byte;
}

static uint8_t read_chip(struct i8237_chip *chip, uint32_t number)
{
    uint8_t status;

    if (number < CHANNEL_REGISTERS)
        return read_channel(chip, number);
    switch (number) {
    case COMMAND_STATUS:
        status = (uint8_t)(chip->terminal | chip->requested << 4);
        chip->terminal = 0;
        return status;
    case MASTER_CLEAR: /* read: the temporary register of memory to memory */
        return 0;
    case ALL_MASK:
        return (uint8_t)(chip->masked | 0xf0);
    default:
        return 0xff;
    }
}

static void set_bit(uint8_t *bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & SELECT_CHANNEL));

    *bits = value & SELECT_SET ? *bits | bit : *bits & (uint8_t)~bit;
}

static void write_chip(struct i8237_chip *chip, uint32_t number, uint8_t value)
{
    if (number < CHANNEL_REGISTERS) {
        write_channel(chip, number, value);
        return;
    }
    switch (number) {
    case COMMAND_STATUS:
        chip->command = value;
        break;
    case REQUEST:
        set_bit(&chip->requested, value);
        break;
    case SINGLE_MASK:
        set_bit(&chip->masked, value);
        break;
    case MODE:
        chip->channels[value & SELECT_CHANNEL].mode = value;
        break;
    case CLEAR_FLIP_FLOP:
        chip->high_byte = false;
        break;
    case MASTER_CLEAR:
        clear(chip);
        break;
    case CLEAR_MASK:
        chip->masked = 0;
        break;
    default:
        chip->masked = value & ALL_CHANNELS;
        break;
    }
}

static uint8_t read_first(void *device, uint16_t offset)
{
    struct i8237 *dma = device;

    return read_chip(&dma->state.chips[0], offset);
}

static void write_first(void *device, uint16_t offset, uint8_t value)
{
    struct i8237 *dma = device;

    write_chip(&dma->state.chips[0], offset, value);
}

static uint8_t read_second(void *device, uint16_t offset)
{
    struct i8237 *dma = device;

    return read_chip(&dma->state.chips[1], offset / 2u);
}

static void write_second(void *device, uint16_t offset, uint8_t value)
{
    struct i8237 *dma = device;

    write_chip(&dma->state.chips[1], offset / 2u, value);
}

static uint8_t read_page(void *device, uint16_t offset)
{
    const struct i8237 *dma = device;

    return dma->state.pages[offset];
}

static void write_page(void *device, uint16_t offset, uint8_t value)
{
    struct i8237 *dma = device;

    dma->state.pages[offset] = value;
}

/* --- Transfers ---------------------------------------------------------------------------------
 */

static bool enabled(const struct i8237_chip *chip, uint32_t number)
{
    return !(chip->command & COMMAND_DISABLE) && !(chip->masked & 1u << number);
}

/* Whether a request on @number of controller @which comes through. */
static bool granted(const struct i8237 *dma, uint32_t which, uint32_t number)
{
    const struct i8237_chip *second = &dma->state.chips[1];

    if (!enabled(&dma->state.chips[which], number) ||
        (dma->state.chips[which].channels[number].mode & MODE_SELECT) == MODE_CASCADE)
        return false;
    return which == 1 ||
           (enabled(second, 0) && (second->channels[0].mode & MODE_SELECT) == MODE_CASCADE);
}

/* Where the channel's next unit is. Addresses of words have 17 bits, of which the page has one
 * less: either wraps within what the page selects. */
static uint64_t unit_address(const struct i8237 *dma, uint32_t channel)
{
    uint16_t address = dma->state.chips[channel / 4].channels[channel % 4].address;
    uint64_t page = dma->state.pages[page_of[channel]];

    if (channel >= 4)
        return (page & 0xfe) << 16 | (uint64_t)address << 1;
    return page << 16 | address;
}

/* Counts one unit. True: it was the last. */
static bool advance(struct i8237_chip *chip, uint32_t number)
{
    struct i8237_channel *channel = &chip->channels[number];
    uint8_t bit = (uint8_t)(1u << number);

    channel->address = (uint16_t)(channel->address + (channel->mode & MODE_DECREMENT ? -1 : 1));
    if (channel->count-- != 0)
        return false;
    chip->terminal |= bit;
    chip->requested &= (uint8_t)~bit;
    if (channel->mode & MODE_AUTO_INITIALIZE) {
        channel->address = channel->base_address;
        channel->count = channel->base_count;
    } else {
        chip->masked |= bit;
    }
    return true;
}

/* Moves units between memory and @out or @in, one of which is NULL. */
static uint32_t transfer(struct i8237 *dma, uint32_t channel, const uint8_t *out, uint8_t *in,
                         uint32_t size, bool *terminal)
{
    uint32_t unit = channel < 4 ? 1 : 2, moved = 0;
    struct i8237_chip *chip = &dma->state.chips[channel / 4];
    uint8_t wanted = out != NULL ? MODE_WRITE : MODE_READ;

    *terminal = false;
    if (!granted(dma, channel / 4, channel % 4))
        return 0;
    while (size - moved >= unit && !*terminal) {
        void *memory = NULL;

        if ((chip->channels[channel % 4].mode & MODE_TRANSFER) == wanted)
            memory = dma->host->memory(dma->host->machine, unit_address(dma, channel), unit);
        if (in != NULL)
            memset(in + moved, 0xff, unit);
        if (memory != NULL && in != NULL)
            memcpy(in + moved, memory, unit);
        else if (memory != NULL && out != NULL)
            memcpy(memory, out + moved, unit);
        moved += unit;
        *terminal = advance(chip, channel % 4);
    }
    return moved;
}

uint32_t i8237_write(struct i8237 *dma, uint32_t channel, const void *data, uint32_t size,
                     bool *terminal)
{
    return transfer(dma, channel, data, NULL, size, terminal);
}

uint32_t i8237_read(struct i8237 *dma, uint32_t channel, void *data, uint32_t size, bool *terminal)
{
    return transfer(dma, channel, NULL, data, size, terminal);
}

void i8237_reset(struct i8237 *dma)
{
    memset(&dma->state, 0, sizeof(dma->state));
    clear(&dma->state.chips[0]);
    clear(&dma->state.chips[1]);
}

void i8237_init(struct i8237 *dma, const struct device_host *host)
{
    *dma = (struct i8237){.host = host};
    byte_ports_init(&dma->ports[0], FIRST_PORT, 0x10, read_first, write_first, dma);
    byte_ports_init(&dma->ports[1], SECOND_PORT, 0x20, read_second, write_second, dma);
    byte_ports_init(&dma->ports[2], PAGE_PORT, 0x10, read_page, write_page, dma);
    i8237_reset(dma);
}
