/* A transceiver for 10 and 100 Mb/s Ethernet on the two wires of MII management (IEEE 802.3, 22.2.4
 * and 28.2.4), at address 1.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_MII_PHY_H
#define VENEER_WORKER_DEVICES_MII_PHY_H

#include <stdbool.h>
#include <stdint.h>

#define MII_PHY_ADDRESS 1

enum mii_phy_phase { MII_IDLE, MII_START, MII_COMMAND, MII_READ, MII_WRITE };

struct mii_phy_state {
    bool clock;             /* MDC as it was last set */
    bool last;              /* the last bit on the wire while idle */
    bool output;            /* MDIO as the station sees it; pulled up while nothing drives it */
    bool addressed;         /* the frame is for this transceiver */
    uint8_t phase;          /* enum mii_phy_phase */
    uint8_t bits;           /* of the phase that are still to come */
    uint8_t number;         /* of the register */
    uint16_t shift;         /* bits of the phase */
    uint16_t control;       /* register 0 */
    uint16_t advertisement; /* register 4 */
    bool link;
    bool link_lost; /* since the status register was read */
};

/* After power-on, with @link. */
void mii_phy_reset(struct mii_phy_state *state, bool link);

void mii_phy_set_link(struct mii_phy_state *state, bool link);

/* Sets the pins MDC (@clock) and MDIO (@data, if the station drives it: @driven). */
void mii_phy_set_pins(struct mii_phy_state *state, bool clock, bool driven, bool data);

#endif
