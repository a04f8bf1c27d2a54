#include "worker/devices/eeprom_93c46.h"

/* A command is a start bit, an operation of 2 bits and an address of 6. */
#define COMMAND_BITS 8
#define OPERATION(command) ((command) >> 6 & 3)
#define ADDRESS(command) ((command) & (EEPROM_93C46_WORDS - 1))
#define OPERATION_READ 2
#define WORD_BITS 16

void eeprom_93c46_reset(struct eeprom_93c46_state *state)
{
    *state = (struct eeprom_93c46_state){.output = true};
}

static void load(struct eeprom_93c46_state *state, const uint16_t *words, uint8_t address)
{
    state->word = ADDRESS(address);
    state->shift = words[state->word];
    state->bits = WORD_BITS;
}

/* Before the first word there is one bit of 0, by which drivers find out how long addresses are;
 * after each word the next follows. */
static void rising_edge(struct eeprom_93c46_state *state, const uint16_t *words, bool data)
{
    if (state->reading) {
        if (state->bits == 0)
            load(state, words, state->word + 1);
        state->output = state->shift >> (WORD_BITS - 1);
        state->shift = (uint16_t)(state->shift << 1);
        state->bits--;
        return;
    }
    if (!state->started) {
        state->started = data;
        return;
    }
    if (state->bits == COMMAND_BITS) /* what is to be written; it is done at once: DO says so */
        return;
    state->shift = (uint16_t)(state->shift << 1 | data);
    if (++state->bits < COMMAND_BITS || OPERATION(state->shift) != OPERATION_READ)
        return;
    load(state, words, ADDRESS(state->shift));
    state->reading = true;
    state->output = false;
}

void eeprom_93c46_set_pins(struct eeprom_93c46_state *state,
                           const uint16_t words[EEPROM_93C46_WORDS], bool select, bool clock,
                           bool data)
{
    bool rises = clock && !state->clock;

    if (!select)
        eeprom_93c46_reset(state);
    else if (rises)
        rising_edge(state, words, data);
    state->clock = clock;
}
