#include "worker/acpi_tables.h"

#include "lib/string.h"
#include "worker/memory_map.h"

#define RSDP_OLD_SIZE 20u

/* 5.2.12.2, .3, .5, .7 */
struct madt_lapic {
    uint8_t type, length, uid, apic_id;
    uint32_t flags;
} __attribute__((packed));
struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address, first_interrupt;
} __attribute__((packed));
struct madt_override {
    uint8_t type, length, bus, irq;
    uint32_t interrupt;
    uint16_t flags;
} __attribute__((packed));
struct madt_nmi {
    uint8_t type, length, uid;
    uint16_t flags;
    uint8_t lint;
} __attribute__((packed));
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_NMI = 4 };
#define MADT_REVISION 5
#define LAPIC_ENABLED 1u
#define ALL_PROCESSORS 0xff

uint8_t acpi_checksum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

void acpi_finish(struct acpi_header *header, const char *signature, uint8_t revision, size_t length)
{
    memcpy(header->signature, signature, sizeof(header->signature));
    memcpy(header->oem_id, "VENEER", sizeof(header->oem_id));
    memcpy(header->oem_table_id, "VENEERVM", sizeof(header->oem_table_id));
    memcpy(&header->creator_id, "VENR", sizeof(header->creator_id));
    header->oem_revision = header->creator_revision = 1;
    header->revision = revision;
    header->length = (uint32_t)length;
    header->checksum = 0;
    header->checksum = acpi_checksum(header, length);
}

void acpi_write_rsdp(struct acpi_rsdp *rsdp, uint32_t rsdt, uint64_t xsdt)
{
    *rsdp = (struct acpi_rsdp){.revision = 2, .rsdt = rsdt, .length = sizeof(*rsdp), .xsdt = xsdt};
    memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
    memcpy(rsdp->oem_id, "VENEER", sizeof(rsdp->oem_id));
    rsdp->checksum = acpi_checksum(rsdp, RSDP_OLD_SIZE);
    rsdp->extended_checksum = acpi_checksum(rsdp, sizeof(*rsdp));
}

void acpi_write_xsdt(void *at, const uint32_t *tables, uint32_t count)
{
    struct acpi_header *header = at;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = tables[i];
        memcpy((uint8_t *)(header + 1) + i * sizeof(address), &address, sizeof(address));
    }
    acpi_finish(header, "XSDT", 1, sizeof(*header) + count * sizeof(uint64_t));
}

void acpi_write_rsdt(void *at, const uint32_t *tables, uint32_t count)
{
    struct acpi_header *header = at;
    memcpy(header + 1, tables, count * sizeof(uint32_t));
    acpi_finish(header, "RSDT", 1, sizeof(*header) + count * sizeof(uint32_t));
}

/* Appends a structure of @size bytes; until the end, the length in the header is where. */
static void append(struct acpi_madt *madt, const void *structure, size_t size)
{
    memcpy((uint8_t *)madt + madt->header.length, structure, size);
    madt->header.length += (uint32_t)size;
}

void acpi_begin_madt(struct acpi_madt *madt, uint32_t vp_count, uint32_t ioapic_address)
{
    *madt = (struct acpi_madt){.header.length = sizeof(*madt), .lapic_address = ACPI_LAPIC_ADDRESS};
    for (uint32_t i = 0; i < vp_count; i++)
        append(madt,
               &(struct madt_lapic){.type = MADT_LAPIC,
                                    .length = sizeof(struct madt_lapic),
                                    .uid = (uint8_t)i,
                                    .apic_id = (uint8_t)i,
                                    .flags = LAPIC_ENABLED},
               sizeof(struct madt_lapic));
    append(madt,
           &(struct madt_ioapic){.type = MADT_IOAPIC,
                                 .length = sizeof(struct madt_ioapic),
                                 .id = (uint8_t)vp_count,
                                 .address = ioapic_address},
           sizeof(struct madt_ioapic));
}

void acpi_madt_override(struct acpi_madt *madt, uint8_t irq, uint32_t interrupt, uint16_t flags)
{
    append(madt,
           &(struct madt_override){.type = MADT_OVERRIDE,
                                   .length = sizeof(struct madt_override),
                                   .irq = irq,
                                   .interrupt = interrupt,
                                   .flags = flags},
           sizeof(struct madt_override));
}

void acpi_madt_nmi(struct acpi_madt *madt)
{
    append(
        madt,
        &(struct madt_nmi){
            .type = MADT_NMI, .length = sizeof(struct madt_nmi), .uid = ALL_PROCESSORS, .lint = 1},
        sizeof(struct madt_nmi));
}

uint32_t acpi_end_madt(struct acpi_madt *madt)
{
    acpi_finish(&madt->header, "APIC", MADT_REVISION, madt->header.length);
    return madt->header.length;
}

/* In a module that has the memory for the registers of its devices: drivers look for such a window
 * at the device's parents. */
void acpi_write_vmbus(struct aml *aml)
{
    size_t module = aml_device(aml, "VMOD");
    aml_name_string(aml, "_HID", "ACPI0004");
    aml_name_integer(aml, "_UID", 0);
    size_t resources = aml_resources(aml, "_CRS");
    aml_window(aml, AML_MEMORY, 8, MEMORY_VMBUS_START, MEMORY_VMBUS_SIZE);
    aml_resources_end(aml, resources);
    size_t device = aml_device(aml, "VMBS");
    aml_name_string(aml, "_HID", "VMBUS");
    aml_name_integer(aml, "_UID", 0);
    aml_name_integer(aml, "_STA", 0xf);
    aml_end(aml, device);
    aml_end(aml, module);
}
