/* A serial EEPROM of 64 words of 16 bits on three wires (Microwire), as network cards have one. It
 * is protected: commands that write are taken and change nothing.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_EEPROM_93C46_H
#define VENEER_WORKER_DEVICES_EEPROM_93C46_H

#include <stdbool.h>
#include <stdint.h>

#define EEPROM_93C46_WORDS 64

struct eeprom_93c46_state {
    bool clock;     /* SK as it was last set */
    bool output;    /* DO; pulled up while nothing drives it */
    bool started;   /* the start bit has come */
    bool reading;   /* bits of data go out */
    uint8_t bits;   /* of the command so far, or of the word that are still to go out */
    uint16_t shift; /* those bits */
    uint8_t word;   /* address of the word that is going out */
};

/* After power-on: not selected. */
void eeprom_93c46_reset(struct eeprom_93c46_state *state);

/* Sets the pins CS (@select), SK (@clock) and DI (@data) of an EEPROM with these contents. */
void eeprom_93c46_set_pins(struct eeprom_93c46_state *state,
                           const uint16_t words[EEPROM_93C46_WORDS], bool select, bool clock,
                           bool data);

#endif
