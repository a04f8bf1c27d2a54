/* CRC-32 as in IEEE 802.3, GPT, gzip and others: polynomial 04C11DB7h, reflected, inverted at both
 * ends. */
#ifndef VENEER_LIB_CRC32_H
#define VENEER_LIB_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of what had CRC @crc (0: nothing yet) followed by the @size bytes at @data. */
uint32_t crc32(uint32_t crc, const void *data, size_t size);

/* The same for those who have much of it to do: a third of the work, for 8 KiB of tables. */
struct crc32_tables {
    uint32_t remainders[8][256]; /* of a byte that so many other bytes follow */
};

void crc32_tables_init(struct crc32_tables *tables);
uint32_t crc32_by_tables(const struct crc32_tables *tables, uint32_t crc, const void *data,
                         size_t size);

#endif
