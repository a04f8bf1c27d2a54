/* Enumeration of PCI functions, and the drivers' table. Bus numbers and addresses are the
 * firmware's: what it did not configure is not used. */
#include "parent/drivers/pci.h"

#include <stddef.h>

#include "parent/include/log.h"
#include "parent/include/memory.h"

/* Bits of a base address register. */
#define BAR_IO 0x1u
#define BAR_IO_FLAGS 0x3u
#define BAR_MEMORY_TYPE_MASK 0x6u
#define BAR_MEMORY_TYPE_64 0x4u
#define BAR_MEMORY_FLAGS 0xfu

/* All drivers: PCI_DRIVER() puts them there (linker.ld). */
extern const struct pci_driver *const pci_drivers_start[], *const pci_drivers_end[];

static struct pci_function *first_function;
static struct pci_function **next_function = &first_function;

struct pci_function *pci_functions(void)
{
    return first_function;
}

/* The register's value with all writable bits set. Decoding must be off. */
static uint32_t writable_bits(const struct pci_function *function, uint16_t offset)
{
    uint32_t original = pci_read(function, offset, 4);
    uint32_t bits;

    pci_write(function, offset, 4, UINT32_MAX);
    bits = pci_read(function, offset, 4);
    pci_write(function, offset, 4, original);
    return bits;
}

/* Size of a range whose address bits @bits are writable; 0 if that makes no range. */
static uint64_t range_size(uint64_t bits)
{
    uint64_t size = bits & -bits;

    return bits == -size ? size : 0;
}

/* Reads BAR @index, and returns how many registers it takes. */
static unsigned read_bar(struct pci_function *function, unsigned index)
{
    uint16_t offset = (uint16_t)(PCI_BASE_ADDRESS + 4 * index);
    uint64_t address = pci_read(function, offset, 4);
    uint64_t bits = writable_bits(function, offset);
    struct pci_bar bar = {.io = (address & BAR_IO) != 0};
    unsigned registers = 1;

    if (bar.io) {
        bar.address = address & ~(uint64_t)BAR_IO_FLAGS;
        /* Devices may leave out the upper half, which a PC cannot address. */
        bar.size = range_size((bits & ~(uint64_t)BAR_IO_FLAGS) | ~0xffffull);
        if (bar.address > UINT16_MAX || bits == 0)
            bar.size = 0;
    } else {
        bool wide = (address & BAR_MEMORY_TYPE_MASK) == BAR_MEMORY_TYPE_64;

        if (wide && index + 1 < PCI_BAR_COUNT) {
            address |= (uint64_t)pci_read(function, offset + 4, 4) << 32;
            bits |= (uint64_t)writable_bits(function, offset + 4) << 32;
            registers = 2;
        } else if (bits != 0) {
            bits |= 0xffffffffull << 32;
        }
        bar.address = address & ~(uint64_t)BAR_MEMORY_FLAGS;
        bar.size = range_size(bits & ~(uint64_t)BAR_MEMORY_FLAGS);
    }
    if (bar.address == 0 || bar.size > UINT64_MAX - bar.address)
        bar.size = 0;
    if (bar.size != 0)
        function->bars[index] = bar;
    return registers;
}

static void read_bars(struct pci_function *function)
{
    uint32_t command = pci_read(function, PCI_COMMAND, 2);
    unsigned index = 0;

    pci_write(function, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    while (index < PCI_BAR_COUNT)
        index += read_bar(function, index);
    pci_write(function, PCI_COMMAND, 2, command);
}

static void add_function(const struct pci_function *place, uint8_t header_type)
{
    struct pci_function *function = heap_allocate(sizeof(*function));

    if (function == NULL)
        return;
    *function = *place;
    function->vendor_id = (uint16_t)pci_read(function, PCI_VENDOR_ID, 2);
    function->device_id = (uint16_t)pci_read(function, PCI_DEVICE_ID, 2);
    function->class_code = (uint8_t)pci_read(function, PCI_CLASS_CODE, 1);
    function->subclass = (uint8_t)pci_read(function, PCI_SUBCLASS, 1);
    function->programming_interface = (uint8_t)pci_read(function, PCI_PROGRAMMING_INTERFACE, 1);
    function->revision = (uint8_t)pci_read(function, PCI_REVISION_ID, 1);
    function->interrupt_line = (uint8_t)pci_read(function, PCI_INTERRUPT_LINE, 1);
    function->interrupt_pin = (uint8_t)pci_read(function, PCI_INTERRUPT_PIN, 1);
    if ((header_type & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_DEVICE) {
        function->subsystem_vendor_id = (uint16_t)pci_read(function, PCI_SUBSYSTEM_VENDOR_ID, 2);
        function->subsystem_id = (uint16_t)pci_read(function, PCI_SUBSYSTEM_ID, 2);
        read_bars(function);
    }
    *next_function = function;
    next_function = &function->next;
    log_print(LOG_DEBUG, "pci: %04x:%02x:%02x.%u %04x:%04x class %02x%02x%02x", function->segment,
              function->bus, function->device, function->function, function->vendor_id,
              function->device_id, function->class_code, function->subclass,
              function->programming_interface);
}

/* Adds the functions of a device; marks the buses behind bridges in @wanted. */
static void scan_device(struct pci_function *place, bool wanted[PCI_BUS_COUNT])
{
    unsigned count = 1;

    for (unsigned number = 0; number < count; number++) {
        place->function = (uint8_t)number;

        uint16_t vendor = (uint16_t)pci_read(place, PCI_VENDOR_ID, 2);

        if (vendor == UINT16_MAX || vendor == 0)
            continue;

        uint8_t header_type = (uint8_t)pci_read(place, PCI_HEADER_TYPE, 1);

        if (number == 0 && (header_type & PCI_HEADER_MULTI_FUNCTION))
            count = PCI_FUNCTION_COUNT;
        if ((header_type & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE)
            wanted[pci_read(place, PCI_SECONDARY_BUS, 1)] = true;
        pci_config_add_bus(place->segment, place->bus);
        add_function(place, header_type);
    }
}

/* Scans the wanted buses of a segment; a bridge's secondary bus has a higher number than its
 * primary one, so one pass finds all. */
static void scan_segment(uint16_t segment, unsigned first_bus, unsigned last_bus,
                         bool wanted[PCI_BUS_COUNT])
{
    for (unsigned bus = first_bus; bus <= last_bus; bus++) {
        if (!wanted[bus] || (segment != 0 && !pci_config_add_bus(segment, (uint8_t)bus)))
            continue;
        for (unsigned device = 0; device < PCI_DEVICE_COUNT; device++) {
            struct pci_function place = {
                .segment = segment, .bus = (uint8_t)bus, .device = (uint8_t)device};

            scan_device(&place, wanted);
        }
    }
}

void pci_init(void)
{
    bool wanted[PCI_BUS_COUNT];
    unsigned index = 0;
    uint16_t segment;
    uint8_t first_bus, last_bus;

    pci_config_init();
    /* Which buses of segment 0 hang on host bridges only AML tells; looking at all is cheap. */
    for (unsigned bus = 0; bus < PCI_BUS_COUNT; bus++)
        wanted[bus] = true;
    scan_segment(0, 0, PCI_BUS_COUNT - 1, wanted);
    while (pci_config_next_segment(&index, &segment, &first_bus, &last_bus)) {
        for (unsigned bus = 0; bus < PCI_BUS_COUNT; bus++)
            wanted[bus] = bus == first_bus;
        scan_segment(segment, first_bus, last_bus, wanted);
    }
}

static bool value_matches(uint16_t wanted, uint16_t value)
{
    return wanted == PCI_ANY || wanted == value;
}

static bool driver_matches(const struct pci_driver *driver, const struct pci_function *function)
{
    uint16_t class_subclass = (uint16_t)(function->class_code << 8 | function->subclass);

    for (uint32_t i = 0; i < driver->match_count; i++) {
        const struct pci_match *match = &driver->matches[i];

        if (value_matches(match->vendor_id, function->vendor_id) &&
            value_matches(match->device_id, function->device_id) &&
            value_matches(match->class_subclass, class_subclass))
            return true;
    }
    return false;
}

void pci_probe(void)
{
    for (struct pci_function *function = first_function; function != NULL;
         function = function->next) {
        for (const struct pci_driver *const *driver = pci_drivers_start;
             driver < pci_drivers_end && function->driver == NULL; driver++) {
            if (driver_matches(*driver, function) && (*driver)->probe(function))
                function->driver = *driver;
        }
    }
}

volatile void *pci_map_bar(const struct pci_function *function, unsigned index)
{
    const struct pci_bar *bar = &function->bars[index];

    if (bar->size == 0 || bar->io)
        return NULL;
    return memory_map_device(bar->address, bar->size, MEMORY_UNCACHED);
}
