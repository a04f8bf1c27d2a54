/* The tables of systems before ACPI: Intel's MultiProcessor Specification 1.4, whose sections are
 * in parentheses, and the PCI interrupt routing table. */
#include "lib/string.h"
#include "worker/acpi_tables.h"
#include "worker/devices/i82093.h"
#include "worker/firmware_tables.h"
#include "worker/pc.h"

#define PCI_PINS 4u
#define CASCADE_IRQ 2u /* of the second interrupt controller: nobody's */

static const uint8_t slots[] = FIRMWARE_PCI_SLOTS;
static const uint8_t pirq_irqs[] = FIRMWARE_PIRQ_IRQS;

/* Whether it is the interrupt of the PM function, which is the SCI. */
static bool is_pm(uint32_t device, uint32_t pin)
{
    return device == FIRMWARE_PCI_ISA_BRIDGE && pin == 0;
}

/* --- MultiProcessor ----------------------------------------------------------------------------
 */

/* 4.1 */
struct mp_pointer {
    char signature[4];
    uint32_t table;
    uint8_t length, revision, checksum, features[5]; /* length: in units of 16 bytes */
} __attribute__((packed));

/* 4.2 */
struct mp_header {
    char signature[4];
    uint16_t length;
    uint8_t revision, checksum;
    char oem[8], product[12];
    uint32_t oem_table;
    uint16_t oem_table_size, entries;
    uint32_t lapic_address;
    uint16_t extended_length;
    uint8_t extended_checksum, reserved;
} __attribute__((packed));

/* 4.3 */
struct mp_processor {
    uint8_t type, apic_id, apic_version, flags;
    uint32_t signature, features, reserved[2];
} __attribute__((packed));
struct mp_bus {
    uint8_t type, id;
    char name[6];
} __attribute__((packed));
struct mp_ioapic {
    uint8_t type, id, version, flags;
    uint32_t address;
} __attribute__((packed));
struct mp_interrupt {
    uint8_t type, kind;
    uint16_t flags;
    uint8_t bus, source, apic_id, pin;
} __attribute__((packed));
enum { MP_PROCESSOR, MP_BUS, MP_IOAPIC, MP_IO_INTERRUPT, MP_LOCAL_INTERRUPT };
enum { KIND_INT = 0, KIND_NMI = 1, KIND_EXTINT = 3 };
enum { BUS_PCI, BUS_ISA };
#define MP_REVISION 4 /* 1.4 */
#define PROCESSOR_ENABLED 0x01
#define PROCESSOR_BOOT 0x02
#define IOAPIC_ENABLED 0x01
#define LAPIC_VERSION 0x14
#define IOAPIC_VERSION 0x11
#define FLAGS_CONFORM 0x0000
#define FLAGS_LEVEL_HIGH 0x000d
#define ALL_APICS 0xff

_Static_assert(sizeof(struct mp_pointer) == 16 && sizeof(struct mp_header) == 44, "4.1, 4.2");
_Static_assert(sizeof(struct mp_processor) == 20 && sizeof(struct mp_interrupt) == 8, "4.3");

static void add(struct firmware_area *area, struct mp_header *header, const void *entry,
                uint32_t size)
{
    memcpy(firmware_take(area, size, 1), entry, size);
    header->entries++;
}

static void add_interrupt(struct firmware_area *area, struct mp_header *header,
                          struct mp_interrupt interrupt)
{
    add(area, header, &interrupt, sizeof(interrupt));
}

static void add_processors(const struct firmware_machine *machine, struct firmware_area *area,
                           struct mp_header *header)
{
    for (uint32_t i = 0; i < machine->vp_count; i++) {
        const struct mp_processor processor = {
            .type = MP_PROCESSOR,
            .apic_id = (uint8_t)i,
            .apic_version = LAPIC_VERSION,
            .flags = (uint8_t)(PROCESSOR_ENABLED | (i == 0 ? PROCESSOR_BOOT : 0)),
            .signature = machine->cpu_signature,
            .features = machine->cpu_features,
        };
        add(area, header, &processor, sizeof(processor));
    }
}

static void add_buses(const struct firmware_machine *machine, struct firmware_area *area,
                      struct mp_header *header)
{
    static const struct mp_bus pci = {MP_BUS, BUS_PCI, {'P', 'C', 'I', ' ', ' ', ' '}};
    static const struct mp_bus isa = {MP_BUS, BUS_ISA, {'I', 'S', 'A', ' ', ' ', ' '}};
    const struct mp_ioapic ioapic = {
        .type = MP_IOAPIC,
        .id = (uint8_t)machine->vp_count,
        .version = IOAPIC_VERSION,
        .flags = IOAPIC_ENABLED,
        .address = (uint32_t)I82093_ADDRESS,
    };

    add(area, header, &pci, sizeof(pci));
    add(area, header, &isa, sizeof(isa));
    add(area, header, &ioapic, sizeof(ioapic));
}

static void add_pci_interrupts(uint8_t ioapic, struct firmware_area *area, struct mp_header *header)
{
    for (uint32_t i = 0; i < sizeof(slots) * PCI_PINS; i++) {
        uint8_t device = slots[i / PCI_PINS], pin = (uint8_t)(i % PCI_PINS);
        uint8_t irq = is_pm(device, pin) ? FIRMWARE_SCI_IRQ : pirq_irqs[firmware_pirq(device, pin)];

        add_interrupt(area, header,
                      (struct mp_interrupt){.type = MP_IO_INTERRUPT,
                                            .kind = KIND_INT,
                                            .flags = FLAGS_LEVEL_HIGH,
                                            .bus = BUS_PCI,
                                            .source = (uint8_t)(device << 2 | pin),
                                            .apic_id = ioapic,
                                            .pin = irq});
    }
}

static bool is_pirq(uint32_t irq)
{
    for (uint32_t i = 0; i < sizeof(pirq_irqs); i++) {
        if (pirq_irqs[i] == irq)
            return true;
    }
    return false;
}

static void add_isa_interrupts(uint8_t ioapic, struct firmware_area *area, struct mp_header *header)
{
    for (uint32_t irq = 0; irq < ISA_IRQS; irq++) {
        if (irq == CASCADE_IRQ || is_pirq(irq))
            continue;
        add_interrupt(area, header,
                      (struct mp_interrupt){.type = MP_IO_INTERRUPT,
                                            .kind = KIND_INT,
                                            .flags = irq == FIRMWARE_SCI_IRQ ? FLAGS_LEVEL_HIGH
                                                                             : FLAGS_CONFORM,
                                            .bus = BUS_ISA,
                                            .source = (uint8_t)irq,
                                            .apic_id = ioapic,
                                            .pin = (uint8_t)(irq == 0 ? IOAPIC_TIMER_PIN : irq)});
    }
}

static void add_local_interrupts(struct firmware_area *area, struct mp_header *header)
{
    add_interrupt(
        area, header,
        (struct mp_interrupt){.type = MP_LOCAL_INTERRUPT, .kind = KIND_EXTINT, .bus = BUS_ISA});
    add_interrupt(area, header,
                  (struct mp_interrupt){.type = MP_LOCAL_INTERRUPT,
                                        .kind = KIND_NMI,
                                        .bus = BUS_ISA,
                                        .apic_id = ALL_APICS,
                                        .pin = 1});
}

struct firmware_copy firmware_write_mp(const struct firmware_machine *machine,
                                       struct firmware_area *area)
{
    struct mp_pointer *pointer = firmware_take(area, sizeof(*pointer), 16);
    struct mp_header *header = firmware_take(area, sizeof(*header), 16);
    uint8_t ioapic = (uint8_t)machine->vp_count;

    *header = (struct mp_header){.revision = MP_REVISION, .lapic_address = ACPI_LAPIC_ADDRESS};
    memcpy(header->signature, "PCMP", sizeof(header->signature));
    memcpy(header->oem, "VENEER  ", sizeof(header->oem));
    memcpy(header->product, "440BX       ", sizeof(header->product));
    add_processors(machine, area, header);
    add_buses(machine, area, header);
    add_pci_interrupts(ioapic, area, header);
    add_isa_interrupts(ioapic, area, header);
    add_local_interrupts(area, header);
    header->length = (uint16_t)(area->memory + area->used - (uint8_t *)header);
    header->checksum = acpi_checksum(header, header->length);

    *pointer = (struct mp_pointer){
        .table = firmware_address(area, header), .length = 1, .revision = MP_REVISION};
    memcpy(pointer->signature, "_MP_", sizeof(pointer->signature));
    pointer->checksum = acpi_checksum(pointer, sizeof(*pointer));
    return (struct firmware_copy){firmware_address(area, pointer), sizeof(*pointer)};
}

/* --- PCI interrupt routing ---------------------------------------------------------------------
 */

/* Microsoft's PCI IRQ Routing Table Specification 1.0. */
struct pir_slot {
    uint8_t bus, function; /* the device's number is above bit 2 */
    struct {
        uint8_t link;  /* the router's: the register of its PIRQ */
        uint16_t irqs; /* a bit for each that it can be connected to */
    } __attribute__((packed)) pins[PCI_PINS];
    uint8_t slot, reserved; /* 0: on the board */
} __attribute__((packed));
struct pir {
    char signature[4];
    uint16_t version, size;
    uint8_t router_bus, router_function;
    uint16_t exclusive_irqs;
    uint32_t router; /* a compatible one: vendor, and its device above */
    uint32_t miniport_data;
    uint8_t reserved[11], checksum;
    struct pir_slot slots[sizeof(slots)];
} __attribute__((packed));
#define PIR_VERSION 0x0100
#define PIIX4_ISA 0x71108086u
#define PIRQRC 0x60      /* 82371AB, 4.1.10 */
#define ROUTABLE 0xdef8u /* IRQs 3 to 7, 9 to 12, 14, 15 */

_Static_assert(offsetof(struct pir, slots) == 32 && sizeof(struct pir_slot) == 16, "version 1.0");

struct firmware_copy firmware_write_pir(struct firmware_area *area)
{
    struct pir *pir = firmware_take(area, sizeof(*pir), 16);

    *pir = (struct pir){
        .version = PIR_VERSION,
        .size = sizeof(*pir),
        .router_function = FIRMWARE_PCI_ISA_BRIDGE << 3,
        .router = PIIX4_ISA,
    };
    memcpy(pir->signature, "$PIR", sizeof(pir->signature));
    for (uint32_t i = 0; i < sizeof(slots); i++) {
        struct pir_slot *slot = &pir->slots[i];

        slot->function = (uint8_t)(slots[i] << 3);
        for (uint32_t pin = 0; pin < PCI_PINS; pin++) {
            if (is_pm(slots[i], pin)) /* connected to no PIRQ */
                continue;
            slot->pins[pin].link = (uint8_t)(PIRQRC + firmware_pirq(slots[i], pin));
            slot->pins[pin].irqs = ROUTABLE;
        }
    }
    pir->checksum = acpi_checksum(pir, sizeof(*pir));
    return (struct firmware_copy){firmware_address(area, pir), sizeof(*pir)};
}
