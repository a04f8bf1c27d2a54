/* Registration of PCI drivers: a driver is one file with a PCI_DRIVER line; the PCI code offers it
 * each function that matches. */
#ifndef VENEER_PARENT_INCLUDE_DRIVER_H
#define VENEER_PARENT_INCLUDE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/interrupt.h"

#define PCI_BAR_COUNT 6
#define PCI_ANY 0xffffu

struct pci_bar {
    uint64_t address; /* port number if io */
    uint64_t size;    /* 0: not there */
    bool io;
};

struct pci_driver;

struct pci_function {
    uint16_t segment;
    uint8_t bus, device, function;
    uint16_t vendor_id, device_id, subsystem_vendor_id, subsystem_id;
    uint8_t class_code, subclass, programming_interface, revision;
    uint8_t interrupt_line, interrupt_pin;
    struct pci_bar bars[PCI_BAR_COUNT];
    const struct pci_driver *driver; /* that took it, or NULL */
    struct pci_function *next;
};

/* PCI_ANY matches every value; the class is class_code << 8 | subclass. */
struct pci_match {
    uint16_t vendor_id, device_id, class_subclass;
};

struct pci_driver {
    const char *name;
    const struct pci_match *matches;
    uint32_t match_count;
    /* True: the driver serves the function from now on. Thread. */
    bool (*probe)(struct pci_function *function);
};

/* Puts the driver into the table that the linker collects. */
#define PCI_DRIVER(driver_variable)                                                                \
    static const struct pci_driver *const driver_variable##_entry                                  \
        __attribute__((used, section(".pci_drivers"))) = &driver_variable

/* All functions, in the order of their numbers, linked by next; constant after the start. */
struct pci_function *pci_functions(void);

/* Configuration space; @offset is aligned to the size. */
uint32_t pci_read(const struct pci_function *function, uint16_t offset, unsigned size);
void pci_write(const struct pci_function *function, uint16_t offset, unsigned size, uint32_t value);

/* Offset of a capability, 0 if it is not there. */
uint8_t pci_find_capability(const struct pci_function *function, uint8_t id);

/* Turns on memory, I/O and bus mastering. */
void pci_enable(const struct pci_function *function);

/* Memory BAR @index, mapped uncached; NULL if it is not there or is I/O. */
volatile void *pci_map_bar(const struct pci_function *function, unsigned index);

/* The best interrupt there is: MSI-X entry 0, MSI, or the line. False if none works. */
bool pci_connect_interrupt(const struct pci_function *function, device_handler_t handler,
                           void *context);

/* MSI-X entries that the function has; 0: none. Connects entry @index. */
uint32_t pci_msix_count(const struct pci_function *function);
bool pci_connect_msix(const struct pci_function *function, uint32_t index, device_handler_t handler,
                      void *context);

#endif
