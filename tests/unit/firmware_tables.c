/* The tables of the PC: all of them are walked, with their checksums, lengths and addresses; ACPI's
 * with lib/acpi.c, which knows nothing of how they were written. iasl reads the DSDT in
 * tests/system/acpi_tables.py. */
#define _GNU_SOURCE /* memmem() */

#include "worker/firmware_tables.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/acpi.h"
#include "tests/unit/unit.h"

#define MIB (1024ull * 1024)

static uint8_t *area; /* on the heap, so that its ends are watched */

static const struct firmware_machine small = {
    .low_memory = 64 * MIB, .vp_count = 1, .boot_order = {FIRMWARE_BOOT_DISK}};

static const struct firmware_machine large = {
    .low_memory = 3072 * MIB,
    .high_memory = 4096 * 1024 * MIB,
    .vp_count = FIRMWARE_MAX_VPS,
    .devices = FIRMWARE_HAS_COM1 | FIRMWARE_HAS_COM2 | FIRMWARE_HAS_FLOPPY | FIRMWARE_HAS_NIC |
               FIRMWARE_HAS_VMBUS,
    .boot_order = {FIRMWARE_BOOT_CD, FIRMWARE_BOOT_NETWORK, FIRMWARE_BOOT_FLOPPY},
    .cpu_signature = 0x600,
    .cpu_features = 0x0781abfd,
    .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
};

static const void *at(uint64_t address, size_t size)
{
    if (address < FIRMWARE_TABLES_ADDRESS || size > FIRMWARE_TABLES_SIZE ||
        address - FIRMWARE_TABLES_ADDRESS > FIRMWARE_TABLES_SIZE - size)
        return NULL;
    return area + (address - FIRMWARE_TABLES_ADDRESS);
}

static const void *map(void *context, uint64_t address, size_t size)
{
    (void)context;
    return at(address, size);
}

static const struct acpi_access access = {.map = map};

static const struct firmware_info *info(void)
{
    return (const struct firmware_info *)area;
}

static uint32_t get(const void *data, size_t offset, size_t size)
{
    uint32_t value = 0;

    memcpy(&value, (const uint8_t *)data + offset, size);
    return value;
}

static uint8_t sum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t total = 0;

    for (size_t i = 0; i < size; i++)
        total = (uint8_t)(total + bytes[i]);
    return total;
}

/* What the firmware copies: reachable, of the given signature. */
static const uint8_t *copy(enum firmware_copies which, const char *signature)
{
    const struct firmware_copy *source = &info()->copies[which];
    const uint8_t *data = at(source->address, source->size);

    CHECK(data != NULL && source->address % 16 == 0 && source->size >= 16);
    if (data == NULL || memcmp(data, signature, 4) != 0) {
        CHECK(!"there is such a table");
        exit(1);
    }
    return data;
}

static void test_info(const struct firmware_machine *machine)
{
    CHECK_EQUAL(info()->magic, FIRMWARE_INFO_MAGIC);
    CHECK_EQUAL(info()->size, sizeof(struct firmware_info));
    CHECK(info()->low_memory == machine->low_memory && info()->high_memory == machine->high_memory);
    CHECK(info()->vp_count == machine->vp_count && info()->devices == machine->devices);
    CHECK_EQUAL(info()->boot_order[0], machine->boot_order[0]);
}

static void test_madt(const struct acpi_header *madt, uint32_t vp_count)
{
    static const uint8_t levels[] = {9, 10, 11};
    uint32_t offset = 0, count = 0;
    struct acpi_processor processor;
    struct acpi_interrupt interrupt;
    struct acpi_ioapic ioapic;

    while (acpi_madt_next_processor(madt, &offset, &processor))
        CHECK(processor.enabled && processor.apic_id == count++);
    CHECK_EQUAL(count, vp_count);
    offset = 0;
    CHECK(acpi_madt_next_ioapic(madt, &offset, &ioapic));
    CHECK(ioapic.address == 0xfec00000 && ioapic.first_interrupt == 0 && ioapic.id == vp_count);
    CHECK_EQUAL(acpi_madt_lapic_address(madt), 0xfee00000);
    CHECK(acpi_madt_isa_interrupt(madt, 0, &interrupt));
    CHECK(interrupt.number == 2 && !interrupt.level && !interrupt.active_low);
    for (uint32_t i = 0; i < sizeof(levels); i++) {
        CHECK(acpi_madt_isa_interrupt(madt, levels[i], &interrupt));
        CHECK(interrupt.number == levels[i] && interrupt.level && !interrupt.active_low);
    }
    CHECK(!acpi_madt_isa_interrupt(madt, 4, &interrupt));
    CHECK_EQUAL(get(madt, 40, 4), 1); /* and two 8259 */
}

static void test_fadt(const struct acpi_header *fadt)
{
    struct acpi_fixed_hardware fixed;
    const uint8_t *facs;

    acpi_read_fadt(fadt, &fixed);
    CHECK(!fixed.hardware_reduced && !fixed.pm_timer_32bit);
    CHECK_EQUAL(fixed.pm_timer.address, FIRMWARE_PM_BASE + 8);
    CHECK_EQUAL(fixed.pm1a_control.address, FIRMWARE_PM_BASE + 4);
    CHECK_EQUAL(fixed.pm1b_control.address, 0);
    CHECK(fixed.reset.address == 0xcf9 && fixed.reset_value == 6);
    CHECK(fixed.smi_command_port == 0xb2 && fixed.acpi_enable == 0xf1);
    CHECK_EQUAL(fixed.century_register, 0x32);
    CHECK_EQUAL(get(fadt, 46, 2), 9); /* SCI_INT */
    CHECK(get(fadt, 56, 4) == FIRMWARE_PM_BASE && get(fadt, 80, 4) == FIRMWARE_PM_BASE + 12);
    CHECK(get(fadt, 40, 4) == get(fadt, 140, 4) && get(fadt, 36, 4) == get(fadt, 132, 4));
    CHECK(get(fadt, 88, 4) == 0x04000204 && get(fadt, 92, 1) == 4);
    facs = at(get(fadt, 36, 4), 64);
    CHECK(facs != NULL && get(fadt, 36, 4) % 64 == 0 && memcmp(facs, "FACS", 4) == 0);
}

static void test_acpi(const struct firmware_machine *machine)
{
    const uint8_t *rsdp = at(info()->rsdp, 36);
    const struct acpi_header *fadt, *madt, *dsdt, *rsdt;
    uint8_t type_a = 9, type_b = 9;

    CHECK(rsdp != NULL && info()->rsdp % 16 == 0 && acpi_rsdp_valid(rsdp, 36));
    madt = acpi_find(&access, rsdp, "APIC");
    fadt = acpi_find(&access, rsdp, "FACP");
    dsdt = acpi_find(&access, rsdp, "DSDT");
    rsdt = at(get(rsdp, 16, 4), 44);
    CHECK(madt != NULL && fadt != NULL && dsdt != NULL && rsdt != NULL);
    if (madt == NULL || fadt == NULL || dsdt == NULL || rsdt == NULL)
        return;
    CHECK(rsdt->length == 44 && sum(rsdt, 44) == 0 && memcmp(rsdt, "RSDT", 4) == 0);
    CHECK(at(get(rsdt, 36, 4), 36) == fadt && at(get(rsdt, 40, 4), 36) == madt);
    test_madt(madt, machine->vp_count);
    test_fadt(fadt);
    CHECK(acpi_find_s5(dsdt, &type_a, &type_b) && type_a == 0 && type_b == 0);
    CHECK((memmem(dsdt, dsdt->length, "VMBUS", 6) != NULL) ==
          ((machine->devices & FIRMWARE_HAS_VMBUS) != 0));
    CHECK((memmem(dsdt, dsdt->length, "COM2", 4) != NULL) ==
          ((machine->devices & FIRMWARE_HAS_COM2) != 0));
}

/* The routing that the tables give to pin @source of the MP table's PCI bus. */
static uint8_t pci_irq(uint8_t source)
{
    static const uint8_t irqs[] = {10, 10, 11, 11};
    uint32_t device = source >> 2, pin = source & 3;

    return device == 7 && pin == 0 ? 9 : irqs[(device + pin + 3) % 4];
}

static void test_mp(const struct firmware_machine *machine)
{
    static const uint8_t sizes[] = {20, 8, 8, 8, 8};
    const uint8_t *pointer = copy(FIRMWARE_COPY_MP, "_MP_");
    const uint8_t *table = at(get(pointer, 4, 4), 44), *entry;
    uint32_t counts[5] = {0}, isa = 0, length;

    CHECK(sum(pointer, 16) == 0 && pointer[8] == 1 && pointer[9] == 4);
    CHECK(table != NULL && memcmp(table, "PCMP", 4) == 0);
    length = get(table, 4, 2);
    CHECK(at(get(pointer, 4, 4), length) != NULL && sum(table, length) == 0);
    entry = table + 44;
    for (uint32_t i = 0; i < get(table, 34, 2); i++) {
        CHECK(entry[0] < 5);
        if (entry[0] >= 5)
            return;
        if (entry[0] == 0)
            CHECK(entry[1] == counts[0] && entry[3] == (counts[0] == 0 ? 3 : 1));
        if (entry[0] == 2)
            CHECK(entry[1] == machine->vp_count && get(entry, 4, 4) == 0xfec00000);
        if (entry[0] == 3) {
            bool pci = entry[4] == 0;

            isa |= pci ? 0 : 1u << entry[5];
            CHECK_EQUAL(entry[7], pci ? pci_irq(entry[5]) : entry[5] == 0 ? 2 : entry[5]);
            CHECK_EQUAL(get(entry, 2, 2), pci || entry[5] == 9 ? 0x0d : 0);
            CHECK_EQUAL(entry[6], machine->vp_count);
        }
        counts[entry[0]]++;
        entry += sizes[entry[0]];
    }
    CHECK_EQUAL(entry - table, length);
    CHECK(counts[0] == machine->vp_count && counts[1] == 2 && counts[2] == 1 && counts[4] == 2);
    CHECK_EQUAL(isa, 0xf3fb); /* neither the cascade nor what PCI has */
}

static void test_pir(void)
{
    const uint8_t *table = copy(FIRMWARE_COPY_PIR, "$PIR");
    uint32_t size = get(table, 6, 2);

    CHECK(size == info()->copies[FIRMWARE_COPY_PIR].size && (size - 32) % 16 == 0);
    CHECK(sum(table, size) == 0 && get(table, 4, 2) == 0x0100);
    CHECK(table[9] == 7 << 3 && get(table, 12, 4) == 0x71108086);
    for (const uint8_t *slot = table + 32; slot < table + size; slot += 16) {
        for (uint32_t pin = 0; pin < 4; pin++) {
            uint32_t device = slot[1] >> 3, link = slot[2 + 3 * pin];

            CHECK_EQUAL(link, device == 7 && pin == 0 ? 0 : 0x60 + (device + pin + 3) % 4);
            CHECK_EQUAL(get(slot, 3 + 3 * pin, 2), link == 0 ? 0 : 0xdef8);
        }
    }
}

/* The start of the next structure. */
static const uint8_t *next(const uint8_t *structure, const uint8_t *end)
{
    const uint8_t *p = structure + structure[1];

    while (p + 1 < end && (p[0] != 0 || p[1] != 0))
        p++;
    return p + 2;
}

static void test_smbios(const struct firmware_machine *machine)
{
    const uint8_t *entry = copy(FIRMWARE_COPY_SMBIOS, "_SM_");
    const uint8_t *p = at(get(entry, 24, 4), get(entry, 22, 2)), *end = p + get(entry, 22, 2);
    uint32_t counts[128] = {0}, count = 0, largest = 0;
    uint64_t memory = 0;

    CHECK(entry[5] == 0x1f && sum(entry, 0x1f) == 0);
    CHECK(memcmp(entry + 16, "_DMI_", 5) == 0 && sum(entry + 16, 15) == 0);
    CHECK(p != NULL);
    while (p < end) {
        const uint8_t *after = next(p, end);

        CHECK(p[0] < 128 && p[1] >= 4 && after <= end);
        if (p[0] >= 128 || after > end)
            return;
        counts[p[0]]++;
        count++;
        largest = after - p > largest ? (uint32_t)(after - p) : largest;
        if (p[0] == 1)
            CHECK(memcmp(p + 8, machine->uuid, 16) == 0);
        if (p[0] == 17)
            memory += get(p, 12, 2) * MIB;
        p = after;
    }
    CHECK(p == end && count == get(entry, 28, 2) && largest == get(entry, 8, 2));
    CHECK(counts[0] == 1 && counts[1] == 1 && counts[3] == 1 && counts[16] == 1);
    CHECK(counts[4] == machine->vp_count && counts[32] == 1 && counts[127] == 1);
    CHECK_EQUAL(counts[19], machine->high_memory > 0 ? 2 : 1);
    if (machine->high_memory < 512 * 1024 * MIB)
        CHECK_EQUAL(memory, machine->low_memory + machine->high_memory);
}

static void test(const struct firmware_machine *machine)
{
    memset(area, 0xcc, FIRMWARE_TABLES_SIZE);
    CHECK(firmware_write_tables(machine, area));
    test_info(machine);
    test_acpi(machine);
    test_mp(machine);
    test_pir();
    test_smbios(machine);
}

/* For other readers: with a file's name, writes the DSDT of the large machine there. */
int main(int count, char **words)
{
    struct firmware_machine machine = small;

    area = malloc(FIRMWARE_TABLES_SIZE);
    test(&small);
    machine.high_memory = 40 * 1024 * MIB; /* of three modules */
    test(&machine);
    machine.vp_count = FIRMWARE_MAX_VPS + 1;
    CHECK(!firmware_write_tables(&machine, area) && info()->magic == 0);
    machine.vp_count = 0;
    CHECK(!firmware_write_tables(&machine, area));
    test(&large);
    const struct acpi_header *dsdt = acpi_find(&access, at(info()->rsdp, 36), "DSDT");
    FILE *file = count > 1 ? fopen(words[1], "wb") : NULL;
    if (file && dsdt != NULL) {
        CHECK_EQUAL(fwrite(dsdt, dsdt->length, 1, file), 1);
        fclose(file);
    }
    free(area);
    return unit_result();
}
