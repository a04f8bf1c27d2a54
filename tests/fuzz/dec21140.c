/* Fuzzer of the network card: a driver that writes registers and descriptors as it likes, frames
 * that come, time that passes. The sanitizers watch; nothing may go on without end. */
#include "tests/devices/dec21140_card.h"
#include "tests/fuzz/fuzz.h"

#define SLOTS 16u    /* places for descriptors, of 32 bytes */
#define AT_ONCE 256u /* frames that one access may send */

static struct dec21140_card card;
static uint32_t sent; /* by the last step */

static void send(struct nic_link *link, const void *frame, uint32_t size)
{
    static uint8_t copy[NIC_MAX_FRAME];

    FUZZ_CHECK(link == &card.cable && link->up && size >= 14 && size <= NIC_MAX_FRAME);
    memcpy(copy, frame, size);
    sent++;
}

/* An address of a descriptor, of any memory, or of none. */
static uint32_t address(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);

    if (choice < 0xe0)
        return choice % SLOTS * 32;
    if (choice < 0xf0)
        return (uint32_t)(FAKE_RAM_SIZE - fuzz_number(in, 2));
    return (uint32_t)fuzz_number(in, 4);
}

static void write_descriptor(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);
    uint32_t words[4] = {
        choice & 0x80 ? 0x80000000u : 0,
        (uint32_t)fuzz_byte(in) << 24 | (uint32_t)fuzz_number(in, 3),
        address(in),
        address(in),
    };
    uint32_t copies = choice & 0x40 ? 32 : 1; /* many at once, one behind the other */

    if (choice & 0x20) { /* small buffers of a ring or a chain: a frame takes many of them */
        words[0] = 0x80000000;
        words[1] = choice & 0x10 ? 0x00020040 : 0x01000040;
        words[2] = 0x1000;
        words[3] = choice & 0x10 ? 0x2000 : choice % SLOTS * 32;
    }

    for (uint32_t i = 0; i < copies; i++)
        memcpy(card.machine.ram + choice % SLOTS * 32 + 16 * i, words, sizeof(words));
}

static void arrive(struct fuzz_input *in)
{
    static uint8_t frame[NIC_MAX_FRAME];
    uint8_t choice = fuzz_byte(in);
    uint32_t size = 14 + (uint32_t)fuzz_number(in, 2) % (NIC_MAX_FRAME - 13);

    memset(frame, choice & 4 ? 0xff : choice, 6);
    if (choice & 1)
        memcpy(frame, card.cable.mac, 6);
    for (uint32_t i = 0; i < (choice & 2u ? 20u : 1u); i++)
        card.cable.receive(card.cable.device, frame, size);
}

static void write_csr(struct fuzz_input *in)
{
    static const uint32_t useful[] = {0x2002, 0x2402, 0x2042, 0x2082, 0, 2, 0x2000, 0x40002002};
    uint8_t choice = fuzz_byte(in);

    if ((choice & 15) == 6 && choice & 0x40)
        card_write(&card, 6, useful[fuzz_byte(in) & 7]);
    else if ((choice & 15) == 3 || (choice & 15) == 4)
        card_write(&card, choice & 15, address(in));
    else
        card_write(&card, choice & 15, (uint32_t)fuzz_number(in, 4));
}

/* Bits over the wires of the EEPROM or of the transceiver, sometimes with a right beginning. */
static void wires(struct fuzz_input *in, bool eeprom, uint8_t choice)
{
    uint32_t bits = (uint32_t)fuzz_number(in, 4);

    if (choice & 1)
        bits = eeprom ? 0xc0000000 | bits >> 3 : 0x60800000 | (bits & 0x1f7fffff);
    for (uint32_t i = 32; i-- > 0;) {
        uint32_t bit = bits >> i & 1;
        uint32_t pins = eeprom ? 0x800 | bit << 2 | (i != 31) : bit << 17;

        if (!eeprom && i < 18 && choice & 2)
            pins |= 0x40000; /* it listens */
        card_write(&card, 9, pins);
        card_write(&card, 9, pins | (eeprom ? 2 : 0x10000));
    }
}

static void step(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);

    switch (choice & 7) {
    case 0:
        fake_in(&card.machine, (uint16_t)(CARD_PORT + (fuzz_byte(in) & 127)),
                1u << (choice >> 3 & 1));
        fake_in(&card.machine, (uint16_t)(CARD_PORT + 8 * (choice >> 4)), 4);
        break;
    case 1:
    case 2:
        write_csr(in);
        break;
    case 3:
    case 4:
        write_descriptor(in);
        break;
    case 5:
        arrive(in);
        break;
    case 6:
        wires(in, choice & 8, choice >> 4);
        break;
    default:
        if (choice & 0x40) {
            card.cable.up = choice & 0x10;
            card.cable.changed(card.cable.device);
        } else if (choice & 0x20) {
            card_write_config(&card, 0x04, choice & 0x10 ? 3 : 7);
        } else {
            card.machine.now_ns += fuzz_number(in, 3) << 10;
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    card_create(&card, send);
    card_write(&card, 3, 0);
    card_write(&card, 4, 0);
    for (uint32_t i = 0; in.size > 0 && i < 300; i++) {
        sent = 0;
        step(&in);
        FUZZ_CHECK(sent <= AT_ONCE);
        FUZZ_CHECK(fake_in(&card.machine, CARD_PORT + 8 * 5, 4) != UINT32_MAX);
        FUZZ_CHECK(card.nic.state.frame_size <= DEC21140_MAX_FRAME);
        if (i % 8 == 0)
            fake_pass(&card.machine, 100000);
    }
    card_write(&card, 0, 1);
    FUZZ_CHECK(!card.line.asserted && card.nic.timer.deadline == DEVICE_NEVER);
    FUZZ_CHECK(card.nic.poll.deadline == DEVICE_NEVER &&
               fake_in(&card.machine, CARD_PORT + 40, 4) == 0xfc000000);
    card_destroy(&card);
    return 0;
}
