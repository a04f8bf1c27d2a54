/* The card's EEPROM. Digital Semiconductor 21X4 Serial ROM Format, version 1. */
#include "lib/crc32.h"
#include "lib/string.h"
#include "worker/devices/dec21140_registers.h"

#define SROM_SIZE (2 * EEPROM_93C46_WORDS)
#define SROM_MAC 20
#define SROM_CRC 126 /* the low half of the CRC-32 of all before */

static const uint8_t contents[] = {
    0x00, 0x0a, 0x14, 0x21, /* subsystem */
    0, 0, 0, 0, 0, 0, 0, 0, /* no CardBus, reserved */
    0, 0, 0, 0,             /* reserved */
    0x1d,                   /* CRC-8 of the words before */
    0,                      /* no options */
    1,                      /* version of the format */
    1,                      /* controllers */
    0, 0, 0, 0, 0, 0,       /* address */
    0, 30, 0,               /* controller 0: its leaf is at 30 */
    0,                      /* reserved */
    /* Leaf: which medium is found out; all general-purpose pins are inputs; one block. */
    0x00, 0x08, 0x00, 1,
    /* A block of 12 more bytes and type 1: the first transceiver on the bus, nothing to do to
     * select or reset it; its capabilities (BMSR 15:11), what it advertises, with which of them
     * full duplex and the transmit threshold go. */
    0x80 | 12, 1, 0, 0, 0, 0x00, 0x78, 0xe0, 0x01, 0x00, 0x50, 0x00, 0x18};

void dec21140_srom_make(uint16_t words[EEPROM_93C46_WORDS], const uint8_t mac[6])
{
    uint8_t bytes[SROM_SIZE] = {0};

    memcpy(bytes, contents, sizeof(contents));
    memcpy(bytes + SROM_MAC, mac, 6);
    pci_set16(bytes, SROM_CRC, (uint16_t)crc32(0, bytes, SROM_CRC));
    for (uint32_t i = 0; i < EEPROM_93C46_WORDS; i++)
        words[i] = pci_get16(bytes, 2 * i);
}
