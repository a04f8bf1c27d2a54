/* PCI configuration space: by ports CF8h and CFCh (PCI 3.0, 3.2.2.3.2) for the first 256 bytes of
 * segment 0, which works on every PC, and by memory (ECAM, PCI Express 3.0, 7.2.2) for the rest. */
#include "lib/acpi.h"
#include "lib/x86/cpu.h"
#include "parent/drivers/pci.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/power.h"

#define CONFIG_ADDRESS_PORT 0xcf8
#define CONFIG_DATA_PORT 0xcfc
#define CONFIG_ENABLE (1u << 31)

#define PORT_SPACE_SIZE 256u
#define ECAM_SPACE_SIZE 4096u
#define ECAM_BUS_SIZE (1ull << 20)
#define ECAM_MAX 16

struct ecam {
    struct acpi_ecam range;
    volatile uint8_t *buses[PCI_BUS_COUNT]; /* NULL: not mapped */
};

static struct spinlock port_lock = SPINLOCK(LOCK_LEVEL_BUS); /* CF8h and CFCh belong together */
static struct ecam *ecams[ECAM_MAX];                         /* constant after pci_config_init() */
static unsigned ecam_count;

void pci_config_init(void)
{
    const struct acpi_header *mcfg = acpi_table("MCFG");
    struct acpi_ecam range;
    uint32_t offset = 0;

    while (mcfg != NULL && ecam_count < ECAM_MAX && acpi_mcfg_next(mcfg, &offset, &range)) {
        struct ecam *ecam = heap_allocate(sizeof(*ecam));

        if (ecam == NULL)
            return;
        ecam->range = range;
        ecams[ecam_count++] = ecam;
        log_print(LOG_INFO, "pci: segment %u buses %u-%u: configuration space at %lx",
                  range.segment, range.first_bus, range.last_bus, range.base);
    }
}

static struct ecam *find_ecam(uint16_t segment, uint8_t bus)
{
    for (unsigned i = 0; i < ecam_count; i++) {
        const struct acpi_ecam *range = &ecams[i]->range;

        if (range->segment == segment && bus >= range->first_bus && bus <= range->last_bus)
            return ecams[i];
    }
    return NULL;
}

bool pci_config_add_bus(uint16_t segment, uint8_t bus)
{
    struct ecam *ecam = find_ecam(segment, bus);

    if (ecam != NULL && ecam->buses[bus] == NULL &&
        ecam->range.base <= UINT64_MAX - PCI_BUS_COUNT * ECAM_BUS_SIZE)
        ecam->buses[bus] = memory_map_device(ecam->range.base + bus * ECAM_BUS_SIZE, ECAM_BUS_SIZE,
                                             MEMORY_UNCACHED);
    return segment == 0 || (ecam != NULL && ecam->buses[bus] != NULL);
}

bool pci_config_next_segment(unsigned *index, uint16_t *segment, uint8_t *first_bus,
                             uint8_t *last_bus)
{
    while (*index < ecam_count) {
        const struct acpi_ecam *range = &ecams[(*index)++]->range;

        if (range->segment != 0) {
            *segment = range->segment;
            *first_bus = range->first_bus;
            *last_bus = range->last_bus;
            return true;
        }
    }
    return false;
}

static bool use_ports(const struct pci_function *function, uint16_t offset)
{
    return function->segment == 0 && offset < PORT_SPACE_SIZE;
}

/* Puts the dword of @offset behind the data port. With the lock held. */
static void select_dword(const struct pci_function *function, uint16_t offset)
{
    outl(CONFIG_ADDRESS_PORT, CONFIG_ENABLE | (uint32_t)function->bus << 16 |
                                  (uint32_t)function->device << 11 |
                                  (uint32_t)function->function << 8 | (offset & ~3u));
}

/* Where @offset of the function is mapped; NULL if it is not. */
static volatile uint8_t *mapped(const struct pci_function *function, uint16_t offset)
{
    struct ecam *ecam = find_ecam(function->segment, function->bus);

    if (ecam == NULL || ecam->buses[function->bus] == NULL || offset >= ECAM_SPACE_SIZE)
        return NULL;
    return ecam->buses[function->bus] +
           ((uint32_t)function->device << 15 | (uint32_t)function->function << 12 | offset);
}

/* What an absent register reads as. */
static uint32_t all_ones(unsigned size)
{
    return UINT32_MAX >> (32 - 8 * size);
}

uint32_t pci_read(const struct pci_function *function, uint16_t offset, unsigned size)
{
    if (use_ports(function, offset)) {
        uint16_t port = CONFIG_DATA_PORT + (offset & 3);
        uint64_t flags = spin_lock(&port_lock);
        uint32_t value;

        select_dword(function, offset);
        value = size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
        spin_unlock(&port_lock, flags);
        return value;
    }

    volatile uint8_t *at = mapped(function, offset);

    if (at == NULL)
        return all_ones(size);
    if (size == 1)
        return *at;
    return size == 2 ? *(volatile uint16_t *)at : *(volatile uint32_t *)at;
}

void pci_write(const struct pci_function *function, uint16_t offset, unsigned size, uint32_t value)
{
    if (use_ports(function, offset)) {
        uint16_t port = CONFIG_DATA_PORT + (offset & 3);
        uint64_t flags = spin_lock(&port_lock);

        select_dword(function, offset);
        if (size == 1)
            outb(port, (uint8_t)value);
        else if (size == 2)
            outw(port, (uint16_t)value);
        else
            outl(port, value);
        spin_unlock(&port_lock, flags);
        return;
    }

    volatile uint8_t *at = mapped(function, offset);

    if (at == NULL)
        return;
    if (size == 1)
        *at = (uint8_t)value;
    else if (size == 2)
        *(volatile uint16_t *)at = (uint16_t)value;
    else
        *(volatile uint32_t *)at = value;
}

uint8_t pci_find_capability(const struct pci_function *function, uint8_t id)
{
    /* Capabilities are dwords above the header's 40h: there can be no more without a loop. */
    unsigned limit = (PORT_SPACE_SIZE - 0x40) / 4;
    uint8_t offset;

    if (!(pci_read(function, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES))
        return 0;
    offset = pci_read(function, PCI_CAPABILITIES, 1) & 0xfc;
    while (offset >= 0x40 && limit-- > 0) {
        uint32_t header = pci_read(function, offset, 2);

        if ((header & 0xff) == id)
            return offset;
        offset = (header >> 8) & 0xfc;
    }
    return 0;
}

void pci_enable(const struct pci_function *function)
{
    uint32_t command = pci_read(function, PCI_COMMAND, 2);

    pci_write(function, PCI_COMMAND, 2,
              command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
}
