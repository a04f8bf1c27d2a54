#include "worker/devices/i8259.h"

/* Command words. Intel 8259A data sheet; the ELCR: 82371AB (PIIX4), 4.3. */
#define ICW1 0x10 /* in a write to the command port; else OCW3 or OCW2 */
#define ICW1_IC4 0x01
#define ICW1_SNGL 0x02
#define ICW2_BASE 0xf8
#define ICW4_AEOI 0x02
#define ICW4_SFNM 0x10

#define OCW2_LEVEL 0x07
#define OCW2_COMMAND 0xe0
enum {
    OCW2_ROTATE_IN_AEOI_CLEAR = 0x00,
    OCW2_EOI = 0x20,
    OCW2_NOP = 0x40,
    OCW2_SPECIFIC_EOI = 0x60,
    OCW2_ROTATE_IN_AEOI_SET = 0x80,
    OCW2_ROTATE_ON_EOI = 0xa0,
    OCW2_SET_PRIORITY = 0xc0,
    OCW2_ROTATE_ON_SPECIFIC_EOI = 0xe0,
};

#define OCW3 0x08
#define OCW3_RIS 0x01 /* the ISR, not the IRR */
#define OCW3_RR 0x02  /* RIS counts */
#define OCW3_P 0x04
#define OCW3_SMM 0x20
#define OCW3_ESMM 0x40 /* SMM counts */

#define POLL_REQUEST 0x80

#define CASCADE 2
#define CASCADE_BIT (1u << CASCADE)
#define SPURIOUS 7
#define NO_LEVEL 8

/* Inputs that can be level-triggered: not 0 (timer), 1 (keyboard), 2, 8 (clock), 13 (FERR). */
static const uint8_t elcr_writable[2] = {0xf8, 0xde};

/* --- Priorities --------------------------------------------------------------------------------
 */

/* The input with the highest priority among @inputs, or NO_LEVEL. */
static uint8_t highest(const struct i8259_chip *chip, uint8_t inputs)
{
    for (uint8_t i = 1; i <= 8; i++) {
        uint8_t level = (chip->lowest + i) & 7;

        if (inputs & 1u << level)
            return level;
    }
    return NO_LEVEL;
}

/* How far @level is from the highest priority; 8 for NO_LEVEL. */
static uint8_t rank(const struct i8259_chip *chip, uint8_t level)
{
    return level == NO_LEVEL ? 8 : (level - chip->lowest - 1) & 7;
}

/* Inputs in service that hold back others. */
static uint8_t blocking(const struct i8259_chip *chip)
{
    return chip->special_mask ? chip->isr & ~chip->imr : chip->isr;
}

static uint8_t irr(const struct i8259_chip *chip)
{
    return chip->lines & (chip->elcr | chip->edges);
}

/* The input whose interrupt @chip requests, or NO_LEVEL. */
static uint8_t requested(const struct i8259_chip *chip, bool master)
{
    uint8_t level = highest(chip, irr(chip) & ~chip->imr);
    uint8_t in_service = highest(chip, blocking(chip));

    /* In this mode the slave, in service, may ask again: its own priorities decide. */
    if (master && chip->special_fully_nested && level == CASCADE && in_service == CASCADE)
        return level;
    return rank(chip, level) < rank(chip, in_service) ? level : NO_LEVEL;
}

static void update(struct i8259 *pic)
{
    struct i8259_chip *master = &pic->state.chips[0], *slave = &pic->state.chips[1];
    bool intr;

    /* The slave takes its output back when it is acknowledged and raises it for the next request,
     * which always is an edge: as good as a level. */
    if (requested(slave, false) != NO_LEVEL) {
        master->lines |= CASCADE_BIT;
        master->edges |= CASCADE_BIT;
    } else {
        master->lines &= (uint8_t)~CASCADE_BIT;
    }
    intr = requested(master, true) != NO_LEVEL;
    if (intr != pic->state.intr) {
        pic->state.intr = intr;
        device_line_set(&pic->intr, intr);
    }
}

/* Takes @level into service. */
static void acknowledge(struct i8259_chip *chip, uint8_t level)
{
    chip->edges &= (uint8_t) ~(1u << level);
    if (!chip->auto_eoi)
        chip->isr |= (uint8_t)(1u << level);
    else if (chip->rotate_in_auto_eoi)
        chip->lowest = level;
}

uint8_t i8259_acknowledge(struct i8259 *pic)
{
    struct i8259_chip *master = &pic->state.chips[0], *slave = &pic->state.chips[1];
    uint8_t level = requested(master, true), vector;

    if (level == NO_LEVEL)
        return master->base | SPURIOUS;
    acknowledge(master, level);
    vector = master->base | level;
    if (level == CASCADE && !master->single) {
        level = requested(slave, false);
        vector = slave->base | (level == NO_LEVEL ? SPURIOUS : level);
        if (level != NO_LEVEL)
            acknowledge(slave, level);
    }
    update(pic);
    return vector;
}

void i8259_set_irq(void *device, uint32_t irq, bool asserted)
{
    struct i8259 *pic = device;
    struct i8259_chip *chip = &pic->state.chips[irq >> 3 & 1];
    uint8_t bit = (uint8_t)(1u << (irq & 7));

    if (!asserted) {
        chip->lines &= (uint8_t)~bit;
        chip->edges &= (uint8_t)~bit;
    } else if (!(chip->lines & bit)) {
        chip->lines |= bit;
        chip->edges |= bit;
    }
    update(pic);
}

/* --- Ports -------------------------------------------------------------------------------------
 */

static void end_of_interrupt(struct i8259_chip *chip, uint8_t level, bool rotate)
{
    if (level == NO_LEVEL)
        return;
    chip->isr &= (uint8_t) ~(1u << level);
    if (rotate)
        chip->lowest = level;
}

static void write_icw1(struct i8259_chip *chip, uint8_t value)
{
    chip->edges = chip->imr = chip->isr = 0;
    chip->lowest = 7;
    chip->special_mask = chip->special_fully_nested = false;
    chip->auto_eoi = chip->rotate_in_auto_eoi = false;
    chip->read_isr = chip->poll = false;
    chip->icw4_follows = value & ICW1_IC4;
    chip->single = value & ICW1_SNGL;
    chip->icw_step = 2;
}

static void write_ocw2(struct i8259_chip *chip, uint8_t value)
{
    uint8_t level = value & OCW2_LEVEL;

    switch (value & OCW2_COMMAND) {
    case OCW2_EOI:
    case OCW2_ROTATE_ON_EOI:
        end_of_interrupt(chip, highest(chip, blocking(chip)),
                         (value & OCW2_COMMAND) == OCW2_ROTATE_ON_EOI);
        break;
    case OCW2_SPECIFIC_EOI:
    case OCW2_ROTATE_ON_SPECIFIC_EOI:
        end_of_interrupt(chip, level, (value & OCW2_COMMAND) == OCW2_ROTATE_ON_SPECIFIC_EOI);
        break;
    case OCW2_SET_PRIORITY:
        chip->lowest = level;
        break;
    case OCW2_ROTATE_IN_AEOI_SET:
    case OCW2_ROTATE_IN_AEOI_CLEAR:
        chip->rotate_in_auto_eoi = (value & OCW2_COMMAND) == OCW2_ROTATE_IN_AEOI_SET;
        break;
    default: /* OCW2_NOP */
        break;
    }
}

static void write_ocw3(struct i8259_chip *chip, uint8_t value)
{
    if (value & OCW3_ESMM)
        chip->special_mask = value & OCW3_SMM;
    chip->poll = value & OCW3_P;
    if (value & OCW3_RR)
        chip->read_isr = value & OCW3_RIS;
}

static void write_data(struct i8259_chip *chip, uint8_t value)
{
    switch (chip->icw_step) {
    case 2:
        chip->base = value & ICW2_BASE;
        chip->icw_step = !chip->single ? 3 : chip->icw4_follows ? 4 : 0;
        break;
    case 3: /* where the slave is: wired */
        chip->icw_step = chip->icw4_follows ? 4 : 0;
        break;
    case 4:
        chip->auto_eoi = value & ICW4_AEOI;
        chip->special_fully_nested = value & ICW4_SFNM;
        chip->icw_step = 0;
        break;
    default:
        chip->imr = value;
        break;
    }
}

static void write_port(struct i8259 *pic, uint32_t index, uint16_t offset, uint8_t value)
{
    struct i8259_chip *chip = &pic->state.chips[index];

    if (offset == 1)
        write_data(chip, value);
    else if (value & ICW1)
        write_icw1(chip, value);
    else if (value & OCW3)
        write_ocw3(chip, value);
    else
        write_ocw2(chip, value);
    update(pic);
}

/* The poll command makes the next read an acknowledge cycle. */
static uint8_t poll(struct i8259 *pic, uint32_t index)
{
    struct i8259_chip *chip = &pic->state.chips[index];
    uint8_t level = requested(chip, index == 0);

    chip->poll = false;
    if (level == NO_LEVEL)
        return 0;
    acknowledge(chip, level);
    update(pic);
    return POLL_REQUEST | level;
}

static uint8_t read_port(struct i8259 *pic, uint32_t index, uint16_t offset)
{
    struct i8259_chip *chip = &pic->state.chips[index];

    if (chip->poll)
        return poll(pic, index);
    if (offset == 1)
        return chip->imr;
    return chip->read_isr ? chip->isr : irr(chip);
}

static uint8_t read_master(void *device, uint16_t offset)
{
    return read_port(device, 0, offset);
}

static uint8_t read_slave(void *device, uint16_t offset)
{
    return read_port(device, 1, offset);
}

static void write_master(void *device, uint16_t offset, uint8_t value)
{
    write_port(device, 0, offset, value);
}

static void write_slave(void *device, uint16_t offset, uint8_t value)
{
    write_port(device, 1, offset, value);
}

static uint8_t read_elcr(void *device, uint16_t offset)
{
    struct i8259 *pic = device;

    return pic->state.chips[offset].elcr;
}

static void write_elcr(void *device, uint16_t offset, uint8_t value)
{
    struct i8259 *pic = device;

    pic->state.chips[offset].elcr = value & elcr_writable[offset];
    update(pic);
}

void i8259_reset(struct i8259 *pic)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct i8259_chip *chip = &pic->state.chips[i];

        write_icw1(chip, ICW1);
        chip->imr = 0xff;
        chip->elcr = chip->base = chip->icw_step = 0;
    }
    update(pic);
}

void i8259_init(struct i8259 *pic, struct device_line intr)
{
    *pic = (struct i8259){.intr = intr};
    byte_ports_init(&pic->ports[0], 0x20, 2, read_master, write_master, pic);
    byte_ports_init(&pic->ports[1], 0xa0, 2, read_slave, write_slave, pic);
    byte_ports_init(&pic->ports[2], 0x4d0, 2, read_elcr, write_elcr, pic);
    i8259_reset(pic);
}
