#include "worker/io.h"

#include "lib/string.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"

#define PORTS 0x10000u
#define MAX_PORT_RANGES 64u
#define MAX_MMIO_RANGES 32u

struct port_range {
    const struct device_ports *ports; /* NULL: free; always so in range 0, which is nobody's */
    bool unlocked;
};

/* In the order in which they were added, but for holes. A range may move as long as the lock is not
 * held, so what was found without it is looked up again. */
static struct port_range port_ranges[MAX_PORT_RANGES];
static uint8_t range_of_port[PORTS]; /* index in port_ranges */
static unsigned port_range_count = 1;
static const struct device_mmio *mmio_ranges[MAX_MMIO_RANGES];
static unsigned mmio_range_count;

/* Gives range @index those of its ports that nobody has. */
static void take_ports(unsigned index)
{
    const struct device_ports *ports = port_ranges[index].ports;
    for (uint32_t i = 0; i < ports->count; i++)
        if (range_of_port[ports->first + i] == 0)
            range_of_port[ports->first + i] = (uint8_t)index;
}

static void add_ports(const struct device_ports *ports, bool unlocked)
{
    if (port_range_count == MAX_PORT_RANGES || ports->count > PORTS - ports->first)
        machine_fail("no room for the ports at %x", ports->first);
    port_ranges[port_range_count] = (struct port_range){.ports = ports, .unlocked = unlocked};
    take_ports(port_range_count++);
}

void io_add_ports(const struct device_ports *ports)
{
    add_ports(ports, false);
}

void io_add_ports_unlocked(const struct device_ports *ports)
{
    add_ports(ports, true);
}

/* Numbers go down by one behind the range that goes: all ports are distributed anew. */
void io_remove_ports(const struct device_ports *ports)
{
    unsigned index = 1;
    while (index < port_range_count && port_ranges[index].ports != ports)
        index++;
    if (index == port_range_count)
        return;
    port_range_count--;
    for (unsigned i = index; i < port_range_count; i++)
        port_ranges[i] = port_ranges[i + 1];
    memset(range_of_port, 0, sizeof(range_of_port));
    for (unsigned i = 1; i < port_range_count; i++)
        take_ports(i);
}

static void set_posted(uint32_t vp, uint16_t port)
{
    const struct hv_input_veneer_set_vp_register_rule rule = {.vp_index = vp,
                                                              .address = port,
                                                              .kind = VENEER_REGISTER_PORT,
                                                              .size = 1,
                                                              .flags = VENEER_RULE_POSTED_WRITES};
    if (machine_call(HVCALL_VENEER_SET_VP_REGISTER_RULE, 0, &rule, sizeof(rule)) != 0)
        machine_fail("the hypervisor refuses a rule for port %x", port);
}

void io_post_writes(uint16_t first, uint16_t count)
{
    for (uint32_t vp = 0; vp < machine.vp_count; vp++)
        for (uint16_t i = 0; i < count; i++)
            set_posted(vp, (uint16_t)(first + i));
}

void io_add_mmio(const struct device_mmio *mmio)
{
    if (mmio_range_count == MAX_MMIO_RANGES)
        machine_fail("no room for the registers at %lx", mmio->first);
    mmio_ranges[mmio_range_count++] = mmio;
}

void io_remove_mmio(const struct device_mmio *mmio)
{
    unsigned index = 0;
    while (index < mmio_range_count && mmio_ranges[index] != mmio)
        index++;
    if (index == mmio_range_count)
        return;
    mmio_range_count--;
    for (unsigned i = index; i < mmio_range_count; i++)
        mmio_ranges[i] = mmio_ranges[i + 1];
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

/* --- Ports --- */

/* So that accesses without the lock need no registers saved for it. */
#define RARE __attribute__((noinline))

/* The device's ports at @port; NULL: nobody's. With the lock. */
static const struct device_ports *find_ports(uint16_t port)
{
    return port_ranges[range_of_port[port]].ports;
}

static RARE uint32_t read_locked(struct vp *vp, uint16_t port, uint32_t size)
{
    uint32_t value = UINT32_MAX;
    begin_access(vp);
    const struct device_ports *ports = find_ports(port);
    if (ports)
        value = ports->read(ports->device, (uint16_t)(port - ports->first), size);
    end_access();
    return value;
}

static RARE void write_locked(struct vp *vp, uint16_t port, uint32_t size, uint32_t value)
{
    begin_access(vp);
    const struct device_ports *ports = find_ports(port);
    if (ports)
        ports->write(ports->device, (uint16_t)(port - ports->first), size, value);
    end_access();
}

uint32_t io_read_port(struct vp *vp, uint16_t port, uint32_t size)
{
    const struct port_range *range = &port_ranges[range_of_port[port]];
    if (!range->unlocked)
        return read_locked(vp, port, size);
    return range->ports->read(range->ports->device, (uint16_t)(port - range->ports->first), size);
}

void io_write_port(struct vp *vp, uint16_t port, uint32_t size, uint32_t value)
{
    const struct port_range *range = &port_ranges[range_of_port[port]];
    if (!range->unlocked)
        write_locked(vp, port, size, value);
    else
        range->ports->write(range->ports->device, (uint16_t)(port - range->ports->first), size,
                            value);
}

/* By one call if the device can; else each finds whom the one before has put there. */
static void read_elements(uint16_t port, uint32_t size, uint32_t count, uint8_t *to)
{
    const struct device_ports *ports = find_ports(port);
    if (ports && ports->read_block) {
        ports->read_block(ports->device, (uint16_t)(port - ports->first), size, count, to);
        return;
    }
    for (; count > 0; count--, to += size, ports = find_ports(port)) {
        uint32_t value = UINT32_MAX;
        if (ports)
            value = ports->read(ports->device, (uint16_t)(port - ports->first), size);
        memcpy(to, &value, size);
    }
}

void io_read_port_elements(struct vp *vp, uint16_t port, uint32_t size, uint32_t count, void *data)
{
    begin_access(vp);
    read_elements(port, size, count, data);
    end_access();
}

static void write_elements(uint16_t port, uint32_t size, uint32_t count, const uint8_t *from)
{
    const struct device_ports *ports = find_ports(port);
    if (ports && ports->write_block) {
        ports->write_block(ports->device, (uint16_t)(port - ports->first), size, count, from);
        return;
    }
    for (; count > 0; count--, from += size, ports = find_ports(port)) {
        uint32_t value = 0;
        memcpy(&value, from, size);
        if (ports)
            ports->write(ports->device, (uint16_t)(port - ports->first), size, value);
    }
}

void io_write_port_elements(struct vp *vp, uint16_t port, uint32_t size, uint32_t count,
                            const void *data)
{
    begin_access(vp);
    write_elements(port, size, count, data);
    end_access();
}

/* --- Memory --- */

static const struct device_mmio *find_mmio(uint64_t address, uint32_t size)
{
    for (unsigned i = 0; i < mmio_range_count; i++) {
        const struct device_mmio *mmio = mmio_ranges[i];
        if (address >= mmio->first && address - mmio->first < mmio->size)
            return size <= mmio->size - (address - mmio->first) ? mmio : NULL;
    }
    return NULL;
}

static uint64_t read_memory(uint64_t address, uint32_t size)
{
    uint64_t value = UINT64_MAX;
    const void *memory = guest_memory_to_read(address, size);
    const struct device_mmio *mmio = memory ? NULL : find_mmio(address, size);
    if (memory)
        memcpy(&value, memory, size);
    else if (mmio)
        value = mmio->read(mmio->device, address - mmio->first, size);
    return value;
}

static void write_memory(uint64_t address, uint32_t size, uint64_t value)
{
    void *memory = guest_memory_to_write(address, size);
    const struct device_mmio *mmio = memory ? NULL : find_mmio(address, size);
    if (memory)
        memcpy(memory, &value, size);
    else if (mmio)
        mmio->write(mmio->device, address - mmio->first, size, value);
}

uint64_t io_read_memory(struct vp *vp, uint64_t address, uint32_t size)
{
    begin_access(vp);
    uint64_t value = read_memory(address, size);
    end_access();
    return value;
}

void io_write_memory(struct vp *vp, uint64_t address, uint32_t size, uint64_t value)
{
    begin_access(vp);
    write_memory(address, size, value);
    end_access();
}

void io_read_memory_elements(struct vp *vp, uint64_t address, uint32_t size, uint32_t count,
                             void *data)
{
    uint8_t *to = data;
    begin_access(vp);
    for (; count > 0; count--, address += size, to += size) {
        uint64_t value = read_memory(address, size);
        memcpy(to, &value, size);
    }
    end_access();
}

void io_write_memory_elements(struct vp *vp, uint64_t address, uint32_t size, uint32_t count,
                              const void *data)
{
    const uint8_t *from = data;
    begin_access(vp);
    for (; count > 0; count--, address += size, from += size) {
        uint64_t value = 0;
        memcpy(&value, from, size);
        write_memory(address, size, value);
    }
    end_access();
}
