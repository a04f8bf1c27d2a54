#include "worker/io.h"

#include "worker/machine.h"

#define PORTS 0x10000u
#define MAX_PORT_RANGES 64u
#define MAX_MMIO_RANGES 32u

struct port_range {
    const struct device_ports *ports; /* NULL: nobody; only in range 0 */
    bool unlocked;
};

static struct port_range port_ranges[MAX_PORT_RANGES];
static uint8_t range_of_port[PORTS]; /* index in port_ranges */
static unsigned port_range_count = 1;
static const struct device_mmio *mmio_ranges[MAX_MMIO_RANGES];
static unsigned mmio_range_count;

static void add_ports(const struct device_ports *ports, bool unlocked)
{
    if (port_range_count == MAX_PORT_RANGES || ports->count > PORTS - ports->first)
        machine_fail("no room for the ports at %x", ports->first);
    port_ranges[port_range_count] = (struct port_range){.ports = ports, .unlocked = unlocked};
    for (uint32_t i = 0; i < ports->count; i++) {
        if (range_of_port[ports->first + i] != 0)
            machine_fail("two devices want port %x", ports->first + i);
        range_of_port[ports->first + i] = (uint8_t)port_range_count;
    }
    port_range_count++;
}

void io_add_ports(const struct device_ports *ports)
{
    add_ports(ports, false);
}

void io_add_ports_unlocked(const struct device_ports *ports)
{
    add_ports(ports, true);
}

void io_add_mmio(const struct device_mmio *mmio)
{
    if (mmio_range_count == MAX_MMIO_RANGES)
        machine_fail("no room for the registers at %lx", mmio->first);
    mmio_ranges[mmio_range_count++] = mmio;
}

static void begin_access(struct vp *vp)
{
    lock_take(&machine.lock);
    machine.accessing = vp;
}

static void end_access(void)
{
    lock_release(&machine.lock);
}

/* So that accesses without the lock need no registers saved for it. */
#define RARE __attribute__((noinline))

static RARE uint32_t read_locked(struct vp *vp, const struct device_ports *ports, uint16_t offset,
                                 uint32_t size)
{
    begin_access(vp);
    uint32_t value = ports->read(ports->device, offset, size);
    end_access();
    return value;
}

static RARE void write_locked(struct vp *vp, const struct device_ports *ports, uint16_t offset,
                              uint32_t size, uint32_t value)
{
    begin_access(vp);
    ports->write(ports->device, offset, size, value);
    end_access();
}

uint32_t io_read_port(struct vp *vp, uint16_t port, uint32_t size)
{
    const struct port_range *range = &port_ranges[range_of_port[port]];
    const struct device_ports *ports = range->ports;
    if (!ports)
        return UINT32_MAX;
    uint16_t offset = (uint16_t)(port - ports->first);
    if (range->unlocked)
        return ports->read(ports->device, offset, size);
    return read_locked(vp, ports, offset, size);
}

void io_write_port(struct vp *vp, uint16_t port, uint32_t size, uint32_t value)
{
    const struct port_range *range = &port_ranges[range_of_port[port]];
    const struct device_ports *ports = range->ports;
    if (!ports)
        return;
    uint16_t offset = (uint16_t)(port - ports->first);
    if (range->unlocked)
        ports->write(ports->device, offset, size, value);
    else
        write_locked(vp, ports, offset, size, value);
}

static const struct device_mmio *find_mmio(uint64_t address, uint32_t size)
{
    for (unsigned i = 0; i < mmio_range_count; i++) {
        const struct device_mmio *mmio = mmio_ranges[i];
        if (address >= mmio->first && address - mmio->first < mmio->size)
            return size <= mmio->size - (address - mmio->first) ? mmio : NULL;
    }
    return NULL;
}

uint64_t io_read_memory(struct vp *vp, uint64_t address, uint32_t size)
{
    const struct device_mmio *mmio = find_mmio(address, size);
    if (!mmio)
        return UINT64_MAX;
    begin_access(vp);
    uint64_t value = mmio->read(mmio->device, address - mmio->first, size);
    end_access();
    return value;
}

void io_write_memory(struct vp *vp, uint64_t address, uint32_t size, uint64_t value)
{
    const struct device_mmio *mmio = find_mmio(address, size);
    if (!mmio)
        return;
    begin_access(vp);
    mmio->write(mmio->device, address - mmio->first, size, value);
    end_access();
}
