#include "worker/devices/mii_phy.h"

/* Registers. IEEE 802.3, 22.2.4 and 28.2.4. */
enum { BMCR = 0, BMSR = 1, PHYIDR1 = 2, PHYIDR2 = 3, ANAR = 4, ANLPAR = 5, ANER = 6 };

#define BMCR_RESET 0x8000
#define BMCR_RESTART 0x0200
#define BMCR_DEFAULT 0x3100 /* negotiation on, 100 Mb/s, full duplex */

/* 100BASE-TX and 10BASE-T in both duplexes, no preamble needed, negotiation, further registers. */
#define BMSR_CAPABILITIES 0x7849
#define BMSR_LINK 0x0004
#define BMSR_NEGOTIATED 0x0020

/* Of no maker: drivers of particular transceivers leave it to their generic one. */
#define PHYIDR1_VALUE 0x7810
#define PHYIDR2_VALUE 0x0000

#define ANAR_DEFAULT 0x01e1
#define ANLPAR_LINK 0x45e1
#define ANER_PARTNER 0x0001

/* A frame: start 01, operation, address and register; then two bits in which the direction of the
 * wire turns, and 16 of data. */
#define COMMAND_BITS 12
#define OPERATION(command) ((command) >> 10 & 3)
#define ADDRESS(command) ((command) >> 5 & 31)
#define REGISTER(command) ((command)&31)
enum { OPERATION_WRITE = 1, OPERATION_READ = 2 };
#define DATA_BITS 16
#define TURN_BITS 2

void mii_phy_reset(struct mii_phy_state *state, bool link)
{
    *state = (struct mii_phy_state){
        .output = true,
        .control = BMCR_DEFAULT,
        .advertisement = ANAR_DEFAULT,
        .link = link,
        .link_lost = !link,
    };
}

void mii_phy_set_link(struct mii_phy_state *state, bool link)
{
    state->link = link;
    state->link_lost |= !link;
}

static uint16_t read_status(struct mii_phy_state *state)
{
    uint16_t value = BMSR_CAPABILITIES;

    if (state->link)
        value |= BMSR_NEGOTIATED;
    if (state->link && !state->link_lost)
        value |= BMSR_LINK;
    state->link_lost = !state->link;
    return value;
}

static uint16_t read_register(struct mii_phy_state *state, uint8_t number)
{
    switch (number) {
    case BMCR:
        return state->control;
    case BMSR:
        return read_status(state);
    case PHYIDR1:
        return PHYIDR1_VALUE;
    case PHYIDR2:
        return PHYIDR2_VALUE;
    case ANAR:
        return state->advertisement;
    case ANLPAR:
        return state->link ? ANLPAR_LINK : 0;
    case ANER:
        return state->link ? ANER_PARTNER : 0;
    default:
        return 0;
    }
}

static void write_register(struct mii_phy_state *state, uint8_t number, uint16_t value)
{
    if (number == ANAR)
        state->advertisement = value;
    if (number != BMCR)
        return;
    state->control = value & (uint16_t) ~(BMCR_RESET | BMCR_RESTART);
    if (value & BMCR_RESET) {
        state->control = BMCR_DEFAULT;
        state->advertisement = ANAR_DEFAULT;
    }
}

static void enter(struct mii_phy_state *state, enum mii_phy_phase phase, uint8_t bits)
{
    state->phase = phase;
    state->bits = bits;
    state->last = false;
    state->output = true;
}

static void command_complete(struct mii_phy_state *state)
{
    uint16_t command = state->shift, operation = OPERATION(command);

    state->addressed = ADDRESS(command) == MII_PHY_ADDRESS;
    state->number = REGISTER(command);
    if (operation == OPERATION_READ) {
        enter(state, MII_READ, TURN_BITS + DATA_BITS);
        state->shift = state->addressed ? read_register(state, state->number) : UINT16_MAX;
    } else if (operation == OPERATION_WRITE) {
        enter(state, MII_WRITE, TURN_BITS + DATA_BITS);
    } else {
        enter(state, MII_IDLE, 0);
    }
}

/* The first edge drives the wire to 0, the next ones put the data out, the last one lets it go. */
static void read_edge(struct mii_phy_state *state)
{
    state->bits--;
    if (state->bits == DATA_BITS + TURN_BITS - 1) {
        state->output = !state->addressed;
        return;
    }
    if (state->bits == 0) {
        enter(state, MII_IDLE, 0);
        return;
    }
    state->output = state->shift >> (DATA_BITS - 1);
    state->shift = (uint16_t)(state->shift << 1 | 1);
}

static void idle_edge(struct mii_phy_state *state, bool bit)
{
    if (state->last && !bit)
        enter(state, MII_START, 0);
    else
        state->last = bit;
}

static void rising_edge(struct mii_phy_state *state, bool driven, bool bit)
{
    /* A station that drives the wire amid the data has begun the next frame. */
    if (state->phase == MII_READ && driven && state->bits <= DATA_BITS)
        enter(state, MII_IDLE, 0);
    switch (state->phase) {
    case MII_START:
        enter(state, bit ? MII_COMMAND : MII_IDLE, COMMAND_BITS);
        state->shift = 0;
        return;
    case MII_COMMAND:
        state->shift = (uint16_t)(state->shift << 1 | bit);
        if (--state->bits == 0)
            command_complete(state);
        return;
    case MII_READ:
        read_edge(state);
        return;
    case MII_WRITE:
        state->shift = (uint16_t)(state->shift << 1 | bit);
        if (--state->bits > 0)
            return;
        if (state->addressed)
            write_register(state, state->number, state->shift);
        enter(state, MII_IDLE, 0);
        return;
    default:
        idle_edge(state, bit);
        return;
    }
}

void mii_phy_set_pins(struct mii_phy_state *state, bool clock, bool driven, bool data)
{
    if (clock && !state->clock)
        rising_edge(state, driven, !driven || data);
    state->clock = clock;
}
