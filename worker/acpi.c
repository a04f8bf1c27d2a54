#include "worker/acpi.h"

#include "lib/acpi.h"
#include "lib/string.h"
#include "worker/acpi_tables.h"
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

#define FADT_REVISION 6
#define FADT_MINOR_REVISION 3
#define BOOT_NO_VGA (1u << 2)
#define DSDT_REVISION 2 /* 64-bit integers */

static struct acpi_address port_register(uint16_t offset)
{
    return (struct acpi_address){.space = ACPI_SPACE_IO,
                                 .width = 8,
                                 .access = ACPI_ACCESS_BYTE,
                                 .address = REGISTERS_PORT + offset};
}

static void write_root(uint8_t *memory)
{
    static const uint32_t tables[] = {MEMORY_ACPI_START + FADT_OFFSET,
                                      MEMORY_ACPI_START + MADT_OFFSET};

    acpi_write_rsdp((struct acpi_rsdp *)(memory + RSDP_OFFSET), 0, MEMORY_ACPI_START + XSDT_OFFSET);
    acpi_write_xsdt(memory + XSDT_OFFSET, tables, 2);
}

static void write_madt(const struct acpi_machine *machine)
{
    struct acpi_madt *madt = (struct acpi_madt *)(machine->memory + MADT_OFFSET);

    acpi_begin_madt(madt, machine->vp_count, (uint32_t)machine->ioapic_address);
    acpi_end_madt(madt);
}

static void write_fadt(uint8_t *memory)
{
    struct acpi_fadt *fadt = (struct acpi_fadt *)(memory + FADT_OFFSET);
    *fadt = (struct acpi_fadt){
        .dsdt = (uint32_t)(MEMORY_ACPI_START + DSDT_OFFSET),
        .x_dsdt = MEMORY_ACPI_START + DSDT_OFFSET,
        .boot_flags = BOOT_NO_VGA,
        .flags = ACPI_FLAG_WBINVD | ACPI_FLAG_NO_POWER_BUTTON | ACPI_FLAG_NO_SLEEP_BUTTON |
                 ACPI_FLAG_RESET_REGISTER | ACPI_FLAG_HARDWARE_REDUCED,
        .reset = port_register(RESET),
        .reset_value = RESET_VALUE,
        .minor_revision = FADT_MINOR_REVISION,
        .sleep_control = port_register(SLEEP_CONTROL),
        .sleep_status = port_register(SLEEP_STATUS),
    };
    memcpy(fadt->hypervisor_vendor, "VENEER\0", sizeof(fadt->hypervisor_vendor));
    acpi_finish(&fadt->header, "FACP", FADT_REVISION, sizeof(*fadt));
}

/* A device of the PC with ports and an interrupt. */
static void write_isa_device(struct aml *aml, const char *name, const char *id, uint32_t uid,
                             uint16_t port, uint8_t count, uint8_t irq)
{
    size_t device = aml_device(aml, name);
    aml_name_eisa_id(aml, "_HID", id);
    aml_name_integer(aml, "_UID", uid);
    size_t resources = aml_resources(aml, "_CRS");
    aml_io(aml, port, count);
    aml_interrupt(aml, irq);
    aml_resources_end(aml, resources);
    aml_end(aml, device);
}

static void write_dsdt(uint8_t *memory)
{
    static const uint8_t s5[] = {S5_TYPE, 0, 0, 0};
    struct acpi_header *header = (struct acpi_header *)(memory + DSDT_OFFSET);
    struct aml aml = {.buffer = (uint8_t *)(header + 1),
                      .size = MEMORY_ACPI_SIZE - DSDT_OFFSET - sizeof(*header)};
    aml_name_package(&aml, "\\_S5_", s5, sizeof(s5));
    size_t scope = aml_scope(&aml, "\\_SB_");
    acpi_write_vmbus(&aml);
    write_isa_device(&aml, "COM1", "PNP0501", 1, COM1_PORT, COM_PORTS, COM1_IRQ);
    write_isa_device(&aml, "COM2", "PNP0501", 2, COM2_PORT, COM_PORTS, COM2_IRQ);
    write_isa_device(&aml, "RTC_", "PNP0B00", 0, RTC_PORT, RTC_PORTS, RTC_IRQ);
    aml_end(&aml, scope);
    acpi_finish(header, "DSDT", DSDT_REVISION, sizeof(*header) + aml.used);
}

void acpi_write_tables(const struct acpi_machine *machine)
{
    write_root(machine->memory);
    write_madt(machine);
    write_fadt(machine->memory);
    write_dsdt(machine->memory);
}
