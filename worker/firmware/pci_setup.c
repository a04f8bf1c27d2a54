#include "include/firmware_info.h"
#include "worker/firmware/pci.h"
#include "worker/firmware/pic.h"
#include "worker/firmware/timing.h"

#define ID_PIIX3_ISA 0x70008086u
#define ID_PIIX4_ISA 0x71108086u
#define ID_PIIX4_PM 0x71138086u
#define CLASS_IDE 0x0101u
#define CLASS_VGA 0x0300u
#define CLASS_HOST_BRIDGE 0x0600u

#define ISA_PIRQ_ROUTES 0x60 /* 4 bytes */
#define IDE_TIMING 0x40      /* primary, secondary */
#define IDE_DECODE 0x8000
#define PM_BASE 0x40
#define PM_MISC 0x80
#define PM_ENABLE 0x01
#define PM_PORTS 64

#define BAR_IO 0x01
#define BAR_64 0x04
#define PAGE 4096u

uint8_t ide_device; /* device and function of the IDE controller */

static const uint8_t pirq_irqs[4] = FIRMWARE_PIRQ_IRQS;
static uint32_t next_port, next_address;

/* Takes @size bytes (a power of 2) from *next; 0 if they do not fit before @end. */
static uint32_t take(uint32_t *next, uint32_t size, uint32_t end)
{
    uint32_t base = (*next + size - 1) & ~(size - 1);

    if (base < *next || base >= end || end - base < size)
        return 0;
    *next = base + size;
    return base;
}

/* Sets a base address register. Returns the bit of the command register that it needs. */
static uint8_t set_bar(uint8_t function, uint8_t reg)
{
    uint32_t value, base;
    bool io;

    pci_write32(function, reg, 0xffffffff);
    value = pci_read32(function, reg);
    pci_write32(function, reg, 0);
    if (!value || value == 0xffffffff)
        return 0;
    io = value & BAR_IO;
    if (io) {
        uint32_t size = ~((value & ~3u) | 0xffff0000) + 1;

        base = take(&next_port, size, FIRMWARE_PCI_PORTS_END);
    } else {
        uint32_t size = ~(value & ~15u) + 1;

        base = take(&next_address, size < PAGE ? PAGE : size, FIRMWARE_PCI_MEMORY_END);
    }
    if (!base)
        return 0;
    pci_write32(function, reg, base);
    return io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
}

static void set_interrupt(uint8_t function)
{
    uint8_t pin = pci_read8(function, PCI_INTERRUPT_PIN);

    if (pin >= 1 && pin <= 4)
        pci_write8(function, PCI_INTERRUPT_LINE, pirq_irqs[(pin - 1u + (function >> 3) - 1u) & 3]);
}

static void set_function(uint8_t function)
{
    uint16_t class = (uint16_t)(pci_read32(function, PCI_CLASS) >> 16);
    uint16_t command = pci_read16(function, PCI_COMMAND);

    set_interrupt(function);
    if (class == CLASS_HOST_BRIDGE)
        return;
    pci_write16(function, PCI_COMMAND,
                (uint16_t)(command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY)));
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint8_t reg = (uint8_t)(PCI_BAR + i * 4);
        bool wide = (pci_read32(function, reg) & (BAR_IO | 6)) == BAR_64;

        command |= set_bar(function, reg);
        if (wide) { /* the upper half stays 0 */
            i++;
            pci_write32(function, (uint8_t)(reg + 4), 0);
        }
    }
    if (class == CLASS_VGA)
        command |= PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
    if (class == CLASS_IDE) {
        command |= PCI_COMMAND_IO | PCI_COMMAND_MASTER;
        pci_write32(function, IDE_TIMING, (uint32_t)IDE_DECODE << 16 | IDE_DECODE);
        ide_device = function;
    }
    pci_write16(function, PCI_COMMAND, command);
}

static void set_isa_bridge(uint8_t function)
{
    uint16_t levels = 1 << FIRMWARE_SCI_IRQ;

    for (uint8_t i = 0; i < 4; i++) {
        pci_write8(function, (uint8_t)(ISA_PIRQ_ROUTES + i), pirq_irqs[i]);
        levels = (uint16_t)(levels | 1 << pirq_irqs[i]);
    }
    pic_set_levels(levels);
}

static void set_power_management(uint8_t function)
{
    pci_write32(function, PM_BASE, FIRMWARE_PM_BASE | 1);
    pci_write8(function, PM_MISC, PM_ENABLE);
    pci_write16(function, PCI_COMMAND, pci_read16(function, PCI_COMMAND) | PCI_COMMAND_IO);
    pci_write8(function, PCI_INTERRUPT_LINE, FIRMWARE_SCI_IRQ);
    timing_init(FIRMWARE_PM_BASE);
}

void pci_init(void)
{
    next_port = FIRMWARE_PCI_PORTS_START;
    next_address = FIRMWARE_PCI_MEMORY_START;
    for (unsigned f = pci_next(-1); f < PCI_FUNCTIONS; f = pci_next((int)f)) {
        uint8_t function = (uint8_t)f;
        uint32_t id = pci_read32(function, PCI_ID);

        set_function(function);
        if (id == ID_PIIX3_ISA || id == ID_PIIX4_ISA)
            set_isa_bridge(function);
        if (id == ID_PIIX4_PM)
            set_power_management(function);
    }
}
