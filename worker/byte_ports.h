/* Ports of devices with registers of a byte: a wider access is one of each byte, the lowest first,
 * as on an ISA bus. */
#ifndef VENEER_WORKER_BYTE_PORTS_H
#define VENEER_WORKER_BYTE_PORTS_H

#include <stdint.h>

/* What a struct device_ports's read does; bytes behind the range's @count ports read as FFh. */
static inline uint32_t byte_ports_read(void *device, uint16_t offset, uint32_t size, uint16_t count,
                                       uint8_t (*read)(void *device, uint16_t offset))
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < size; i++) {
        uint32_t byte = offset + i < count ? read(device, (uint16_t)(offset + i)) : 0xff;

        value |= byte << 8 * i;
    }
    return value;
}

/* What a struct device_ports's write does; bytes behind the range's @count ports are dropped. */
static inline void byte_ports_write(void *device, uint16_t offset, uint32_t size, uint32_t value,
                                    uint16_t count,
                                    void (*write)(void *device, uint16_t offset, uint8_t value))
{
    for (uint32_t i = 0; i < size && offset + i < count; i++)
        write(device, (uint16_t)(offset + i), (uint8_t)(value >> 8 * i));
}

#endif
