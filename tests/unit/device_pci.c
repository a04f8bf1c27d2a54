/* Unit test of the PCI bus: configuration space, ranges that move, and the reset register. */
#include "worker/devices/pci.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

static struct fake_machine machine;
static struct pci_bus bus;
static struct pci_function function, other;
static struct device_ports io;
static struct device_mmio mmio;
static uint32_t written_offset, written_size;

static void map_ports(void *context, const struct device_ports *ports)
{
    fake_add_ports(context, ports);
}

static void unmap_ports(void *context, const struct device_ports *ports)
{
    fake_remove_ports(context, ports);
}

static void map_mmio(void *context, const struct device_mmio *range)
{
    fake_add_mmio(context, range);
}

static void unmap_mmio(void *context, const struct device_mmio *range)
{
    fake_remove_mmio(context, range);
}

static const struct pci_ranges ranges = {&machine, map_ports, unmap_ports, map_mmio, unmap_mmio};

static uint32_t read_io(void *device, uint16_t offset, uint32_t size)
{
    (void)device;
    (void)size;
    return 0x40u + offset;
}

static uint64_t read_mmio(void *device, uint64_t offset, uint32_t size)
{
    (void)device;
    (void)size;
    return 0x1000 + offset;
}

static void written(void *device, uint32_t offset, uint32_t size)
{
    CHECK(device == &function);
    written_offset = offset;
    written_size = size;
}

static void start(void)
{
    fake_create(&machine);
    pci_init(&bus, &machine.host, &ranges);
    fake_add_ports(&machine, &bus.ports);
    pci_function_init(&function, 0x1011, 0x0009, 0x020000, 0x20);
    io = (struct device_ports){.count = 128, .read = read_io};
    mmio = (struct device_mmio){.size = 4096, .read = read_mmio};
    pci_add_port_bar(&function, 0, &io);
    pci_add_mmio_bar(&function, 1, &mmio);
    function.reset[PCI_INTERRUPT_PIN] = 1;
    function.written = written;
    function.device = &function;
    pci_add(&bus, 10, 0, &function);
    pci_function_init(&other, 0x8086, 0x7113, 0x068000, 3);
    pci_add(&bus, 7, 3, &other);
}

static void end(void)
{
    fake_destroy(&machine);
}

static void address(uint32_t device, uint32_t number, uint32_t offset)
{
    fake_out(&machine, 0xcf8, 4, 0x80000000 | device << 11 | number << 8 | (offset & 0xfc));
}

static uint32_t get(uint32_t offset, uint32_t size)
{
    address(10, 0, offset);
    return fake_in(&machine, (uint16_t)(0xcfc + (offset & 3)), size);
}

static void set(uint32_t offset, uint32_t size, uint32_t value)
{
    address(10, 0, offset);
    fake_out(&machine, (uint16_t)(0xcfc + (offset & 3)), size, value);
}

static void mechanism(void)
{
    start();
    CHECK_EQUAL(get(0, 4), 0x00091011);
    CHECK_EQUAL(get(2, 2), 0x0009);
    CHECK_EQUAL(get(3, 1), 0x00);
    CHECK_EQUAL(get(8, 4), 0x02000020);
    CHECK_EQUAL(get(0xfe, 4), 0xffff0000); /* beyond the register */
    CHECK_EQUAL(get(0x3c, 4), 0x00000100);
    address(7, 3, 0);
    CHECK_EQUAL(fake_in(&machine, 0xcfc, 4), 0x71138086);
    address(7, 2, 0); /* not there */
    CHECK_EQUAL(fake_in(&machine, 0xcfc, 4), 0xffffffff);
    fake_out(&machine, 0xcfc, 4, 0);
    fake_out(&machine, 0xcf8, 4, 0x80010000 | 10 << 11); /* another bus */
    CHECK_EQUAL(fake_in(&machine, 0xcfc, 4), 0xffffffff);
    fake_out(&machine, 0xcf8, 4, 10 << 11); /* not enabled */
    CHECK_EQUAL(fake_in(&machine, 0xcfc, 4), 0xffffffff);
    /* How Linux looks for this mechanism, and for the other one. */
    fake_outb(&machine, 0xcfb, 0x01);
    fake_out(&machine, 0xcf8, 4, 0x80000000);
    CHECK_EQUAL(fake_in(&machine, 0xcf8, 4), 0x80000000);
    fake_outb(&machine, 0xcf8, 0);
    fake_outb(&machine, 0xcfa, 0);
    CHECK_EQUAL(fake_inb(&machine, 0xcf8), 0xff);
    CHECK_EQUAL(fake_inb(&machine, 0xcfa), 0xff);
    CHECK_EQUAL(fake_in(&machine, 0xcf8, 4), 0x80000000);
    end();
}

static void masks(void)
{
    start();
    set(0, 4, 0);
    CHECK_EQUAL(get(0, 4), 0x00091011);
    set(4, 2, 0xffff);
    CHECK_EQUAL(get(4, 4), 0x02000007);
    set(0x3c, 1, 11);
    CHECK_EQUAL(get(0x3c, 4), 0x0000010b);
    CHECK_EQUAL(written_offset, 0x3c);
    CHECK_EQUAL(written_size, 1);
    function.config[7] |= 0x30; /* aborts */
    set(6, 2, 0x1000);
    CHECK_EQUAL(get(6, 2), 0x2200);
    set(0xff, 4, 0xffffffff); /* must not go beyond the space */
    CHECK_EQUAL(written_size, 1);
    end();
}

static void moving_ranges(void)
{
    start();
    set(0x10, 4, 0xffffffff);
    CHECK_EQUAL(get(0x10, 4), 0xffffff81);
    set(0x14, 4, 0xffffffff);
    CHECK_EQUAL(get(0x14, 4), 0xfffff000);
    set(0x18, 4, 0xffffffff);
    CHECK_EQUAL(get(0x18, 4), 0);
    set(0x10, 4, 0xec00);
    set(0x14, 4, 0xfebff000);
    CHECK_EQUAL(fake_in(&machine, 0xec04, 4), 0xffffffff); /* not decoded yet */
    set(4, 2, 1);
    CHECK_EQUAL(fake_in(&machine, 0xec04, 4), 0x44);
    CHECK_EQUAL(fake_read(&machine, 0xfebff010, 4), 0xffffffff);
    set(4, 2, 3);
    CHECK_EQUAL(fake_read(&machine, 0xfebff010, 4), 0x1010);
    set(0x10, 4, 0xd000);
    CHECK_EQUAL(fake_in(&machine, 0xec04, 4), 0xffffffff);
    CHECK_EQUAL(fake_in(&machine, 0xd07f, 4), 0xbf);
    set(0x10, 4, 0x1d000); /* there is no such port */
    CHECK_EQUAL(fake_in(&machine, 0xd000, 4), 0xffffffff);
    set(0x10, 4, 0x10000);
    CHECK_EQUAL(fake_in(&machine, 0, 4), 0xffffffff);
    set(0x10, 4, 0xff80); /* the last ones */
    CHECK_EQUAL(fake_in(&machine, 0xff80, 4), 0x40);
    set(0x14, 4, 0xfebfe000);
    CHECK_EQUAL(fake_read(&machine, 0xfebff010, 4), 0xffffffff);
    CHECK_EQUAL(fake_read(&machine, 0xfebfe010, 4), 0x1010);
    set(0x14, 4, 0);
    CHECK_EQUAL(fake_read(&machine, 0, 4), 0xffffffff);
    set(0x14, 4, 0xfffff000);
    CHECK_EQUAL(fake_read(&machine, 0xfffff000, 4), 0x1000);
    pci_reset(&bus);
    CHECK_EQUAL(fake_in(&machine, 0xff80, 4), 0xffffffff);
    CHECK_EQUAL(fake_read(&machine, 0xfffff000, 4), 0xffffffff);
    CHECK_EQUAL(get(0x10, 4), 1);
    CHECK_EQUAL(get(4, 2), 0);
    end();
}

static void reset_register(void)
{
    start();
    fake_outb(&machine, 0xcf9, 0x02);
    CHECK_EQUAL(machine.resets, 0);
    fake_outb(&machine, 0xcf9, 0x06);
    CHECK_EQUAL(machine.resets, 1);
    CHECK_EQUAL(fake_inb(&machine, 0xcf9), 0x06);
    fake_outb(&machine, 0xcf9, 0x0e); /* no edge */
    CHECK_EQUAL(machine.resets, 1);
    pci_reset(&bus);
    fake_outb(&machine, 0xcf9, 0x0e);
    CHECK_EQUAL(machine.resets, 2);
    end();
}

int main(void)
{
    start();
    CHECK_EQUAL(written_size, 256);
    end();
    mechanism();
    masks();
    moving_ranges();
    reset_register();
    return unit_result();
}
