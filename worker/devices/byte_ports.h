/* Ports of devices with registers of a byte: a wider access is one of each byte, the lowest first,
 * as on an ISA bus. */
#ifndef VENEER_WORKER_DEVICES_BYTE_PORTS_H
#define VENEER_WORKER_DEVICES_BYTE_PORTS_H

#include "worker/devices/device.h"

struct byte_ports {
    struct device_ports ports; /* for the machine to register */
    uint8_t (*read)(void *device, uint16_t offset);
    void (*write)(void *device, uint16_t offset, uint8_t value);
    void *device;
};

/* Makes @bytes the @count ports from @first, of which @read and @write are called for each byte
 * with @device. Bytes of an access behind the last port read as FFh and drop writes. @bytes must
 * not be moved then. */
void byte_ports_init(struct byte_ports *bytes, uint16_t first, uint16_t count,
                     uint8_t (*read)(void *device, uint16_t offset),
                     void (*write)(void *device, uint16_t offset, uint8_t value), void *device);

#endif
