/* A machine for the unit tests of its devices: ports, memory and lines without a processor, and a
 * time that the test moves. */
#ifndef VENEER_TESTS_DEVICES_FAKE_H
#define VENEER_TESTS_DEVICES_FAKE_H

#include "worker/devices/device.h"

#define FAKE_RANGES 32
#define FAKE_RAM_SIZE (1024 * 1024)

/* An input of an interrupt controller that remembers what it saw. */
struct fake_line {
    bool asserted;
    uint32_t rises;
};

/* Memory of a device where the guest reaches it. */
struct fake_window {
    uint64_t first, size;
    uint8_t *data; /* NULL: none is here */
    bool *dirty;   /* per page */
};

struct fake_machine {
    struct device_host host;
    uint64_t now_ns;
    uint64_t wall_start_ns; /* wall clock when now_ns was 0 */
    struct device_timer *timers;
    const struct device_ports *ports[FAKE_RANGES];
    const struct device_mmio *mmio[FAKE_RANGES];
    struct fake_window windows[FAKE_RANGES];
    void *memories[FAKE_RANGES]; /* of devices */
    uint32_t power_offs, resets;
    uint8_t *ram; /* FAKE_RAM_SIZE bytes at 0; on the heap, so that its ends are watched */
};

/* Makes @machine, at time 0 with zeroed RAM. It must not be moved while devices use it. */
void fake_create(struct fake_machine *machine);
void fake_destroy(struct fake_machine *machine);

/* The ranges are the caller's and must stay; a NULL range of the table is free. */
void fake_add_ports(struct fake_machine *machine, const struct device_ports *ports);
void fake_remove_ports(struct fake_machine *machine, const struct device_ports *ports);
void fake_add_mmio(struct fake_machine *machine, const struct device_mmio *mmio);
void fake_remove_mmio(struct fake_machine *machine, const struct device_mmio *mmio);

/* Accesses of the guest. What no range claims reads as all ones and drops writes. */
uint32_t fake_in(struct fake_machine *machine, uint16_t port, uint32_t size);
void fake_out(struct fake_machine *machine, uint16_t port, uint32_t size, uint32_t value);
uint64_t fake_read(struct fake_machine *machine, uint64_t address, uint32_t size);
void fake_write(struct fake_machine *machine, uint64_t address, uint32_t size, uint64_t value);

static inline uint8_t fake_inb(struct fake_machine *machine, uint16_t port)
{
    return (uint8_t)fake_in(machine, port, 1);
}

static inline void fake_outb(struct fake_machine *machine, uint16_t port, uint8_t value)
{
    fake_out(machine, port, 1, value);
}

/* Lets @ns pass; timers expire at their deadlines, in order. */
void fake_pass(struct fake_machine *machine, uint64_t ns);

/* When the next timer expires; DEVICE_NEVER if none is armed. */
uint64_t fake_next_deadline(const struct fake_machine *machine);

struct device_line fake_line(struct fake_line *line);

#endif
