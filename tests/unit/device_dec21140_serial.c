/* Unit test of the EEPROM and the transceiver of the network card 21140A, as drivers reach them. */
#include "tests/devices/dec21140_card.h"
#include "tests/unit/unit.h"

static struct dec21140_card card;

/* Clocks the low @count bits of @value into the EEPROM as Linux' driver does; what it answers. */
static uint32_t eeprom_bits(uint32_t value, uint32_t count)
{
    uint32_t answer = 0;

    for (uint32_t i = count; i-- > 0;) {
        uint32_t pins = 0x4801 | (value >> i & 1) << 2;

        card_write(&card, 9, pins);
        card_write(&card, 9, pins | 2);
        answer = answer << 1 | (card_read(&card, 9) >> 3 & 1);
        card_write(&card, 9, pins);
    }
    return answer;
}

static uint32_t eeprom_read(uint32_t address)
{
    uint32_t answer;

    card_write(&card, 9, 0x4800);
    card_write(&card, 9, 0x4801);
    eeprom_bits(6, 3);
    eeprom_bits(address, 6);
    answer = eeprom_bits(0, 16);
    card_write(&card, 9, 0x4800);
    return answer;
}

static void eeprom(void)
{
    static const uint8_t expected[] = {0x00, 0x0a, 0x14, 0x21, 0,    0,    0,    0,    0,    0,
                                       0,    0,    0,    0,    0,    0,    0x1d, 0x00, 0x01, 0x01,
                                       0x00, 0x15, 0x5d, 0x01, 0x02, 0x03, 0x00, 0x1e, 0x00, 0x00,
                                       0x00, 0x08, 0x00, 0x01, 0x8c, 0x01, 0x00, 0x00, 0x00, 0x00,
                                       0x78, 0xe0, 0x01, 0x00, 0x50, 0x00, 0x18, 0x00};

    card_create(&card, NULL);
    for (uint32_t i = 0; i < sizeof(expected); i += 2)
        CHECK_EQUAL(eeprom_read(i / 2), expected[i] | expected[i + 1] << 8);
    CHECK_EQUAL(eeprom_read(63), 0xb9b6);
    /* How Linux finds out that addresses have 6 bits: the answer to the last one is the first 0. */
    card_write(&card, 9, 0x4800);
    CHECK(card_read(&card, 9) & 8);
    card_write(&card, 9, 0x4801);
    CHECK_EQUAL(eeprom_bits(6 << 6, 9), 0x1fe);
    CHECK_EQUAL(eeprom_bits(0, 32), 0x0a002114); /* and on to the next word */
    card_write(&card, 9, 0x4800);
    CHECK(card_read(&card, 9) & 8);
    /* Writing changes nothing, and is ready at once. */
    card_write(&card, 9, 0x4801);
    eeprom_bits(4 << 6 | 0x30, 9); /* EWEN */
    card_write(&card, 9, 0x4800);
    card_write(&card, 9, 0x4801);
    CHECK_EQUAL(eeprom_bits((5 << 6 | 0) << 16 | 0xffff, 25), 0x1ffffff);
    card_write(&card, 9, 0x4800);
    CHECK_EQUAL(eeprom_read(0), 0x0a00);
    card_destroy(&card);
}

static void mdio_write_bits(uint32_t value, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        uint32_t pins = value >> i & 1 ? 0x20000 : 0;

        card_write(&card, 9, pins);
        card_write(&card, 9, pins | 0x10000);
    }
}

/* As Linux' driver: 19 samples, of which the first two and the last do not count. */
static uint32_t mdio_read_raw(uint32_t phy, uint32_t number, uint32_t preamble)
{
    uint32_t answer = 0;

    for (uint32_t i = 0; i < preamble; i++)
        mdio_write_bits(1, 1);
    mdio_write_bits(0xd800 | phy << 5 | number, 16);
    for (uint32_t i = 0; i < 19; i++) {
        card_write(&card, 9, 0x40000);
        answer = answer << 1 | (card_read(&card, 9) >> 19 & 1);
        card_write(&card, 9, 0x50000);
    }
    return answer;
}

static uint32_t mdio_read(uint32_t phy, uint32_t number)
{
    return mdio_read_raw(phy, number, 32) >> 1 & 0xffff;
}

static void mdio_write(uint32_t phy, uint32_t number, uint32_t value)
{
    mdio_write_bits(0xffffffff, 32);
    mdio_write_bits(0x50020000 | phy << 23 | number << 18 | value, 32);
    for (int i = 0; i < 2; i++) {
        card_write(&card, 9, 0x40000);
        card_write(&card, 9, 0x50000);
    }
}

static void transceiver(void)
{
    card_create(&card, NULL);
    CHECK_EQUAL(mdio_read(1, 1), 0x786d);
    CHECK_EQUAL(mdio_read_raw(1, 1, 0), 0x40000 | 0x786d << 1 | 1); /* no preamble; turn, idle */
    CHECK_EQUAL(mdio_read(0, 1), 0xffff);
    CHECK_EQUAL(mdio_read(31, 1), 0xffff);
    CHECK_EQUAL(mdio_read(1, 0), 0x3100);
    CHECK_EQUAL(mdio_read(1, 5), 0x45e1);
    mdio_write(1, 4, 0x0061);
    mdio_write(2, 4, 0x5555);
    mdio_write(1, 0, 0x1200);
    CHECK_EQUAL(mdio_read(1, 4), 0x0061);
    CHECK_EQUAL(mdio_read(1, 0), 0x1000);
    mdio_write(1, 0, 0x8000);
    CHECK_EQUAL(mdio_read(1, 0), 0x3100);
    CHECK_EQUAL(mdio_read(1, 4), 0x01e1);
    /* A link that was lost shows once. */
    card.cable.up = false;
    card.cable.changed(card.cable.device);
    CHECK_EQUAL(mdio_read(1, 1), 0x7849);
    card.cable.up = true;
    card.cable.changed(card.cable.device);
    CHECK_EQUAL(mdio_read(1, 1), 0x7869);
    CHECK_EQUAL(mdio_read(1, 1), 0x786d);
    card_destroy(&card);
}

int main(void)
{
    eeprom();
    transceiver();
    return unit_result();
}
