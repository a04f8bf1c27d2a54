/* The Internet checksum (RFC 1071): the one's complement sum of 16-bit numbers. */
#ifndef VENEER_PARENT_NET_CHECKSUM_H
#define VENEER_PARENT_NET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds @size bytes to the running @sum, which begins with 0. Only the last piece may have an odd
 * size. All pieces together are at most 64 KiB, so that the sum cannot overflow. */
uint32_t checksum_add(uint32_t sum, const void *data, size_t size);

/* The checksum of what was added. Over data that contains its checksum it is 0. */
uint16_t checksum_finish(uint32_t sum);

#endif
