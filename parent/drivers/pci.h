/* PCI: what the kernel calls at its start, and the registers that the PCI code shares (PCI Local
 * Bus Specification 3.0, chapter 6; PCI-to-PCI Bridge Architecture Specification 1.2). For drivers
 * see parent/include/driver.h. */
#ifndef VENEER_PARENT_DRIVERS_PCI_H
#define VENEER_PARENT_DRIVERS_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/driver.h"

#define PCI_BUS_COUNT 256
#define PCI_DEVICE_COUNT 32
#define PCI_FUNCTION_COUNT 8

#define PCI_VENDOR_ID 0x00
#define PCI_DEVICE_ID 0x02
#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_REVISION_ID 0x08
#define PCI_PROGRAMMING_INTERFACE 0x09
#define PCI_SUBCLASS 0x0a
#define PCI_CLASS_CODE 0x0b
#define PCI_HEADER_TYPE 0x0e
#define PCI_BASE_ADDRESS 0x10
#define PCI_SECONDARY_BUS 0x19 /* bridges */
#define PCI_SUBSYSTEM_VENDOR_ID 0x2c
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_CAPABILITIES 0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d

#define PCI_COMMAND_IO 0x0001u
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_COMMAND_BUS_MASTER 0x0004u
#define PCI_COMMAND_INTERRUPT_DISABLE 0x0400u
#define PCI_STATUS_CAPABILITIES 0x0010u

#define PCI_HEADER_TYPE_MASK 0x7fu
#define PCI_HEADER_TYPE_DEVICE 0x00u
#define PCI_HEADER_TYPE_BRIDGE 0x01u
#define PCI_HEADER_MULTI_FUNCTION 0x80u

#define PCI_CAPABILITY_MSI 0x05
#define PCI_CAPABILITY_MSIX 0x11

/* Finds out how configuration space is reached. Thread, once. */
void pci_config_init(void);

/* Makes the extended configuration space of a bus reachable if the machine has it. False: the bus
 * cannot be reached at all. Thread, before the first access to a bus of a segment other than 0. */
bool pci_config_add_bus(uint16_t segment, uint8_t bus);

/* The buses of memory-mapped segments: those other than 0. @index from 0; false at the end. */
bool pci_config_next_segment(unsigned *index, uint16_t *segment, uint8_t *first_bus,
                             uint8_t *last_bus);

/* Enumerates all functions. Thread, once. */
void pci_init(void);

/* Offers each function to the drivers that match it. Thread, once, after pci_init(). */
void pci_probe(void);

#endif
