#include "worker/devices/pci.h"

#include "lib/string.h"

/* Ports. PCI 2.1, 3.2.2.3; the reset control register: 82371AB (PIIX4), 4.1. */
enum { CONFIG_ADDRESS = 0, RESET_CONTROL = 1, CONFIG_DATA = 4, PORTS = 8 };

#define FIRST_PORT 0xcf8

#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_WRITABLE 0x80fffffcu
#define ADDRESS_BUS(address) ((address) >> 16 & 0xff)
#define ADDRESS_DEVICE(address) ((address) >> 11 & 31)
#define ADDRESS_FUNCTION(address) ((address) >> 8 & 7)
#define ADDRESS_REGISTER(address) ((address)&0xfc)

#define RESET_CPU 0x04 /* going from 0 to 1 resets */
#define RESET_WRITABLE 0x0e

#define BAR_IO 0x01
#define BAR_IO_TYPE 0x03u
#define BAR_MEMORY_TYPE 0x0fu

#define COMMAND_WRITABLE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define STATUS_DEVSEL_MEDIUM 0x0200
#define STATUS_CLEARABLE 0xf900
#define BAR_END (PCI_BAR0 + 4 * PCI_BARS)

uint16_t pci_get16(const uint8_t *bytes, uint32_t offset)
{
    return (uint16_t)(bytes[offset] | bytes[offset + 1] << 8);
}

uint32_t pci_get32(const uint8_t *bytes, uint32_t offset)
{
    return pci_get16(bytes, offset) | (uint32_t)pci_get16(bytes, offset + 2) << 16;
}

void pci_set16(uint8_t *bytes, uint32_t offset, uint16_t value)
{
    bytes[offset] = (uint8_t)value;
    bytes[offset + 1] = (uint8_t)(value >> 8);
}

void pci_set32(uint8_t *bytes, uint32_t offset, uint32_t value)
{
    pci_set16(bytes, offset, (uint16_t)value);
    pci_set16(bytes, offset + 2, (uint16_t)(value >> 16));
}

/* --- Ranges ------------------------------------------------------------------------------------
 */

/* An address of 0 is one that has not been given yet. */
static void update_port_bar(const struct pci_function *function, struct pci_bar *bar,
                            uint32_t value)
{
    const struct pci_ranges *ranges = function->ranges;
    uint32_t first = value & ~BAR_IO_TYPE;
    bool wanted = pci_get16(function->config, PCI_COMMAND) & PCI_COMMAND_IO && first != 0 &&
                  first <= 0x10000u - bar->ports->count;

    if (bar->mapped && wanted && bar->ports->first == first)
        return;
    if (bar->mapped)
        ranges->unmap_ports(ranges->machine, bar->ports);
    bar->mapped = wanted;
    if (!wanted)
        return;
    bar->ports->first = (uint16_t)first;
    ranges->map_ports(ranges->machine, bar->ports);
}

static void update_mmio_bar(const struct pci_function *function, struct pci_bar *bar,
                            uint32_t value)
{
    const struct pci_ranges *ranges = function->ranges;
    uint32_t first = value & ~BAR_MEMORY_TYPE;
    bool wanted = pci_get16(function->config, PCI_COMMAND) & PCI_COMMAND_MEMORY && first != 0;

    if (bar->mapped && wanted && bar->mmio->first == first)
        return;
    if (bar->mapped)
        ranges->unmap_mmio(ranges->machine, bar->mmio);
    bar->mapped = wanted;
    if (!wanted)
        return;
    bar->mmio->first = first;
    ranges->map_mmio(ranges->machine, bar->mmio);
}

static void update_bars(struct pci_function *function)
{
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &function->bars[i];
        uint32_t value = pci_get32(function->config, PCI_BAR0 + 4 * i);

        if (bar->ports != NULL)
            update_port_bar(function, bar, value);
        else if (bar->mmio != NULL)
            update_mmio_bar(function, bar, value);
    }
}

/* --- Functions ---------------------------------------------------------------------------------
 */

void pci_function_init(struct pci_function *function, uint16_t vendor, uint16_t device,
                       uint32_t class, uint8_t revision)
{
    *function = (struct pci_function){0};
    pci_set16(function->reset, PCI_VENDOR_ID, vendor);
    pci_set16(function->reset, PCI_DEVICE_ID, device);
    pci_set16(function->reset, PCI_STATUS, STATUS_DEVSEL_MEDIUM);
    pci_set32(function->reset, PCI_REVISION, class << 8 | revision);
    pci_set16(function->writable, PCI_COMMAND, COMMAND_WRITABLE);
    pci_set16(function->clearable, PCI_STATUS, STATUS_CLEARABLE);
    function->writable[PCI_INTERRUPT_LINE] = 0xff;
}

void pci_add_port_bar(struct pci_function *function, uint32_t bar, struct device_ports *ports)
{
    function->bars[bar] = (struct pci_bar){.ports = ports};
    pci_set32(function->writable, PCI_BAR0 + 4 * bar, 0u - ports->count);
    pci_set32(function->reset, PCI_BAR0 + 4 * bar, BAR_IO);
}

void pci_add_mmio_bar(struct pci_function *function, uint32_t bar, struct device_mmio *mmio)
{
    function->bars[bar] = (struct pci_bar){.mmio = mmio};
    pci_set32(function->writable, PCI_BAR0 + 4 * bar, 0u - (uint32_t)mmio->size);
}

static void reset_function(struct pci_function *function)
{
    memcpy(function->config, function->reset, PCI_CONFIG_SIZE);
    update_bars(function);
    if (function->written != NULL)
        function->written(function->device, 0, PCI_CONFIG_SIZE);
}

void pci_add(struct pci_bus *bus, uint32_t device, uint32_t number, struct pci_function *function)
{
    bus->functions[device][number] = function;
    function->ranges = bus->ranges;
    reset_function(function);
}

static void write_config(struct pci_function *function, uint32_t offset, uint32_t size,
                         uint32_t value)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i), writable = function->writable[offset + i];
        uint8_t *config = &function->config[offset + i];

        *config = (uint8_t)((*config & ~writable) | (byte & writable));
        *config &= (uint8_t) ~(byte & function->clearable[offset + i]);
    }
    if (offset < BAR_END)
        update_bars(function);
    if (function->written != NULL)
        function->written(function->device, offset, size);
}

/* --- Ports -------------------------------------------------------------------------------------
 */

/* The function that the address names; NULL if there is none. */
static struct pci_function *addressed(const struct pci_bus *bus)
{
    if (!(bus->address & ADDRESS_ENABLE) || ADDRESS_BUS(bus->address) != 0)
        return NULL;
    return bus->functions[ADDRESS_DEVICE(bus->address)][ADDRESS_FUNCTION(bus->address)];
}

/* Bytes of an access at @offset that are of the addressed register of 4. */
static uint32_t bytes_within(uint16_t offset, uint32_t size)
{
    uint32_t room = PORTS - offset;

    return size < room ? size : room;
}

static uint32_t read_ports(void *device, uint16_t offset, uint32_t size)
{
    const struct pci_bus *bus = device;
    const struct pci_function *function = addressed(bus);
    uint32_t value = UINT32_MAX;

    if (offset == CONFIG_ADDRESS && size == 4)
        return bus->address;
    if (offset == RESET_CONTROL && size == 1)
        return bus->reset_control;
    if (offset < CONFIG_DATA || function == NULL)
        return UINT32_MAX;
    for (uint32_t i = 0; i < bytes_within(offset, size); i++) {
        uint32_t at = ADDRESS_REGISTER(bus->address) + offset - CONFIG_DATA + i;

        value &= ~(0xffu << 8 * i);
        value |= (uint32_t)function->config[at] << 8 * i;
    }
    return value;
}

static void write_reset_control(struct pci_bus *bus, uint8_t value)
{
    bool rises = value & RESET_CPU && !(bus->reset_control & RESET_CPU);

    bus->reset_control = value & RESET_WRITABLE;
    if (rises)
        bus->host->reset(bus->host->machine);
}

static void write_ports(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    struct pci_bus *bus = device;
    struct pci_function *function = addressed(bus);

    if (offset == CONFIG_ADDRESS && size == 4)
        bus->address = value & ADDRESS_WRITABLE;
    else if (offset == RESET_CONTROL && size == 1)
        write_reset_control(bus, (uint8_t)value);
    else if (offset >= CONFIG_DATA && function != NULL)
        write_config(function, ADDRESS_REGISTER(bus->address) + offset - CONFIG_DATA,
                     bytes_within(offset, size), value);
}

void pci_reset(struct pci_bus *bus)
{
    bus->address = 0;
    bus->reset_control = 0;
    for (uint32_t device = 0; device < PCI_DEVICES; device++) {
        for (uint32_t number = 0; number < PCI_FUNCTIONS; number++) {
            if (bus->functions[device][number] != NULL)
                reset_function(bus->functions[device][number]);
        }
    }
}

void pci_init(struct pci_bus *bus, const struct device_host *host, const struct pci_ranges *ranges)
{
    *bus = (struct pci_bus){
        .host = host,
        .ranges = ranges,
        .ports = {FIRST_PORT, PORTS, read_ports, write_ports, bus},
    };
}
