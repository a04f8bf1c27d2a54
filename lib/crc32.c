#include "lib/crc32.h"

#define POLYNOMIAL_REFLECTED 0xedb88320u

/* What four bits that leave the register contribute. */
static uint32_t nibble_remainder(uint32_t nibble)
{
    for (int bit = 0; bit < 4; bit++)
        nibble = (nibble >> 1) ^ ((nibble & 1) != 0 ? POLYNOMIAL_REFLECTED : 0);
    return nibble;
}

uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint32_t table[16];

    for (uint32_t nibble = 0; nibble < 16; nibble++)
        table[nibble] = nibble_remainder(nibble);
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}
