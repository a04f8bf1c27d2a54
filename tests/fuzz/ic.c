/* Integration services and the keyboard with a guest that writes what it likes into their rings. */
#include "tests/fuzz/fuzz.h"
#include "tests/vmbus_provider.h"
#include "vsp/ic/ic.h"
#include "vsp/keyboard/keyboard.h"

#define STEPS 200u

static struct ic *ic;
static struct keyboard *keyboard;

/* A packet whose first bytes look like an answer, some of them changed. */
static void write_packet(struct fuzz_input *input)
{
    static uint8_t packet[5000];
    uint32_t size = (uint32_t)fuzz_number(input, 2) % sizeof(packet);
    if (guest_read(packet, sizeof(packet)) > 0)
        packet[25] = 4;
    for (uint32_t i = fuzz_byte(input) % 8; i > 0; i--)
        packet[fuzz_byte(input) % 64] = fuzz_byte(input);
    guest_write(packet, size);
}

static void step(struct fuzz_input *input)
{
    uint64_t time;
    switch (fuzz_byte(input) % 6) {
    case 0:
        pass_time(fuzz_number(input, 3));
        break;
    case 1:
        if (ic)
            ic_request_shutdown(ic, fuzz_byte(input) & 1);
        else
            keyboard_key(keyboard, fuzz_byte(input), 0);
        break;
    case 2: { /* a word of a control page */
        uint32_t value = (uint32_t)fuzz_number(input, 2);
        memcpy(guest_memory[fuzz_byte(input) & 1 ? RING_PAGES : 0] + fuzz_byte(input) % 17 * 4,
               &value, sizeof(value));
        break;
    }
    case 3:
        if (ic && ic_last_beat(ic, &time))
            FUZZ_CHECK(time <= now);
        break;
    default:
        write_packet(input);
        break;
    }
    guest_turn(provider_host, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct vmbus_offer offer;
    uint32_t kind = fuzz_byte(&input) % (IC_KIND_COUNT + 1);
    ic = kind < IC_KIND_COUNT ? ic_create((enum ic_kind)kind) : NULL;
    keyboard = ic ? NULL : keyboard_create();
    if (ic)
        ic_offer(ic, &offer);
    else
        keyboard_offer(keyboard, &offer);
    provider_open(&offer);
    for (uint32_t i = 0; i < STEPS && input.size > 0; i++)
        step(&input);
    provider_close();
    FUZZ_CHECK(blocks == 0 && !armed);
    if (ic)
        ic_destroy(ic);
    else
        keyboard_destroy(keyboard);
    return 0;
}
