#include "worker/acpi.h"

#include "lib/acpi.h"
#include "lib/string.h"
#include "worker/aml.h"
#include "worker/io.h"
#include "worker/pc.h"

/* --- Registers (4.8.3.7) --- */

#define SLEEP_CONTROL 0 /* 1 byte */
#define SLEEP_ENABLE 0x20
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_TYPE_MASK 7u
#define SLEEP_STATUS 1 /* 1 byte */
#define RESET 2        /* 1 byte */
#define REGISTERS_PORT 0x600
#define REGISTERS_SIZE 3
#define RESET_VALUE 1
#define S5_TYPE 5

static const struct device_host *registers_host;

static uint32_t read_register(void *device, uint16_t offset, uint32_t size)
{
    (void)device, (void)offset, (void)size;
    return 0;
}

static void write_register(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    (void)device, (void)size;
    if (offset == SLEEP_CONTROL && value & SLEEP_ENABLE &&
        (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == S5_TYPE)
        registers_host->power_off(registers_host->machine);
    else if (offset == RESET && (value & 0xff) == RESET_VALUE)
        registers_host->reset(registers_host->machine);
}

void acpi_add_registers(const struct device_host *host)
{
    static const struct device_ports ports = {.first = REGISTERS_PORT,
                                              .count = REGISTERS_SIZE,
                                              .read = read_register,
                                              .write = write_register};
    registers_host = host;
    io_add_ports(&ports);
}

void acpi_write_reset_vector(uint8_t vector[ACPI_RESET_VECTOR_SIZE])
{
    static const uint8_t code[] = {
        0xba,
        (REGISTERS_PORT + RESET) & 0xff,
        (REGISTERS_PORT + RESET) >> 8, /* mov dx, … */
        0xb0,
        RESET_VALUE, /* mov al, … */
        0xee,        /* out dx, al */
        0xf4,
        0xeb,
        0xfd, /* hlt; again */
    };
    memcpy(vector, code, sizeof(code));
}

/* --- Tables --- */

/* Where they are, from MEMORY_ACPI_START on. */
#define RSDP_OFFSET 0x000u
#define XSDT_OFFSET 0x040u
#define MADT_OFFSET 0x100u
#define FADT_OFFSET 0x400u
#define DSDT_OFFSET 0x600u

/* 5.2.5.3 */
struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} __attribute__((packed));
#define RSDP_OLD_SIZE 20u

/* 5.2.8 */
struct xsdt {
    struct acpi_header header;
    uint64_t tables[2];
} __attribute__((packed));

/* 5.2.3.2 */
struct generic_address {
    uint8_t space, width, offset, access;
    uint64_t address;
} __attribute__((packed));
#define ACCESS_BYTE 1

/* 5.2.9; only what is not 0 here has a name. */
struct fadt {
    struct acpi_header header;
    uint32_t reserved0;
    uint32_t dsdt;
    uint8_t reserved1[65];
    uint16_t boot_flags;
    uint8_t reserved2;
    uint32_t flags;
    struct generic_address reset;
    uint8_t reset_value;
    uint16_t arm_boot_flags;
    uint8_t minor_revision;
    uint64_t firmware_control, x_dsdt;
    uint8_t reserved3[96];
    struct generic_address sleep_control, sleep_status;
    char hypervisor_vendor[8];
} __attribute__((packed));
#define FADT_REVISION 6
#define FADT_MINOR_REVISION 3
#define BOOT_NO_VGA (1u << 2)
#define FLAG_WBINVD (1u << 0)
#define FLAG_NO_POWER_BUTTON (1u << 4)
#define FLAG_NO_SLEEP_BUTTON (1u << 5)
#define FLAG_RESET_REGISTER (1u << 10)
#define FLAG_HARDWARE_REDUCED (1u << 20)

/* 5.2.12 */
struct madt {
    struct acpi_header header;
    uint32_t lapic_address, flags;
} __attribute__((packed));
struct madt_lapic {
    uint8_t type, length, uid, apic_id;
    uint32_t flags;
} __attribute__((packed));
struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address, first_interrupt;
} __attribute__((packed));
#define MADT_REVISION 5
#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define LAPIC_ENABLED 1u
#define LAPIC_ADDRESS 0xfee00000u

#define DSDT_REVISION 2 /* 64-bit integers */

_Static_assert(sizeof(struct rsdp) == 36, "ACPI 5.2.5.3");
_Static_assert(sizeof(struct fadt) == 276, "ACPI 5.2.9");

static uint8_t checksum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

static void finish(struct acpi_header *header, const char *signature, uint8_t revision,
                   size_t length)
{
    memcpy(header->signature, signature, sizeof(header->signature));
    memcpy(header->oem_id, "VENEER", sizeof(header->oem_id));
    memcpy(header->oem_table_id, "VENEERVM", sizeof(header->oem_table_id));
    memcpy(&header->creator_id, "VENR", sizeof(header->creator_id));
    header->oem_revision = header->creator_revision = 1;
    header->revision = revision;
    header->length = (uint32_t)length;
    header->checksum = 0;
    header->checksum = checksum(header, length);
}

static struct generic_address port_register(uint16_t offset)
{
    return (struct generic_address){.space = ACPI_SPACE_IO,
                                    .width = 8,
                                    .access = ACCESS_BYTE,
                                    .address = REGISTERS_PORT + offset};
}

static void write_rsdp(uint8_t *memory)
{
    struct rsdp *rsdp = (struct rsdp *)(memory + RSDP_OFFSET);
    *rsdp = (struct rsdp){
        .revision = 2, .length = sizeof(*rsdp), .xsdt = MEMORY_ACPI_START + XSDT_OFFSET};
    memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
    memcpy(rsdp->oem_id, "VENEER", sizeof(rsdp->oem_id));
    rsdp->checksum = checksum(rsdp, RSDP_OLD_SIZE);
    rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));

    struct xsdt *xsdt = (struct xsdt *)(memory + XSDT_OFFSET);
    xsdt->tables[0] = MEMORY_ACPI_START + FADT_OFFSET;
    xsdt->tables[1] = MEMORY_ACPI_START + MADT_OFFSET;
    finish(&xsdt->header, "XSDT", 1, sizeof(*xsdt));
}

static void write_madt(const struct acpi_machine *machine)
{
    uint8_t *at = machine->memory + MADT_OFFSET;
    struct madt *madt = (struct madt *)at;
    madt->lapic_address = LAPIC_ADDRESS;
    at += sizeof(*madt);
    for (uint32_t i = 0; i < machine->vp_count; i++, at += sizeof(struct madt_lapic))
        *(struct madt_lapic *)at = (struct madt_lapic){.type = MADT_LAPIC,
                                                       .length = sizeof(struct madt_lapic),
                                                       .uid = (uint8_t)i,
                                                       .apic_id = (uint8_t)i,
                                                       .flags = LAPIC_ENABLED};
    *(struct madt_ioapic *)at = (struct madt_ioapic){.type = MADT_IOAPIC,
                                                     .length = sizeof(struct madt_ioapic),
                                                     .id = (uint8_t)machine->vp_count,
                                                     .address = (uint32_t)machine->ioapic_address};
    at += sizeof(struct madt_ioapic);
    finish(&madt->header, "APIC", MADT_REVISION, (size_t)(at - (uint8_t *)madt));
}

static void write_fadt(uint8_t *memory)
{
    struct fadt *fadt = (struct fadt *)(memory + FADT_OFFSET);
    *fadt = (struct fadt){
        .dsdt = (uint32_t)(MEMORY_ACPI_START + DSDT_OFFSET),
        .x_dsdt = MEMORY_ACPI_START + DSDT_OFFSET,
        .boot_flags = BOOT_NO_VGA,
        .flags = FLAG_WBINVD | FLAG_NO_POWER_BUTTON | FLAG_NO_SLEEP_BUTTON | FLAG_RESET_REGISTER |
                 FLAG_HARDWARE_REDUCED,
        .reset = port_register(RESET),
        .reset_value = RESET_VALUE,
        .minor_revision = FADT_MINOR_REVISION,
        .sleep_control = port_register(SLEEP_CONTROL),
        .sleep_status = port_register(SLEEP_STATUS),
    };
    memcpy(fadt->hypervisor_vendor, "VENEER\0", sizeof(fadt->hypervisor_vendor));
    finish(&fadt->header, "FACP", FADT_REVISION, sizeof(*fadt));
}

/* A device of the PC with ports and an interrupt. */
static void write_isa_device(struct aml *aml, const char *name, const char *id, uint32_t uid,
                             uint16_t port, uint8_t count, uint32_t irq)
{
    size_t device = aml_device(aml, name);
    aml_name_eisa_id(aml, "_HID", id);
    aml_name_integer(aml, "_UID", uid);
    size_t resources = aml_resources(aml);
    aml_io(aml, port, count);
    aml_interrupt(aml, irq);
    aml_resources_end(aml, resources);
    aml_end(aml, device);
}

/* The bus for synthetic devices, in a module that has the memory for their registers: drivers look
 * for such a window at the device's parents. */
static void write_vmbus(struct aml *aml)
{
    size_t module = aml_device(aml, "VMOD");
    aml_name_string(aml, "_HID", "ACPI0004");
    aml_name_integer(aml, "_UID", 0);
    size_t resources = aml_resources(aml);
    aml_memory_window(aml, MEMORY_VMBUS_START, MEMORY_VMBUS_SIZE);
    aml_resources_end(aml, resources);
    size_t device = aml_device(aml, "VMBS");
    aml_name_string(aml, "_HID", "VMBUS");
    aml_name_integer(aml, "_UID", 0);
    aml_name_integer(aml, "_STA", 0xf);
    aml_end(aml, device);
    aml_end(aml, module);
}

static void write_dsdt(uint8_t *memory)
{
    static const uint8_t s5[] = {S5_TYPE, 0, 0, 0};
    struct acpi_header *header = (struct acpi_header *)(memory + DSDT_OFFSET);
    struct aml aml = {.buffer = (uint8_t *)(header + 1),
                      .size = MEMORY_ACPI_SIZE - DSDT_OFFSET - sizeof(*header)};
    aml_name_package(&aml, "\\_S5_", s5, sizeof(s5));
    size_t scope = aml_scope(&aml, "\\_SB_");
    write_vmbus(&aml);
    write_isa_device(&aml, "COM1", "PNP0501", 1, COM1_PORT, COM_PORTS, COM1_IRQ);
    write_isa_device(&aml, "COM2", "PNP0501", 2, COM2_PORT, COM_PORTS, COM2_IRQ);
    write_isa_device(&aml, "RTC_", "PNP0B00", 0, RTC_PORT, RTC_PORTS, RTC_IRQ);
    aml_end(&aml, scope);
    finish(header, "DSDT", DSDT_REVISION, sizeof(*header) + aml.used);
}

void acpi_write_tables(const struct acpi_machine *machine)
{
    write_rsdp(machine->memory);
    write_madt(machine);
    write_fadt(machine->memory);
    write_dsdt(machine->memory);
}
