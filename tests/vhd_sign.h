/* What the tests of VHDs share. */
#ifndef VENEER_TESTS_VHD_SIGN_H
#define VENEER_TESTS_VHD_SIGN_H

#include <stddef.h>

#include "lib/big_endian.h"

/* Makes the checksum at @at of a changed structure of @size bytes right again. */
static inline void vhd_sign(uint8_t *bytes, size_t size, size_t at)
{
    uint32_t sum = 0;

    store_be32(bytes + at, 0);
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    store_be32(bytes + at, ~sum);
}

#endif
