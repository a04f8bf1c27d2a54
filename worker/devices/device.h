/* What a device of a virtual machine is to the machine, and the machine to the device.
 *
 * A device is a structure of its own with a plain `state` in it, which a saved machine can be made
 * of. It registers ranges of ports and memory; everything else it needs is in the struct
 * device_host that it is made with, so that each device can be tested on the build machine.
 *
 * Every function of a device is called with the machine's lock held and must not block; so a
 * device needs no lock of its own. What a device reads from guest memory may change at any time. */
#ifndef VENEER_WORKER_DEVICES_DEVICE_H
#define VENEER_WORKER_DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An interrupt line: an input of an interrupt controller. Level: it stays as it is set. */
struct device_line {
    void (*set)(void *controller, uint32_t input, bool asserted);
    void *controller;
    uint32_t input;
};

static inline void device_line_set(const struct device_line *line, bool asserted)
{
    if (line->set)
        line->set(line->controller, line->input, asserted);
}

#define DEVICE_NEVER UINT64_MAX

/* Part of a device: calls expired(device) once at its deadline, or a little later. */
struct device_timer {
    void (*expired)(void *device);
    void *device;
    uint64_t deadline; /* ns as now() counts; DEVICE_NEVER: not armed. Kept by the machine. */
    struct device_timer *next;
};

/* Memory of a device that the guest can reach like RAM, such as video memory; whole pages. */
struct device_memory {
    uint8_t *data;
    uint64_t size;   /* bytes */
    uint32_t handle; /* the machine's; a device does not look at it */
};

/* What a machine does for its devices. */
struct device_host {
    void *machine;
    /* ns since the machine was made; never goes back. */
    uint64_t (*now)(void *machine);
    /* ns since 1970-01-01 00:00 UTC. */
    uint64_t (*wall_clock)(void *machine);
    /* Arms @timer for @deadline instead of whatever it was armed for; DEVICE_NEVER disarms it. */
    void (*arm)(void *machine, struct device_timer *timer, uint64_t deadline);
    /* The guest's RAM at physical @address for DMA; NULL if not all @size bytes are RAM. */
    void *(*memory)(void *machine, uint64_t address, uint64_t size);
    /* Memory for a device, zeroed, as long as the machine lives; does not return without it. */
    void (*create_memory)(void *machine, uint64_t size, struct device_memory *memory);
    /* Guest physical @first on is @size bytes of @memory from @offset on, instead of what the guest
     * could reach there; all whole pages. For all processors when it returns. The range must not
     * overlap another one that is mapped. */
    void (*map_memory)(void *machine, uint64_t first, const struct device_memory *memory,
                       uint64_t offset, uint64_t size);
    /* Takes such a mapping back; accesses go to registers again, or nowhere. */
    void (*unmap_memory)(void *machine, uint64_t first);
    /* Sets bit n of @dirty if the guest may have written page n of the mapping at @first since the
     * last call, or since it was mapped. */
    void (*take_dirty)(void *machine, uint64_t first, uint8_t *dirty);
    /* The guest wants to be switched off or started anew; takes effect after the access. */
    void (*power_off)(void *machine);
    void (*reset)(void *machine);
};

/* Ports @first to @first + @count - 1. @offset is from @first; @size 1, 2 or 4 bytes, which may
 * reach beyond the range's end: such an access is the device's of its first byte. */
struct device_ports {
    uint16_t first, count;
    uint32_t (*read)(void *device, uint16_t offset, uint32_t size);
    void (*write)(void *device, uint16_t offset, uint32_t size, uint32_t value);
    void *device;
    /* Both or neither, for registers that strings of data go through, as INSW and OUTSW repeated
     * move them: @count accesses to one @offset of @size bytes each, in @data one after another.
     * Like as many calls of read() or write(). A string may have any length. */
    void (*read_block)(void *device, uint16_t offset, uint32_t size, uint32_t count, void *data);
    void (*write_block)(void *device, uint16_t offset, uint32_t size, uint32_t count,
                        const void *data);
};

/* Registers in memory; as for ports, with sizes of 1, 2, 4 or 8 bytes, within the range. */
struct device_mmio {
    uint64_t first, size;
    uint64_t (*read)(void *device, uint64_t offset, uint32_t size);
    void (*write)(void *device, uint64_t offset, uint32_t size, uint64_t value);
    void *device;
};

#endif
