/* Tables with random contents, correct checksums unless the input says otherwise, and random lists
 * of addresses. The address sanitizer sees reads outside of what was mapped. */
#include "lib/acpi.h"

#include "tests/acpi_memory.h"
#include "tests/fuzz/fuzz.h"

#define TABLES_MAX 8

static const char signatures[][5] = {"APIC", "FACP", "DSDT", "XSDT", "RSDT", "HPET", "MCFG"};

#define SIGNATURES (sizeof(signatures) / sizeof(signatures[0]))

static void use_madt(const struct acpi_header *madt)
{
    struct acpi_processor processor;
    uint32_t offset = 0, before = 0;

    while (acpi_madt_next_processor(madt, &offset, &processor)) {
        FUZZ_CHECK(offset > before && offset <= madt->length);
        before = offset;
    }
    acpi_madt_lapic_address(madt);

    struct acpi_ioapic ioapic;
    struct acpi_interrupt interrupt;

    for (offset = 0; acpi_madt_next_ioapic(madt, &offset, &ioapic);)
        FUZZ_CHECK(offset <= madt->length);
    for (uint8_t irq = 0; irq < 16; irq++) {
        if (!acpi_madt_isa_interrupt(madt, irq, &interrupt))
            FUZZ_CHECK(interrupt.number == irq);
    }
}

static void check_register(const struct acpi_register *r)
{
    FUZZ_CHECK(r->space == ACPI_SPACE_MEMORY || r->space == ACPI_SPACE_IO);
}

static void use_fadt(const struct acpi_header *fadt)
{
    struct acpi_fixed_hardware hardware;

    acpi_read_fadt(fadt, &hardware);
    check_register(&hardware.pm_timer);
    check_register(&hardware.pm1a_control);
    check_register(&hardware.pm1b_control);
    check_register(&hardware.sleep_control);
    check_register(&hardware.reset);
}

static void use_dsdt(const struct acpi_header *dsdt)
{
    uint8_t a, b;

    if (acpi_find_s5(dsdt, &a, &b))
        FUZZ_CHECK(a <= 7 && b <= 7);
}

static void use_mcfg(const struct acpi_header *mcfg)
{
    struct acpi_ecam ecam;
    uint32_t offset = 0, before = 0;

    while (acpi_mcfg_next(mcfg, &offset, &ecam)) {
        FUZZ_CHECK(offset > before && offset <= mcfg->length && ecam.first_bus <= ecam.last_bus);
        before = offset;
    }
}

static void use_tables(const uint8_t *rsdp)
{
    for (size_t i = 0; i < SIGNATURES; i++) {
        const struct acpi_header *table = acpi_find(&acpi_memory_access, rsdp, signatures[i]);
        uint8_t sum = 0;

        if (table == NULL)
            continue;
        FUZZ_CHECK(memcmp(table->signature, signatures[i], 4) == 0);
        for (uint32_t k = 0; k < table->length; k++)
            sum = (uint8_t)(sum + ((const uint8_t *)table)[k]);
        FUZZ_CHECK(sum == 0);
        if (i == 0)
            use_madt(table);
        else if (i == 1)
            use_fadt(table);
        else if (i == 2)
            use_dsdt(table);
        else if (i == 6)
            use_mcfg(table);
    }
}

/* Appends the list of all tables so far, as an XSDT or RSDT. */
static uint64_t add_list(const char *signature, const uint64_t *tables, unsigned count, size_t size)
{
    uint8_t list[TABLES_MAX * 8];

    for (unsigned i = 0; i < count; i++)
        memcpy(list + i * size, &tables[i], size);
    return acpi_memory_add(signature, list, (uint32_t)(count * size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint64_t tables[TABLES_MAX];
    unsigned count = 0;
    uint8_t rsdp[36];
    uint8_t setup = fuzz_byte(&input);

    acpi_rsdp_valid(data, size);
    acpi_memory_clear();
    while (input.size > 0 && count < TABLES_MAX) {
        uint8_t kind = fuzz_byte(&input);
        size_t length = fuzz_number(&input, 2) % 512;

        if (length > input.size)
            length = input.size;
        tables[count] =
            acpi_memory_add(signatures[kind % SIGNATURES], input.data, (uint32_t)length);
        input.data += length;
        input.size -= length;
        /* Wrong addresses and damaged headers, too. */
        if (kind & 0x40)
            tables[count] = fuzz_number(&input, 8);
        if (kind & 0x80)
            acpi_memory.bytes[tables[count] % acpi_memory.used] ^= fuzz_byte(&input);
        count++;
    }
    uint64_t xsdt = add_list("XSDT", tables, count, 8);
    uint64_t rsdt = add_list("RSDT", tables, count, 4);

    acpi_make_rsdp(rsdp, setup & 2, (uint32_t)rsdt, setup & 4 ? xsdt : setup);
    FUZZ_CHECK(acpi_rsdp_valid(rsdp, sizeof(rsdp)));
    use_tables(rsdp);
    acpi_memory_clear();
    return 0;
}
