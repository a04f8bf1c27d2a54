/* PCI configuration space, by mechanism 1. There is one bus. */
#ifndef VENEER_FIRMWARE_PCI_H
#define VENEER_FIRMWARE_PCI_H

#include "worker/firmware/firmware.h"

#define PCI_FUNCTIONS 256 /* device << 3 | function */

#define PCI_ID 0x00
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO 0x01
#define PCI_COMMAND_MEMORY 0x02
#define PCI_COMMAND_MASTER 0x04
#define PCI_CLASS 0x08 /* and revision */
#define PCI_HEADER_TYPE 0x0e
#define PCI_HEADER_MULTIFUNCTION 0x80
#define PCI_BAR 0x10
#define PCI_BARS 6
#define PCI_ROM_BAR 0x30
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d

#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT 0xcfc

static inline uint32_t pci_address(uint8_t function, uint8_t reg)
{
    return 0x80000000u | (uint32_t)function << 8 | (reg & 0xfcu);
}

static inline uint32_t pci_read32(uint8_t function, uint8_t reg)
{
    outl(PCI_ADDRESS_PORT, pci_address(function, reg));
    return inl(PCI_DATA_PORT);
}

static inline uint16_t pci_read16(uint8_t function, uint8_t reg)
{
    outl(PCI_ADDRESS_PORT, pci_address(function, reg));
    return inw((uint16_t)(PCI_DATA_PORT + (reg & 2)));
}

static inline uint8_t pci_read8(uint8_t function, uint8_t reg)
{
    outl(PCI_ADDRESS_PORT, pci_address(function, reg));
    return inb((uint16_t)(PCI_DATA_PORT + (reg & 3)));
}

static inline void pci_write32(uint8_t function, uint8_t reg, uint32_t value)
{
    outl(PCI_ADDRESS_PORT, pci_address(function, reg));
    outl(PCI_DATA_PORT, value);
}

static inline void pci_write16(uint8_t function, uint8_t reg, uint16_t value)
{
    outl(PCI_ADDRESS_PORT, pci_address(function, reg));
    outw((uint16_t)(PCI_DATA_PORT + (reg & 2)), value);
}

static inline void pci_write8(uint8_t function, uint8_t reg, uint8_t value)
{
    outl(PCI_ADDRESS_PORT, pci_address(function, reg));
    outb((uint16_t)(PCI_DATA_PORT + (reg & 3)), value);
}

static inline bool pci_present(uint8_t function)
{
    return (pci_read32(function, PCI_ID) & 0xffff) != 0xffff;
}

/* The function after @function that exists; PCI_FUNCTIONS at the end. Begin with -1. */
unsigned pci_next(int function);

/* Gives every function its ports, memory and interrupt, and sets up what the PIIX is made of. */
void pci_init(void);

#endif
