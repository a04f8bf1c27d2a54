#include "parent/net/checksum.h"

#include "lib/big_endian.h"

uint32_t checksum_add(uint32_t sum, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (; size >= 2; bytes += 2, size -= 2)
        sum += load_be16(bytes);
    if (size > 0)
        sum += (uint32_t)bytes[0] << 8;
    return sum;
}

uint16_t checksum_finish(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)~sum;
}
