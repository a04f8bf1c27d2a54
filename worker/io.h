/* Who answers accesses to ports and to memory that is not RAM. Ports and addresses where nobody is
 * read as all ones and forget what is written. */
#ifndef VENEER_WORKER_IO_H
#define VENEER_WORKER_IO_H

#include "worker/devices/device.h"

/* Adds a range, which must stay and overlap no other. Before VPs run. */
void io_add_ports(const struct device_ports *ports);
void io_add_mmio(const struct device_mmio *mmio);

/* The same for devices that need no lock: their functions are called by several threads at once. */
void io_add_ports_unlocked(const struct device_ports *ports);

struct vp;

/* Accesses of @size bytes by @vp; takes the machine's lock. */
uint32_t io_read_port(struct vp *vp, uint16_t port, uint32_t size);
void io_write_port(struct vp *vp, uint16_t port, uint32_t size, uint32_t value);
uint64_t io_read_memory(struct vp *vp, uint64_t address, uint32_t size);
void io_write_memory(struct vp *vp, uint64_t address, uint32_t size, uint64_t value);

#endif
