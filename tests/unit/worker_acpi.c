/* The ACPI tables of the enlightened machine, read by lib/acpi.c, which knows nothing of how they
 * were written; and its registers. iasl reads them in tests/system/acpi_tables.py. */
#include <stdio.h>

#include "lib/acpi.h"
#include "tests/unit/unit.h"
#include "worker/acpi.h"
#include "worker/io.h"

static uint8_t memory[MEMORY_ACPI_SIZE];
static const struct device_ports *registers;
static unsigned offs, resets;

void io_add_ports(const struct device_ports *ports)
{
    registers = ports;
}

static const void *map(void *context, uint64_t address, size_t size)
{
    (void)context;
    if (address < MEMORY_ACPI_START || address - MEMORY_ACPI_START > sizeof(memory) - size)
        return NULL;
    return memory + (address - MEMORY_ACPI_START);
}

static const struct acpi_access acpi_memory = {.map = map};

static void test_processors(uint32_t vp_count)
{
    const struct acpi_machine machine = {
        .vp_count = vp_count, .ioapic_address = 0xfec00000, .memory = memory};
    uint32_t offset = 0, count = 0;
    struct acpi_processor processor;
    struct acpi_ioapic ioapic;

    memset(memory, 0, sizeof(memory));
    acpi_write_tables(&machine);
    CHECK(acpi_rsdp_valid(memory, sizeof(memory)));
    const struct acpi_header *madt = acpi_find(&acpi_memory, memory, "APIC");
    CHECK(madt != NULL);
    while (acpi_madt_next_processor(madt, &offset, &processor))
        CHECK(processor.enabled && processor.apic_id == count++);
    CHECK_EQUAL(count, vp_count);
    offset = 0;
    CHECK(acpi_madt_next_ioapic(madt, &offset, &ioapic));
    CHECK(ioapic.address == 0xfec00000 && ioapic.first_interrupt == 0 && ioapic.id >= vp_count);
    CHECK(!acpi_madt_next_ioapic(madt, &offset, &ioapic));
    CHECK_EQUAL(acpi_madt_lapic_address(madt), 0xfee00000);
}

static void power_off(void *machine)
{
    (void)machine;
    offs++;
}

static void reset(void *machine)
{
    (void)machine;
    resets++;
}

static void write_register(const struct acpi_register *at, uint32_t value)
{
    CHECK(at->space == ACPI_SPACE_IO && at->width == 8);
    CHECK(at->address >= registers->first && at->address - registers->first < registers->count);
    registers->write(registers->device, (uint16_t)(at->address - registers->first), 1, value);
}

static void test_registers(void)
{
    static const struct device_host host = {.power_off = power_off, .reset = reset};
    struct acpi_fixed_hardware fixed;
    uint8_t type_a = 0, type_b;

    acpi_add_registers(&host);
    const struct acpi_header *fadt = acpi_find(&acpi_memory, memory, "FACP");
    const struct acpi_header *dsdt = acpi_find(&acpi_memory, memory, "DSDT");
    CHECK(fadt != NULL && dsdt != NULL);
    acpi_read_fadt(fadt, &fixed);
    CHECK(fixed.hardware_reduced && fixed.sleep_control.address != 0 && fixed.reset.address != 0);
    CHECK(acpi_find_s5(dsdt, &type_a, &type_b));
    write_register(&fixed.sleep_control, (uint32_t)type_a << 2);
    CHECK(offs == 0 && resets == 0);
    write_register(&fixed.sleep_control, (uint32_t)type_a << 2 | 0x20);
    CHECK(offs == 1 && resets == 0);
    write_register(&fixed.reset, fixed.reset_value ^ 1u);
    CHECK(resets == 0);
    write_register(&fixed.reset, fixed.reset_value);
    CHECK(offs == 1 && resets == 1);
}

/* For other readers: with a file's name, writes the DSDT there. */
int main(int count, char **words)
{
    test_processors(1);
    test_processors(32);
    test_processors(8);
    test_registers();
    const struct acpi_header *dsdt = acpi_find(&acpi_memory, memory, "DSDT");
    FILE *file = count > 1 ? fopen(words[1], "wb") : NULL;
    if (file) {
        CHECK_EQUAL(fwrite(dsdt, dsdt->length, 1, file), 1);
        fclose(file);
    }
    return unit_result();
}
