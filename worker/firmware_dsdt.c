/* The DSDT of the PC: its PCI bus with the interrupt links of the PIIX4, the devices of its ISA
 * bus, processors, and the bus for synthetic devices. */
#include "worker/acpi_tables.h"
#include "worker/firmware_tables.h"
#include "worker/pc.h"

#define PIRQS 4
#define PCI_DEVICES 32u
#define PIRQRC 0x60 /* in the configuration of the ISA bridge; 82371AB, 4.1.10 */
#define VGA_MEMORY_START 0xa0000u
#define VGA_MEMORY_SIZE 0x20000u
#define PCI_CONFIG_PORTS 0xcf8u
#define PCI_CONFIG_COUNT 8u

/* ACPI's device object of PCI device @device, function @function (6.1.1). */
#define PCI_ADDRESS(device, function) ((device) << 16 | (function))
#define PM_LINK PIRQS /* the PM function's interrupt, which is wired to the SCI */

static const char *const link_names[] = {"LNKA", "LNKB", "LNKC", "LNKD", "LNKS"};
static const char *const link_paths[] = {"\\_SB_.PCI0.ISA_.LNKA", "\\_SB_.PCI0.ISA_.LNKB",
                                         "\\_SB_.PCI0.ISA_.LNKC", "\\_SB_.PCI0.ISA_.LNKD",
                                         "\\_SB_.PCI0.ISA_.LNKS"};
static const char *const route_names[PIRQS] = {"PRQA", "PRQB", "PRQC", "PRQD"};

/* --- Interrupt links ---------------------------------------------------------------------------
 */

static void write_interrupts(struct aml *aml, const char *name, const uint8_t *irqs, uint8_t count)
{
    size_t resources = aml_resources(aml, name);
    aml_shared_interrupts(aml, irqs, count);
    aml_resources_end(aml, resources);
}

static void write_method(struct aml *aml, const char *name, unsigned arguments, const uint8_t *code,
                         size_t size)
{
    size_t method = aml_method(aml, name, arguments);
    aml_code(aml, code, size);
    aml_end(aml, method);
}

static size_t begin_link(struct aml *aml, unsigned link)
{
    size_t device = aml_device(aml, link_names[link]);
    aml_name_eisa_id(aml, "_HID", "PNP0C0F");
    aml_name_integer(aml, "_UID", link + 1);
    return device;
}

/* The IRQs that PIRQs go to, each once; ascending. */
static uint8_t distinct_irqs(uint8_t irqs[PIRQS])
{
    static const uint8_t all[PIRQS] = FIRMWARE_PIRQ_IRQS;
    uint8_t count = 0;
    for (unsigned i = 0; i < PIRQS; i++) {
        if (count == 0 || all[i] != irqs[count - 1])
            irqs[count++] = all[i];
    }
    return count;
}

/* A link whose route is a byte of the bridge: bit 7 is off, below is the IRQ. */
static void write_link(struct aml *aml, unsigned link)
{
    uint8_t letter = (uint8_t)('A' + link), irqs[PIRQS];
    const uint8_t status[] = {
        0xa0, 0x0c, 0x7b, 'P', 'R', 'Q', letter, 0x0a, 0x80, 0x00, /* If (PRQx & 0x80) */
        0xa4, 0x0a, 0x09,                                          /* Return (0x09) */
        0xa4, 0x0a, 0x0b,                                          /* Return (0x0b) */
    };
    const uint8_t disable[] = {
        0x7d, 'P', 'R', 'Q', letter, 0x0a, 0x80, 'P', 'R', 'Q', letter, /* PRQx |= 0x80 */
    };
    const uint8_t current[] = {
        0x8a, 'B', 'U', 'F', '_',    0x0a, 0x05, 'I', 'R', 'Q', '_', /* CreateDWordField */
        0x7b, 'P', 'R', 'Q', letter, 0x0a, 0x0f, 'I', 'R', 'Q', '_', /* IRQ = PRQx & 0x0f */
        0xa4, 'B', 'U', 'F', '_',                                    /* Return (BUF) */
    };
    const uint8_t set[] = {
        0x8a, 0x68, 0x0a, 0x05, 'I', 'R', 'Q', '_',         /* CreateDWordField (Arg0, 5, IRQ) */
        0x70, 'I',  'R',  'Q',  '_', 'P', 'R', 'Q', letter, /* PRQx = IRQ */
    };
    size_t device = begin_link(aml, link);
    write_interrupts(aml, "_PRS", irqs, distinct_irqs(irqs));
    write_method(aml, "_STA", 0, status, sizeof(status));
    write_method(aml, "_DIS", 0, disable, sizeof(disable));
    size_t method = aml_method(aml, "_CRS", 0);
    write_interrupts(aml, "BUF_", irqs, 1);
    aml_code(aml, current, sizeof(current));
    aml_end(aml, method);
    write_method(aml, "_SRS", 1, set, sizeof(set));
    aml_end(aml, device);
}

/* A link that is a wire. */
static void write_pm_link(struct aml *aml)
{
    static const uint8_t sci = FIRMWARE_SCI_IRQ;
    size_t device = begin_link(aml, PM_LINK);
    aml_name_integer(aml, "_STA", 0x0b);
    write_interrupts(aml, "_PRS", &sci, 1);
    write_interrupts(aml, "_CRS", &sci, 1);
    write_method(aml, "_DIS", 0, NULL, 0);
    write_method(aml, "_SRS", 1, NULL, 0);
    aml_end(aml, device);
}

static void write_routing(struct aml *aml)
{
    size_t table = aml_name_of_package(aml, "_PRT", (PCI_DEVICES - 1) * PIRQS);
    for (uint32_t i = PIRQS; i < PCI_DEVICES * PIRQS; i++) {
        uint32_t device = i / PIRQS, pin = i % PIRQS;
        bool pm = device == FIRMWARE_PCI_ISA_BRIDGE && pin == 0;
        size_t entry = aml_package(aml, 4);
        aml_integer(aml, PCI_ADDRESS(device, 0xffffu));
        aml_integer(aml, pin);
        aml_reference(aml, link_paths[pm ? PM_LINK : firmware_pirq(device, pin)]);
        aml_integer(aml, 0);
        aml_end(aml, entry);
    }
    aml_end(aml, table);
}

/* --- The ISA bus -------------------------------------------------------------------------------
 */

#define NONE 0xff

struct isa_device {
    const char *name, *id;
    uint32_t uid;
    uint32_t needs; /* FIRMWARE_HAS_..., or 0 */
    uint8_t irq, dma;
    struct {
        uint16_t first;
        uint8_t count; /* 0 ends the list */
    } ports[3];
};

static const struct isa_device isa_devices[] = {
    {"PIC_", "PNP0000", 0, 0, 2, NONE, {{0x20, 2}, {0xa0, 2}, {0x4d0, 2}}},
    {"PIT_", "PNP0100", 0, 0, 0, NONE, {{0x40, 4}}},
    {"DMA_", "PNP0200", 0, 0, NONE, 4, {{0x00, 0x10}, {0x80, 0x10}, {0xc0, 0x20}}},
    {"KBD_", "PNP0303", 0, 0, 1, NONE, {{0x60, 1}, {0x64, 1}}},
    {"MOU_", "PNP0F13", 0, 0, 12, NONE, {{0, 0}}},
    {"COM1", "PNP0501", 1, FIRMWARE_HAS_COM1, COM1_IRQ, NONE, {{COM1_PORT, COM_PORTS}}},
    {"COM2", "PNP0501", 2, FIRMWARE_HAS_COM2, COM2_IRQ, NONE, {{COM2_PORT, COM_PORTS}}},
    {"FDC_", "PNP0700", 0, FIRMWARE_HAS_FLOPPY, 6, 2, {{0x3f0, 6}, {0x3f7, 1}}},
    {"SPKR", "PNP0800", 0, 0, NONE, NONE, {{0x61, 1}}},
    {"RTC_", "PNP0B00", 0, 0, RTC_IRQ, NONE, {{RTC_PORT, 8}}},
    {"FPU_", "PNP0C04", 0, 0, 13, NONE, {{0xf0, 2}}},
    {"SYS_", "PNP0C02", 0, 0, NONE, NONE, {{0x92, 1}, {APM_PORT, 2}, {FIRMWARE_PM_BASE, 64}}},
};

static void write_isa_device(struct aml *aml, const struct isa_device *isa)
{
    size_t device = aml_device(aml, isa->name);
    aml_name_eisa_id(aml, "_HID", isa->id);
    aml_name_integer(aml, "_UID", isa->uid);
    size_t resources = aml_resources(aml, "_CRS");
    for (unsigned i = 0; i < 3 && isa->ports[i].count > 0; i++)
        aml_io(aml, isa->ports[i].first, isa->ports[i].count);
    if (isa->irq != NONE)
        aml_irq(aml, isa->irq);
    if (isa->dma != NONE)
        aml_dma(aml, isa->dma);
    aml_resources_end(aml, resources);
    aml_end(aml, device);
}

static void write_isa_bridge(const struct firmware_machine *machine, struct aml *aml)
{
    size_t bridge = aml_device(aml, "ISA_");
    aml_name_integer(aml, "_ADR", PCI_ADDRESS(FIRMWARE_PCI_ISA_BRIDGE, 0));
    aml_pci_bytes(aml, "PIRQ", PIRQRC, route_names, PIRQS);
    for (unsigned i = 0; i < PIRQS; i++)
        write_link(aml, i);
    write_pm_link(aml);
    for (unsigned i = 0; i < sizeof(isa_devices) / sizeof(isa_devices[0]); i++) {
        if ((isa_devices[i].needs & machine->devices) == isa_devices[i].needs)
            write_isa_device(aml, &isa_devices[i]);
    }
    aml_end(aml, bridge);
}

/* --- The whole ---------------------------------------------------------------------------------
 */

static void write_pci_resources(struct aml *aml)
{
    uint32_t behind = PCI_CONFIG_PORTS + PCI_CONFIG_COUNT;
    size_t resources = aml_resources(aml, "_CRS");
    aml_window(aml, AML_BUSES, 2, 0, 0x100);
    aml_io(aml, PCI_CONFIG_PORTS, PCI_CONFIG_COUNT);
    aml_window(aml, AML_PORTS, 2, 0, PCI_CONFIG_PORTS);
    aml_window(aml, AML_PORTS, 2, behind, 0x10000 - behind);
    aml_window(aml, AML_MEMORY, 4, VGA_MEMORY_START, VGA_MEMORY_SIZE);
    aml_window(aml, AML_MEMORY, 4, FIRMWARE_PCI_MEMORY_START,
               FIRMWARE_PCI_MEMORY_END - FIRMWARE_PCI_MEMORY_START);
    aml_resources_end(aml, resources);
}

static void write_pci_function(struct aml *aml, const char *name, uint32_t address)
{
    size_t device = aml_device(aml, name);
    aml_name_integer(aml, "_ADR", address);
    aml_end(aml, device);
}

static void write_pci_bus(const struct firmware_machine *machine, struct aml *aml)
{
    size_t bus = aml_device(aml, "PCI0");
    aml_name_eisa_id(aml, "_HID", "PNP0A03");
    aml_name_integer(aml, "_UID", 0);
    aml_name_integer(aml, "_BBN", 0);
    write_pci_resources(aml);
    write_isa_bridge(machine, aml);
    write_pci_function(aml, "IDE_", PCI_ADDRESS(FIRMWARE_PCI_ISA_BRIDGE, 1));
    write_pci_function(aml, "PM__", PCI_ADDRESS(FIRMWARE_PCI_ISA_BRIDGE, 3));
    write_routing(aml);
    aml_end(aml, bus);
}

static void write_processors(struct aml *aml, uint32_t count)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t scope = aml_scope(aml, "\\_PR_");
    for (uint32_t i = 0; i < count; i++) {
        const char name[] = {'C', 'P', digits[i / 16], digits[i % 16], '\0'};
        aml_processor(aml, name, (uint8_t)i);
    }
    aml_end(aml, scope);
}

size_t firmware_write_dsdt(const struct firmware_machine *machine, uint8_t *buffer, size_t size)
{
    static const uint8_t s5[] = {0, 0, 0, 0};
    struct aml aml = {.buffer = buffer, .size = size};

    aml_name_package(&aml, "\\_S5_", s5, sizeof(s5));
    write_processors(&aml, machine->vp_count);
    size_t scope = aml_scope(&aml, "\\_SB_");
    write_pci_bus(machine, &aml);
    if (machine->devices & FIRMWARE_HAS_VMBUS)
        acpi_write_vmbus(&aml);
    aml_end(&aml, scope);
    return aml.used;
}
