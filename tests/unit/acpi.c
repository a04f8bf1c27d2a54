#include "lib/acpi.h"

#include "tests/acpi_memory.h"
#include "tests/unit/unit.h"

static uint8_t rsdp[36];

static void test_rsdp(void)
{
    acpi_make_rsdp(rsdp, 0, 1, 0);
    CHECK(acpi_rsdp_valid(rsdp, 20));
    CHECK(acpi_rsdp_valid(rsdp, 36));
    CHECK(!acpi_rsdp_valid(rsdp, 19));
    rsdp[10] ^= 1;
    CHECK(!acpi_rsdp_valid(rsdp, 36));

    acpi_make_rsdp(rsdp, 2, 1, 2);
    CHECK(acpi_rsdp_valid(rsdp, 36));
    CHECK(!acpi_rsdp_valid(rsdp, 35));
    rsdp[30] ^= 1;
    CHECK(!acpi_rsdp_valid(rsdp, 36));
    for (unsigned length = 0; length < 256; length += 5) {
        acpi_make_rsdp(rsdp, 2, 1, 2);
        rsdp[20] = (uint8_t)length;
        acpi_fix_checksum(rsdp, 36, 32);
        CHECK(!acpi_rsdp_valid(rsdp, 36));
    }
    acpi_make_rsdp(rsdp, 0, 1, 0);
    rsdp[0] = 'r';
    acpi_fix_checksum(rsdp, 20, 8);
    CHECK(!acpi_rsdp_valid(rsdp, 36));
}

static void check_found(const char *signature, const char *contents)
{
    const struct acpi_header *table = acpi_find(&acpi_memory_access, rsdp, signature);

    CHECK(table != NULL);
    if (table != NULL)
        CHECK(memcmp(table + 1, contents, strlen(contents)) == 0);
}

static void check_missing(const char *signature)
{
    CHECK(acpi_find(&acpi_memory_access, rsdp, signature) == NULL);
}

static void test_find(void)
{
    acpi_memory_clear();

    uint64_t damaged = acpi_memory_add("HPET", "damaged", 7);
    uint64_t tables[5] = {
        acpi_memory_add("APIC", "first", 5),  0, damaged, UINT64_MAX - 20,
        acpi_memory_add("HPET", "second", 6),
    };
    uint32_t only_in_rsdt = (uint32_t)acpi_memory_add("MCFG", "third", 5);
    uint64_t xsdt = acpi_memory_add("XSDT", tables, sizeof(tables));
    uint64_t rsdt = acpi_memory_add("RSDT", &only_in_rsdt, sizeof(only_in_rsdt));

    acpi_memory.bytes[damaged - ACPI_MEMORY_BASE + 40] ^= 1;
    acpi_make_rsdp(rsdp, 2, (uint32_t)rsdt, xsdt);
    check_found("APIC", "first");
    check_found("HPET", "second");
    check_missing("MCFG");
    check_missing("SRAT");
    check_missing("DSDT");

    acpi_make_rsdp(rsdp, 0, (uint32_t)rsdt, xsdt);
    check_found("MCFG", "third");
    check_missing("APIC");

    acpi_make_rsdp(rsdp, 2, (uint32_t)rsdt, 0);
    check_found("MCFG", "third");
    acpi_make_rsdp(rsdp, 2, (uint32_t)rsdt, xsdt + 1);
    check_found("MCFG", "third");
    acpi_make_rsdp(rsdp, 2, 0, 0);
    check_missing("MCFG");
}

/* A table whose length is less than its header's, or goes beyond what can be reached. */
static void test_bad_lengths(void)
{
    static const uint32_t lengths[] = {0, 35, 100, UINT32_MAX};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        acpi_memory_clear();

        uint64_t table = acpi_memory_add("APIC", "first", 5);
        uint64_t xsdt = acpi_memory_add("XSDT", &table, sizeof(table));

        acpi_make_rsdp(rsdp, 2, 0, xsdt);
        check_found("APIC", "first");
        memcpy(acpi_memory.bytes + 4, &lengths[i], 4);
        check_missing("APIC");
    }
}

static void put(uint8_t *table, size_t offset, uint64_t value, size_t size)
{
    memcpy(table + offset - sizeof(struct acpi_header), &value, size);
}

static void test_dsdt(void)
{
    uint8_t fadt[276 - sizeof(struct acpi_header)] = {0};

    acpi_memory_clear();
    put(fadt, 40, acpi_memory_add("DSDT", "old", 3), 4);

    uint64_t address = acpi_memory_add("FACP", fadt, sizeof(fadt));
    uint64_t xsdt = acpi_memory_add("XSDT", &address, sizeof(address));

    acpi_make_rsdp(rsdp, 2, 0, xsdt);
    check_found("DSDT", "old");

    put(fadt, 140, acpi_memory_add("DSDT", "new", 3), 8);
    address = acpi_memory_add("FACP", fadt, sizeof(fadt));
    xsdt = acpi_memory_add("XSDT", &address, sizeof(address));
    acpi_make_rsdp(rsdp, 2, 0, xsdt);
    check_found("DSDT", "new");
}

/* The table with @size bytes behind its header, in memory of exactly its size. */
static const struct acpi_header *table_of(const char signature[4], const void *data, uint32_t size)
{
    acpi_memory_clear();
    return acpi_memory_map(NULL, acpi_memory_add(signature, data, size),
                           sizeof(struct acpi_header) + size);
}

static void check_processor(const struct acpi_header *madt, uint32_t *offset, uint32_t apic_id,
                            bool enabled, bool online_capable)
{
    struct acpi_processor processor = {0};

    CHECK(acpi_madt_next_processor(madt, offset, &processor));
    CHECK_EQUAL(processor.apic_id, apic_id);
    CHECK_EQUAL(processor.enabled, enabled);
    CHECK_EQUAL(processor.online_capable, online_capable);
}

static void test_madt(void)
{
    static const uint8_t data[] = {
        0, 0,  0xe0, 0xfe, 1,    0,    0,    0,                               /* address, flags */
        0, 8,  0,    5,    1,    0,    0,    0,                               /* local APIC 5 */
        1, 12, 0,    0,    0,    0,    0xc0, 0xfe, 0,    0, 0, 0,             /* an I/O APIC */
        0, 8,  1,    6,    2,    0,    0,    0,                               /* local APIC 6 */
        9, 16, 0,    0,    0x44, 0x33, 0x22, 0x11, 3,    0, 0, 0, 1, 0, 0, 0, /* x2APIC */
        5, 12, 0,    0,    0,    0,    0xe1, 0xfe, 0x10, 0, 0, 0,             /* address override */
        0, 7,  1,    7,    1,    0,    0,       /* too short: ignored */
        0, 8,  1,    9,    0,    0,    0,    0, /* local APIC 9 */
        0, 8,  1,    10,   1,    0,    0,       /* cut */
    };
    const struct acpi_header *madt = table_of("APIC", data, sizeof(data));
    struct acpi_processor processor;
    uint32_t offset = 0;

    check_processor(madt, &offset, 5, true, false);
    check_processor(madt, &offset, 6, false, true);
    check_processor(madt, &offset, 0x11223344, true, false);
    check_processor(madt, &offset, 9, false, false);
    CHECK(!acpi_madt_next_processor(madt, &offset, &processor));
    CHECK_EQUAL(acpi_madt_lapic_address(madt), 0x10fee10000);

    madt = table_of("APIC", data, 16);
    CHECK_EQUAL(acpi_madt_lapic_address(madt), 0xfee00000);

    /* Lengths that would not move on, or lead out. */
    static const uint8_t no_length[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    for (uint32_t size = 0; size <= sizeof(no_length); size++) {
        madt = table_of("APIC", no_length, size);
        offset = 0;
        CHECK(!acpi_madt_next_processor(madt, &offset, &processor));
        CHECK_EQUAL(acpi_madt_lapic_address(madt), 0);
    }
}

static void check_isa(const struct acpi_header *madt, uint8_t irq, bool overridden, uint32_t number,
                      bool level, bool active_low)
{
    struct acpi_interrupt interrupt;

    CHECK_EQUAL(acpi_madt_isa_interrupt(madt, irq, &interrupt), overridden);
    CHECK_EQUAL(interrupt.number, number);
    CHECK_EQUAL(interrupt.level, level);
    CHECK_EQUAL(interrupt.active_low, active_low);
}

static void test_madt_interrupts(void)
{
    static const uint8_t data[] = {
        0, 0,  0, 0,  1,  0,    0,    0,                   /* address, flags */
        1, 12, 2, 0,  0,  0,    0xc0, 0xfe, 0,    0, 0, 0, /* I/O APIC 2 from 0 on */
        2, 10, 0, 0,  2,  0,    0,    0,    0,    0,       /* 0 is 2, as the bus has it */
        2, 10, 0, 9,  9,  0,    0,    0,    0x0d, 0,       /* 9: active high, level */
        2, 10, 0, 11, 20, 0,    0,    0,    0x0f, 0,       /* 11 is 20: active low, level */
        2, 9,  0, 5,  7,  0,    0,    0,    0x0f,          /* too short: ignored */
        1, 11, 3, 0,  0,  0,    0xd0, 0xfe, 0,    0, 0,    /* too short: ignored */
        1, 12, 4, 0,  0,  0x10, 0xc0, 0xfe, 24,   0, 0, 0, /* I/O APIC 4 from 24 on */
        2, 10, 0, 12, 13, 0,    0,    0,                   /* cut */
    };
    const struct acpi_header *madt = table_of("APIC", data, sizeof(data));
    struct acpi_ioapic ioapic;
    uint32_t offset = 0;

    CHECK(acpi_madt_next_ioapic(madt, &offset, &ioapic));
    CHECK_EQUAL(ioapic.id, 2);
    CHECK_EQUAL(ioapic.address, 0xfec00000);
    CHECK_EQUAL(ioapic.first_interrupt, 0);
    CHECK(acpi_madt_next_ioapic(madt, &offset, &ioapic));
    CHECK_EQUAL(ioapic.id, 4);
    CHECK_EQUAL(ioapic.address, 0xfec01000);
    CHECK_EQUAL(ioapic.first_interrupt, 24);
    CHECK(!acpi_madt_next_ioapic(madt, &offset, &ioapic));

    check_isa(madt, 0, true, 2, false, false);
    check_isa(madt, 1, false, 1, false, false);
    check_isa(madt, 5, false, 5, false, false);
    check_isa(madt, 9, true, 9, true, false);
    check_isa(madt, 11, true, 20, true, true);
    check_isa(madt, 12, false, 12, false, false);
}

static void check_register(const struct acpi_register *r, enum acpi_space space, unsigned width,
                           uint64_t address)
{
    CHECK_EQUAL(r->space, space);
    CHECK_EQUAL(r->width, width);
    CHECK_EQUAL(r->address, address);
}

static void put_register(uint8_t *fadt, size_t offset, uint8_t space, uint8_t width,
                         uint64_t address)
{
    put(fadt, offset, space, 1);
    put(fadt, offset + 1, width, 1);
    put(fadt, offset + 4, address, 8);
}

/* A FADT of ACPI 1.0 (116 bytes) or later, with the ports of a PIIX4. */
static const struct acpi_header *piix4_fadt(uint8_t *fadt, uint32_t length, uint32_t flags)
{
    put(fadt, 48, 0xb2, 4);
    put(fadt, 52, 0xf1, 1);
    put(fadt, 64, 0x604, 4);
    put(fadt, 76, 0x608, 4);
    put(fadt, 89, 2, 1);
    put(fadt, 91, 4, 1);
    put(fadt, 112, flags, 4);
    return table_of("FACP", fadt, length - (uint32_t)sizeof(struct acpi_header));
}

static void test_old_fadt(void)
{
    uint8_t fadt[276] = {0};
    struct acpi_fixed_hardware hardware;

    put_register(fadt, 116, ACPI_SPACE_IO, 8, 0xcf9);
    acpi_read_fadt(piix4_fadt(fadt, 116, 1 << 8 | 1 << 10), &hardware);
    check_register(&hardware.pm_timer, ACPI_SPACE_IO, 32, 0x608);
    check_register(&hardware.pm1a_control, ACPI_SPACE_IO, 16, 0x604);
    CHECK_EQUAL(hardware.pm1b_control.address, 0);
    CHECK(hardware.pm_timer_32bit && !hardware.hardware_reduced);
    CHECK_EQUAL(hardware.smi_command_port, 0xb2);
    CHECK_EQUAL(hardware.acpi_enable, 0xf1);
    /* The table ends before the register that its flag announces. */
    CHECK_EQUAL(hardware.reset.address, 0);

    put(fadt, 91, 0, 1);
    acpi_read_fadt(table_of("FACP", fadt, 116 - 36), &hardware);
    CHECK_EQUAL(hardware.pm_timer.address, 0);
}

static void test_new_fadt(void)
{
    uint8_t fadt[276] = {0};
    struct acpi_fixed_hardware hardware;

    put_register(fadt, 116, ACPI_SPACE_IO, 8, 0xcf9);
    put(fadt, 128, 0x0f, 1);
    put_register(fadt, 172, ACPI_SPACE_MEMORY, 16, 0x123456789a);
    put_register(fadt, 184, 0x0a, 16, 0x77); /* an address space that we do not know */
    acpi_read_fadt(piix4_fadt(fadt, 276, 0), &hardware);
    check_register(&hardware.pm1a_control, ACPI_SPACE_MEMORY, 16, 0x123456789a);
    CHECK_EQUAL(hardware.pm1b_control.address, 0);
    check_register(&hardware.pm_timer, ACPI_SPACE_IO, 32, 0x608);
    CHECK_EQUAL(hardware.reset.address, 0);

    acpi_read_fadt(piix4_fadt(fadt, 276, 1 << 10), &hardware);
    check_register(&hardware.reset, ACPI_SPACE_IO, 8, 0xcf9);
    CHECK_EQUAL(hardware.reset_value, 0x0f);

    put_register(fadt, 244, ACPI_SPACE_MEMORY, 8, 0xfed00000);
    acpi_read_fadt(piix4_fadt(fadt, 276, 1 << 10 | 1 << 20), &hardware);
    CHECK(hardware.hardware_reduced);
    check_register(&hardware.sleep_control, ACPI_SPACE_MEMORY, 8, 0xfed00000);
    check_register(&hardware.reset, ACPI_SPACE_IO, 8, 0xcf9);
    CHECK_EQUAL(hardware.pm1a_control.address, 0);
    CHECK_EQUAL(hardware.pm_timer.address, 0);
}

/* Searches AML of @size bytes, and all of its beginnings, which must be safe, too. */
static bool find_s5(const char *aml, size_t size, uint8_t *a, uint8_t *b)
{
    *a = *b = 0xee;
    for (uint32_t cut = 0; cut < size; cut++)
        acpi_find_s5(table_of("DSDT", aml, cut), &(uint8_t){0}, &(uint8_t){0});
    return acpi_find_s5(table_of("DSDT", aml, (uint32_t)size), a, b);
}

#define CHECK_S5(aml, expected_a, expected_b)                                                      \
    do {                                                                                           \
        uint8_t a, b;                                                                              \
        CHECK(find_s5(aml, sizeof(aml) - 1, &a, &b));                                              \
        CHECK_EQUAL(a, expected_a);                                                                \
        CHECK_EQUAL(b, expected_b);                                                                \
    } while (0)

#define CHECK_NO_S5(aml)                                                                           \
    do {                                                                                           \
        uint8_t a, b;                                                                              \
        CHECK(!find_s5(aml, sizeof(aml) - 1, &a, &b));                                             \
        CHECK(a == 0xee && b == 0xee);                                                             \
    } while (0)

static void test_s5(void)
{
    CHECK_S5("xx\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0);
    CHECK_S5("\x08\\_S5_\x12\x08\x04\x0a\x05\x0a\x07\x00\x00", 5, 7);
    CHECK_S5("\x08_S5_\x12\x06\x02\x01\x0a\x07", 1, 7);
    CHECK_S5("\x08_S5_\x12\x40\x01\x02\x0b\x05\x00\x0c\x07\x00\x00\x00", 5, 7);
    /* A use of the name, and a package of something else, come first. */
    CHECK_S5("_S5_\x12\x06\x02\x01\x01\x08_S5_\x12\x06\x02\x0d\x01\x08_S5_\x12\x06\x02\x00\x01", 0,
             1);
    CHECK_NO_S5("");
    CHECK_NO_S5("\x08_S4_\x12\x06\x04\x00\x00\x00\x00");
    CHECK_NO_S5("\x08_S5_\x0a\x05");
    CHECK_NO_S5("\x08_S5_\x12\x04\x01\x01\x01");
    CHECK_NO_S5("\x08_S5_\x12\x06\x02\x0a\x08\x00");
    CHECK_NO_S5("\x08_S5_\x12\x06\x02\x0b\x01\x01\x00");
    CHECK_NO_S5("\x08_S5_\x12\x06\x02\x0a\x05");
}

static void test_mcfg(void)
{
    static const uint8_t data[] = {
        0, 0, 0, 0,    0, 0, 0, 0,                            /* reserved */
        0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0,  255, 0, 0, 0, 0, /* segment 0 */
        0, 0, 0, 0xc0, 0, 0, 0, 0, 1, 0, 9,  8,   0, 0, 0, 0, /* buses out of order: left out */
        0, 0, 0, 0xd0, 1, 0, 0, 0, 2, 0, 16, 31,  0, 0, 0, 0, /* segment 2 */
        0, 0, 0, 0xe0, 0, 0, 0, 0, 3, 0, 0,  255, 0, 0, 0,    /* cut */
    };
    const struct acpi_header *mcfg = table_of("MCFG", data, sizeof(data));
    struct acpi_ecam ecam;
    uint32_t offset = 0;

    CHECK(acpi_mcfg_next(mcfg, &offset, &ecam));
    CHECK_EQUAL(ecam.base, 0xb0000000);
    CHECK_EQUAL(ecam.segment, 0);
    CHECK_EQUAL(ecam.first_bus, 0);
    CHECK_EQUAL(ecam.last_bus, 255);
    CHECK(acpi_mcfg_next(mcfg, &offset, &ecam));
    CHECK_EQUAL(ecam.base, 0x1d0000000);
    CHECK_EQUAL(ecam.segment, 2);
    CHECK_EQUAL(ecam.first_bus, 16);
    CHECK_EQUAL(ecam.last_bus, 31);
    CHECK(!acpi_mcfg_next(mcfg, &offset, &ecam));

    mcfg = table_of("MCFG", data, 4);
    offset = 0;
    CHECK(!acpi_mcfg_next(mcfg, &offset, &ecam));
}

int main(void)
{
    test_rsdp();
    test_find();
    test_bad_lengths();
    test_dsdt();
    test_madt();
    test_mcfg();
    test_madt_interrupts();
    test_old_fadt();
    test_new_fadt();
    test_s5();
    acpi_memory_clear();
    return unit_result();
}
