/* Unit test of the routing of PCI interrupts. */
#include "worker/devices/piix4_isa.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

static struct fake_machine machine;
static struct fake_line lines[16];
static struct pci_bus bus;
static struct piix4_isa bridge;

static void start(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    static const struct pci_ranges ranges = {0};
    struct device_line irqs[16];
    uint8_t reset_irqs[4] = {a, b, c, d};

    fake_create(&machine);
    for (int i = 0; i < 16; i++) {
        lines[i] = (struct fake_line){0};
        irqs[i] = fake_line(&lines[i]);
    }
    pci_init(&bus, &machine.host, &ranges);
    piix4_isa_init(&bridge, irqs, reset_irqs);
    pci_add(&bus, 7, 0, &bridge.function);
    fake_add_ports(&machine, &bus.ports);
}

static void route(uint32_t pirq, uint8_t value)
{
    fake_out(&machine, 0xcf8, 4, 0x80000000 | 7 << 11 | 0x60);
    fake_outb(&machine, (uint16_t)(0xcfc + pirq), value);
}

/* Exactly the inputs in @expected are up. */
static void check_lines(int line, uint16_t expected)
{
    for (int i = 0; i < 16; i++) {
        if (lines[i].asserted != (expected >> i & 1)) {
            fprintf(stderr, "line %d: input %d is %d\n", line, i, lines[i].asserted);
            unit_failures++;
        }
    }
}
#define LINES(expected) check_lines(__LINE__, expected)

int main(void)
{
    struct device_line nic, second, same;

    start(10, 10, 11, 11);
    fake_out(&machine, 0xcf8, 4, 0x80000000 | 7 << 11);
    CHECK_EQUAL(fake_in(&machine, 0xcfc, 4), 0x71108086);
    nic = piix4_isa_line(&bridge, 10, 0);    /* PIRQB */
    same = piix4_isa_line(&bridge, 14, 0);   /* PIRQB */
    second = piix4_isa_line(&bridge, 11, 0); /* PIRQC */
    device_line_set(&nic, true);
    LINES(1 << 10);
    device_line_set(&same, true);
    device_line_set(&nic, false);
    LINES(1 << 10);
    device_line_set(&second, true);
    LINES(1 << 10 | 1 << 11);
    route(1, 11); /* both on 11 */
    LINES(1 << 11);
    CHECK_EQUAL(lines[11].rises, 1);
    device_line_set(&second, false);
    LINES(1 << 11);
    device_line_set(&same, false);
    LINES(0);
    device_line_set(&nic, true);
    route(1, 0x85);
    LINES(0);
    for (uint8_t irq = 0; irq < 16; irq++) {
        route(1, irq);
        LINES((uint16_t)(1u << irq & 0xdef8));
    }
    pci_reset(&bus);
    LINES(1 << 10);
    fake_destroy(&machine);

    start(0, 0, 0, 0);
    nic = piix4_isa_line(&bridge, 10, 3); /* INTD# of 10: PIRQA */
    device_line_set(&nic, true);
    LINES(0);
    route(0, 5);
    LINES(1 << 5);
    fake_destroy(&machine);
    return unit_result();
}
