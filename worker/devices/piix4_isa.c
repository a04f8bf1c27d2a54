#include "worker/devices/piix4_isa.h"

/* Configuration. 82371AB (PIIX4), 4.1. */
#define CONFIG_PIRQRC 0x60 /* to 63h, for PIRQA# to PIRQD# */
#define PIRQRC_OFF 0x80
#define PIRQRC_IRQ 0x0f
#define CONFIG_RTCCFG 0xcb
#define RTCCFG_ENABLED 0x25 /* with its second bank */

/* 3 to 7, 9 to 12, 14 and 15: others are reserved and route nowhere. */
#define ROUTABLE 0xdef8u

static void update(struct piix4_isa *bridge)
{
    uint16_t driven = 0, changed;

    for (uint32_t i = 0; i < PIIX4_PIRQS; i++) {
        uint8_t route = bridge->function.config[CONFIG_PIRQRC + i];

        if (bridge->asserted[i] != 0 && !(route & PIRQRC_OFF))
            driven |= (uint16_t)(1u << (route & PIRQRC_IRQ) & ROUTABLE);
    }
    changed = driven ^ bridge->driven;
    bridge->driven = driven;
    for (uint32_t irq = 0; irq < 16; irq++) {
        if (changed & 1u << irq)
            device_line_set(&bridge->irqs[irq], driven & 1u << irq);
    }
}

static void config_written(void *device, uint32_t offset, uint32_t size)
{
    (void)offset;
    (void)size;
    update(device);
}

/* @input: the device's number, and the PIRQ above. */
static void set_pirq(void *controller, uint32_t input, bool asserted)
{
    struct piix4_isa *bridge = controller;
    uint32_t *devices = &bridge->asserted[input / PCI_DEVICES];
    uint32_t bit = 1u << input % PCI_DEVICES;

    *devices = asserted ? *devices | bit : *devices & ~bit;
    update(bridge);
}

struct device_line piix4_isa_line(struct piix4_isa *bridge, uint32_t device, uint32_t pin)
{
    uint32_t pirq = (device + pin + PIIX4_PIRQS - 1) % PIIX4_PIRQS;

    return (struct device_line){set_pirq, bridge, pirq * PCI_DEVICES + device};
}

void piix4_isa_init(struct piix4_isa *bridge, const struct device_line irqs[16],
                    const uint8_t reset_irqs[PIIX4_PIRQS])
{
    struct pci_function *function = &bridge->function;

    *bridge = (struct piix4_isa){0};
    for (uint32_t i = 0; i < 16; i++)
        bridge->irqs[i] = irqs[i];
    pci_function_init(function, 0x8086, 0x7110, 0x060100, 2);
    function->reset[PCI_HEADER_TYPE] = PCI_HEADER_MULTIFUNCTION;
    pci_set16(function->reset, PCI_COMMAND,
              PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    pci_set16(function->writable, PCI_COMMAND, 0);
    for (uint32_t i = 0; i < PIIX4_PIRQS; i++) {
        function->reset[CONFIG_PIRQRC + i] = reset_irqs[i] != 0 ? reset_irqs[i] : PIRQRC_OFF;
        function->writable[CONFIG_PIRQRC + i] = PIRQRC_OFF | PIRQRC_IRQ;
    }
    function->reset[CONFIG_RTCCFG] = RTCCFG_ENABLED;
    function->written = config_written;
    function->device = bridge;
}
