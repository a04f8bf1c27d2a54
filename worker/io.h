/* Who answers accesses to ports and to memory that is not there. Ports and addresses where nobody
 * is read as all ones and forget what is written. */
#ifndef VENEER_WORKER_IO_H
#define VENEER_WORKER_IO_H

#include "worker/devices/device.h"

/* Adds a range, which must stay. Before VPs run, or with the machine's lock. Of ranges that
 * overlap, the first that was added goes before. */
void io_add_ports(const struct device_ports *ports);
void io_add_mmio(const struct device_mmio *mmio);

/* Takes a range that was added away. Likewise. */
void io_remove_ports(const struct device_ports *ports);
void io_remove_mmio(const struct device_mmio *mmio);

/* Writes of single bytes to these ports need no exit of their own: they come to their device in the
 * order of the processor that makes them, before its next access that does need one. Before VPs
 * run. */
void io_post_writes(uint16_t first, uint16_t count);

/* Adds ports of a device that needs no lock: its functions are called by several threads at once.
 * They are never removed. */
void io_add_ports_unlocked(const struct device_ports *ports);

struct vp;

/* Accesses of @size bytes by @vp; takes the machine's lock. */
uint32_t io_read_port(struct vp *vp, uint16_t port, uint32_t size);
void io_write_port(struct vp *vp, uint16_t port, uint32_t size, uint32_t value);
uint64_t io_read_memory(struct vp *vp, uint64_t address, uint32_t size);
void io_write_memory(struct vp *vp, uint64_t address, uint32_t size, uint64_t value);

/* @count elements of @size bytes at @data: from and to one port, and from and to @address and what
 * follows, which may be memory meanwhile. */
void io_read_port_elements(struct vp *vp, uint16_t port, uint32_t size, uint32_t count, void *data);
void io_write_port_elements(struct vp *vp, uint16_t port, uint32_t size, uint32_t count,
                            const void *data);
void io_read_memory_elements(struct vp *vp, uint64_t address, uint32_t size, uint32_t count,
                             void *data);
void io_write_memory_elements(struct vp *vp, uint64_t address, uint32_t size, uint32_t count,
                              const void *data);

#endif
