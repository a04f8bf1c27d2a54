#include "worker/devices/byte_ports.h"

static uint32_t read_bytes(void *device, uint16_t offset, uint32_t size)
{
    struct byte_ports *bytes = device;
    uint32_t value = 0;

    for (uint32_t i = 0; i < size; i++) {
        uint32_t byte = 0xff;

        if (offset + i < bytes->ports.count)
            byte = bytes->read(bytes->device, (uint16_t)(offset + i));
        value |= byte << 8 * i;
    }
    return value;
}

static void write_bytes(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    struct byte_ports *bytes = device;

    for (uint32_t i = 0; i < size && offset + i < bytes->ports.count; i++)
        bytes->write(bytes->device, (uint16_t)(offset + i), (uint8_t)(value >> 8 * i));
}

void byte_ports_init(struct byte_ports *bytes, uint16_t first, uint16_t count,
                     uint8_t (*read)(void *device, uint16_t offset),
                     void (*write)(void *device, uint16_t offset, uint8_t value), void *device)
{
    *bytes = (struct byte_ports){.ports = {first, count, read_bytes, write_bytes, bytes},
                                 .read = read,
                                 .write = write,
                                 .device = device};
}
