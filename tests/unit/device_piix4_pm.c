/* Unit test of the PIIX4's power management: timer, events, SCI, switching off. */
#include "worker/devices/piix4_pm.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

#define SECOND 1000000000ull
#define BASE 0x400

static struct fake_machine machine;
static struct fake_line sci;
static struct pci_bus bus;
static struct piix4_pm pm;

static void map_ports(void *context, const struct device_ports *ports)
{
    fake_add_ports(context, ports);
}

static void unmap_ports(void *context, const struct device_ports *ports)
{
    fake_remove_ports(context, ports);
}

static const struct pci_ranges ranges = {&machine, map_ports, unmap_ports, NULL, NULL};

static void start(uint16_t base)
{
    fake_create(&machine);
    sci = (struct fake_line){0};
    pci_init(&bus, &machine.host, &ranges);
    piix4_pm_init(&pm, &machine.host, fake_line(&sci), base);
    pci_add(&bus, 7, 3, &pm.function);
    fake_add_ports(&machine, &bus.ports);
    fake_add_ports(&machine, &pm.apm_ports.ports);
}

static void end(void)
{
    fake_destroy(&machine);
}

static uint32_t get(uint16_t offset, uint32_t size)
{
    return fake_in(&machine, BASE + offset, size);
}

static void set(uint16_t offset, uint32_t size, uint32_t value)
{
    fake_out(&machine, BASE + offset, size, value);
}

static void config(uint32_t offset, uint32_t size, uint32_t value)
{
    fake_out(&machine, 0xcf8, 4, 0x80000000 | 7 << 11 | 3 << 8 | offset);
    fake_out(&machine, 0xcfc, size, value);
}

/* BIOSes with a system management mode look here for whether it is prepared already. */
static void management_mode(void)
{
    start(0);
    config(0x58, 4, 0);
    fake_out(&machine, 0xcf8, 4, 0x80000000 | 7 << 11 | 3 << 8 | 0x58);
    CHECK_EQUAL(fake_in(&machine, 0xcfc, 4), 0x02000000);
    end();
}

static void mapping(void)
{
    start(0);
    CHECK_EQUAL(get(8, 4), 0xffffffff);
    config(0x40, 4, 0xffffffff);
    CHECK_EQUAL(fake_in(&machine, 0xcfc, 4), 0x0000ffc1);
    config(0x40, 4, BASE);
    CHECK_EQUAL(get(8, 4), 0xffffffff);
    config(0x80, 1, 0x01);
    CHECK_EQUAL(get(8, 4), 0);
    config(0x40, 4, 0xffc0);
    CHECK_EQUAL(get(8, 4), 0xffffffff);
    CHECK_EQUAL(fake_in(&machine, 0xfff4, 4), 0x7fffbfff);
    CHECK_EQUAL(fake_in(&machine, 0xffff, 4), 0xffffff00);
    pci_reset(&bus);
    CHECK_EQUAL(fake_in(&machine, 0xfff4, 4), 0xffffffff);
    end();
    start(BASE);
    CHECK_EQUAL(get(0x34, 4), 0x7fffbfff);
    end();
}

static void timer(void)
{
    start(BASE);
    fake_pass(&machine, SECOND);
    CHECK_EQUAL(get(8, 4), 3579545);
    CHECK_EQUAL(get(9, 2), 3579545 >> 8 & 0xffff);
    set(8, 4, 0x1234); /* cannot be set */
    CHECK_EQUAL(get(8, 4), 3579545);
    CHECK_EQUAL(get(0, 2), 0);
    fake_pass(&machine, 4 * SECOND);
    CHECK_EQUAL(get(8, 4), (5 * 3579545) & 0xffffff);
    CHECK_EQUAL(get(0, 2), 0x0001);
    set(0, 2, 0xffff);
    CHECK_EQUAL(get(0, 2), 0);
    CHECK_EQUAL(fake_next_deadline(&machine), DEVICE_NEVER);
    set(2, 2, 0x0001);
    CHECK_EQUAL(fake_next_deadline(&machine), DEVICE_NEVER);
    set(4, 2, 0x0001);
    CHECK(!sci.asserted);
    fake_pass(&machine, 3 * SECOND);
    CHECK(sci.asserted);
    CHECK_EQUAL(get(0, 4), 0x00010001);
    CHECK_EQUAL(fake_next_deadline(&machine), DEVICE_NEVER);
    set(0, 1, 0x01);
    CHECK(!sci.asserted);
    fake_pass(&machine, 3 * SECOND);
    CHECK_EQUAL(sci.rises, 2);
    set(2, 2, 0);
    CHECK(!sci.asserted);
    end();
}

static void events(void)
{
    start(BASE);
    set(2, 2, 0xffff);
    CHECK_EQUAL(get(2, 2), 0x0521);
    piix4_pm_power_button(&pm);
    CHECK_EQUAL(get(0, 2), 0x0100);
    CHECK(!sci.asserted); /* ACPI is off */
    fake_outb(&machine, 0xb2, 0xf1);
    CHECK_EQUAL(get(4, 2), 0x0001);
    CHECK(sci.asserted);
    fake_outb(&machine, 0xb2, 0xf0);
    CHECK(!sci.asserted);
    fake_outb(&machine, 0xb2, 0xe1);
    CHECK(sci.asserted);
    fake_outb(&machine, 0xb3, 0xf0); /* the other port is only a byte */
    CHECK(sci.asserted);
    CHECK_EQUAL(fake_in(&machine, 0xb2, 2), 0xf0e1);
    set(0, 2, 0xfeff);
    CHECK(sci.asserted);
    set(1, 1, 0x01);
    CHECK(!sci.asserted);
    pm.state.registers[0x0d] = 0x02;
    set(2, 2, 0);
    CHECK(!sci.asserted);
    set(0x0e, 2, 0xffff);
    CHECK_EQUAL(get(0x0c, 4), 0x0f010200);
    CHECK(sci.asserted);
    set(0x0c, 2, 0x0200);
    CHECK(!sci.asserted);
    CHECK_EQUAL(get(0x14, 2), 0);
    piix4_pm_reset(&pm);
    CHECK_EQUAL(get(4, 2), 0);
    end();
}

static void switching_off(void)
{
    start(BASE);
    set(4, 2, 0x0001);
    set(4, 2, 0x1c01);
    CHECK_EQUAL(get(4, 2), 0x1c01);
    set(4, 2, 0x3c01); /* a sleep state that there is not */
    CHECK_EQUAL(get(4, 2), 0x1c01);
    CHECK_EQUAL(machine.power_offs, 0);
    set(4, 2, 0x0001);
    CHECK_EQUAL(machine.power_offs, 0);
    set(4, 2, 0x2001);
    CHECK_EQUAL(machine.power_offs, 1);
    CHECK_EQUAL(get(4, 2), 0x0001);
    end();
}

int main(void)
{
    management_mode();
    mapping();
    timer();
    events();
    switching_off();
    return unit_result();
}
