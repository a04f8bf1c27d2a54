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

void crc32_tables_init(struct crc32_tables *tables)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = nibble_remainder(byte & 15);

        crc = (crc >> 4) ^ nibble_remainder((crc ^ byte >> 4) & 15);
        tables->remainders[0][byte] = crc;
    }
    for (uint32_t n = 1; n < 8; n++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = tables->remainders[n - 1][byte];

            tables->remainders[n][byte] = (crc >> 8) ^ tables->remainders[0][crc & 0xff];
        }
    }
}

/* 8 bytes at once: each contributes what it leaves after the others have passed. */
uint32_t crc32_by_tables(const struct crc32_tables *tables, uint32_t crc, const void *data,
                         size_t size)
{
    const uint8_t *bytes = data;
    const uint32_t(*table)[256] = tables->remainders;

    crc = ~crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;

        __builtin_memcpy(&word, bytes, sizeof(word));
        word ^= crc;
        crc = table[7][word & 0xff] ^ table[6][word >> 8 & 0xff] ^ table[5][word >> 16 & 0xff] ^
              table[4][word >> 24 & 0xff] ^ table[3][word >> 32 & 0xff] ^
              table[2][word >> 40 & 0xff] ^ table[1][word >> 48 & 0xff] ^ table[0][word >> 56];
    }
    for (size_t i = 0; i < size; i++)
        crc = (crc >> 8) ^ table[0][(crc ^ bytes[i]) & 0xff];
    return ~crc;
}
