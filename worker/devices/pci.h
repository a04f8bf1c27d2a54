/* The PCI bus of a virtual machine: configuration mechanism 1, and functions with a plain
 * configuration space whose base address registers move ranges of ports and memory. The reset
 * control register, CF9h, is amid its ports and so is here as well.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_PCI_H
#define VENEER_WORKER_DEVICES_PCI_H

#include "worker/devices/device.h"

#define PCI_CONFIG_SIZE 256
#define PCI_BARS 6
#define PCI_DEVICES 32
#define PCI_FUNCTIONS 8

/* Configuration registers of every function. PCI 2.1, 6.1. */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09, /* programming interface, subclass, class */
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};

#define PCI_COMMAND_IO 0x0001
#define PCI_COMMAND_MEMORY 0x0002
#define PCI_COMMAND_MASTER 0x0004
#define PCI_HEADER_MULTIFUNCTION 0x80

/* How the machine finds ranges that move. A range may come to lie over another or over RAM: the
 * guest decides; what the machine had there first goes before. */
struct pci_ranges {
    void *machine;
    void (*map_ports)(void *machine, const struct device_ports *ports);
    void (*unmap_ports)(void *machine, const struct device_ports *ports);
    void (*map_mmio)(void *machine, const struct device_mmio *mmio);
    void (*unmap_mmio)(void *machine, const struct device_mmio *mmio);
};

/* A base address register; one with neither range is not there. */
struct pci_bar {
    struct device_ports *ports; /* or */
    struct device_mmio *mmio;
    bool mapped;
};

/* A function of a device. Its owner makes it with pci_function_init(), sets @reset, @writable and
 * @clearable where they differ, and its callback, and puts it on the bus with pci_add(). */
struct pci_function {
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t reset[PCI_CONFIG_SIZE];     /* what @config is after a reset */
    uint8_t writable[PCI_CONFIG_SIZE];  /* bits that the guest sets */
    uint8_t clearable[PCI_CONFIG_SIZE]; /* bits that the guest clears by writing 1 */
    struct pci_bar bars[PCI_BARS];
    /* After the guest has written @size bytes from @offset, or after a reset (all of them);
     * may be NULL. */
    void (*written)(void *device, uint32_t offset, uint32_t size);
    void *device;
    const struct pci_ranges *ranges; /* set by pci_add() */
};

struct pci_bus {
    const struct device_host *host;
    const struct pci_ranges *ranges;
    struct pci_function *functions[PCI_DEVICES][PCI_FUNCTIONS];
    struct device_ports ports; /* CF8h to CFFh */
    uint32_t address;          /* the register at CF8h */
    uint8_t reset_control;     /* that at CF9h */
};

/* Makes @bus, with nothing on it. @ranges must stay. */
void pci_init(struct pci_bus *bus, const struct device_host *host, const struct pci_ranges *ranges);

/* Resets the bus and all functions on it: their ranges are unmapped. */
void pci_reset(struct pci_bus *bus);

/* Makes @function one of @vendor and @device, without ranges, with class code @class (24 bits) and
 * @revision. The bits of the command register that every function has, and the interrupt line, can
 * be written. */
void pci_function_init(struct pci_function *function, uint16_t vendor, uint16_t device,
                       uint32_t class, uint8_t revision);

/* Gives @function register @bar (0 to 5) for @ports, whose count is a power of 2 from 4, or for
 * @mmio, whose size is one from 16 to 2 GiB. They are kept, and their first is set when mapped. */
void pci_add_port_bar(struct pci_function *function, uint32_t bar, struct device_ports *ports);
void pci_add_mmio_bar(struct pci_function *function, uint32_t bar, struct device_mmio *mmio);

/* Puts @function onto @bus at @device and @number, and resets it. */
void pci_add(struct pci_bus *bus, uint32_t device, uint32_t number, struct pci_function *function);

/* Registers of 2 and 4 bytes in the array @bytes of a function; @offset is aligned. */
uint16_t pci_get16(const uint8_t *bytes, uint32_t offset);
uint32_t pci_get32(const uint8_t *bytes, uint32_t offset);
void pci_set16(uint8_t *bytes, uint32_t offset, uint16_t value);
void pci_set32(uint8_t *bytes, uint32_t offset, uint32_t value);

#endif
