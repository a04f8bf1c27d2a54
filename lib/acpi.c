#include "lib/acpi.h"

#include "lib/string.h"

/* Offsets and values are those of the ACPI specification 6.4. Fields are copied out, because tables
 * need not be aligned. */

/* 5.2.5.3, RSDP */
#define RSDP_REVISION 15
#define RSDP_RSDT 16
#define RSDP_OLD_SIZE 20
#define RSDP_LENGTH 20
#define RSDP_XSDT 24
#define RSDP_NEW_SIZE 36

/* 5.2.9, FADT */
#define FADT_DSDT 40
#define FADT_SMI_COMMAND 48
#define FADT_ACPI_ENABLE 52
#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_PM_TIMER 76
#define FADT_PM1_CONTROL_LENGTH 89
#define FADT_PM_TIMER_LENGTH 91
#define FADT_CENTURY 108
#define FADT_FLAGS 112
#define FADT_RESET 116
#define FADT_RESET_VALUE 128
#define FADT_X_DSDT 140
#define FADT_X_PM1A_CONTROL 172
#define FADT_X_PM1B_CONTROL 184
#define FADT_X_PM_TIMER 208
#define FADT_SLEEP_CONTROL 244
#define FADT_FLAG_TIMER_32BIT (1u << 8)
#define FADT_FLAG_RESET_SUPPORTED (1u << 10)
#define FADT_FLAG_HARDWARE_REDUCED (1u << 20)

/* 5.2.12, MADT */
#define MADT_LAPIC_ADDRESS 36
#define MADT_STRUCTURES 44
#define MADT_TYPE_LAPIC 0
#define MADT_TYPE_IOAPIC 1
#define MADT_TYPE_OVERRIDE 2
#define MADT_TYPE_LAPIC_ADDRESS 5
#define MADT_TYPE_X2APIC 9
#define MADT_FLAG_ENABLED (1u << 0)
#define MADT_FLAG_ONLINE_CAPABLE (1u << 1)

/* PCI Firmware Specification 3.3, 4.1.2, MCFG */
#define MCFG_ENTRIES 44
#define MCFG_ENTRY_SIZE 16

/* 5.2.12.5, MPS INTI flags */
#define INTI_POLARITY_MASK 3u
#define INTI_ACTIVE_LOW 3u
#define INTI_TRIGGER_MASK (3u << 2)
#define INTI_LEVEL (3u << 2)

/* 20.2, AML encoding */
#define AML_ZERO 0x00
#define AML_ONE 0x01
#define AML_NAME 0x08
#define AML_BYTE 0x0a
#define AML_WORD 0x0b
#define AML_DWORD 0x0c
#define AML_PACKAGE 0x12

/* 4.8.3.2.1: SLP_TYP is three bits wide. */
#define SLEEP_TYPE_MAX 7

static bool checksum_correct(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

/* The little-endian number of @size bytes at @offset of a table; 0 if the table ends before it. */
static uint64_t read_field(const struct acpi_header *table, size_t offset, size_t size)
{
    uint64_t value = 0;

    if (offset + size <= table->length)
        memcpy(&value, (const uint8_t *)table + offset, size);
    return value;
}

bool acpi_rsdp_valid(const void *rsdp, size_t size)
{
    const uint8_t *bytes = rsdp;
    uint32_t length;

    if (size < RSDP_OLD_SIZE || memcmp(bytes, "RSD PTR ", 8) != 0 ||
        !checksum_correct(bytes, RSDP_OLD_SIZE))
        return false;
    if (bytes[RSDP_REVISION] < 2)
        return true;
    if (size < RSDP_NEW_SIZE)
        return false;
    memcpy(&length, bytes + RSDP_LENGTH, sizeof(length));
    return length >= RSDP_NEW_SIZE && length <= size && checksum_correct(bytes, length);
}

/* The whole table at @address if it is reachable, has a correct checksum and @signature. */
static const struct acpi_header *table_at(const struct acpi_access *access, uint64_t address,
                                          const char signature[4])
{
    const struct acpi_header *header;

    if (address == 0)
        return NULL;
    header = access->map(access->context, address, sizeof(*header));
    if (header == NULL || memcmp(header->signature, signature, 4) != 0 ||
        header->length < sizeof(*header))
        return NULL;
    header = access->map(access->context, address, header->length);
    return header != NULL && checksum_correct(header, header->length) ? header : NULL;
}

/* Looks through the addresses, of @entry_size bytes each, that follow the header of @root. */
static const struct acpi_header *find_in(const struct acpi_access *access,
                                         const struct acpi_header *root, size_t entry_size,
                                         const char signature[4])
{
    for (size_t offset = sizeof(*root); root->length - offset >= entry_size; offset += entry_size) {
        uint64_t address = read_field(root, offset, entry_size);
        const struct acpi_header *table = table_at(access, address, signature);

        if (table != NULL)
            return table;
    }
    return NULL;
}

static const struct acpi_header *find_dsdt(const struct acpi_access *access,
                                           const struct acpi_header *fadt)
{
    uint64_t address = read_field(fadt, FADT_X_DSDT, 8);

    if (address == 0)
        address = read_field(fadt, FADT_DSDT, 4);
    return table_at(access, address, "DSDT");
}

const struct acpi_header *acpi_find(const struct acpi_access *access, const void *rsdp,
                                    const char signature[4])
{
    const uint8_t *bytes = rsdp;
    const struct acpi_header *root = NULL;
    uint64_t xsdt = 0;
    uint32_t rsdt;

    if (memcmp(signature, "DSDT", 4) == 0) {
        const struct acpi_header *fadt = acpi_find(access, rsdp, "FACP");

        return fadt == NULL ? NULL : find_dsdt(access, fadt);
    }
    if (bytes[RSDP_REVISION] >= 2)
        memcpy(&xsdt, bytes + RSDP_XSDT, sizeof(xsdt));
    root = table_at(access, xsdt, "XSDT");
    if (root != NULL)
        return find_in(access, root, 8, signature);
    memcpy(&rsdt, bytes + RSDP_RSDT, sizeof(rsdt));
    root = table_at(access, rsdt, "RSDT");
    return root == NULL ? NULL : find_in(access, root, 4, signature);
}

/* Moves to the next structure of the MADT: *@start is where it begins and *@offset, which is 0 at
 * first, where it ends. False at the end and at a bad length. */
static bool next_structure(const struct acpi_header *madt, uint32_t *offset, uint32_t *start)
{
    uint32_t from = *offset == 0 ? MADT_STRUCTURES : *offset;

    if (from >= madt->length || madt->length - from < 2)
        return false;

    uint8_t size = ((const uint8_t *)madt)[from + 1];

    if (size < 2 || size > madt->length - from)
        return false;
    *start = from;
    *offset = from + size;
    return true;
}

bool acpi_madt_next_processor(const struct acpi_header *madt, uint32_t *offset,
                              struct acpi_processor *processor)
{
    uint32_t start;

    while (next_structure(madt, offset, &start)) {
        uint32_t size = *offset - start;
        uint8_t type = ((const uint8_t *)madt)[start];
        uint32_t flags;

        if (type == MADT_TYPE_LAPIC && size >= 8) {
            processor->apic_id = (uint32_t)read_field(madt, start + 3, 1);
            flags = (uint32_t)read_field(madt, start + 4, 4);
        } else if (type == MADT_TYPE_X2APIC && size >= 16) {
            processor->apic_id = (uint32_t)read_field(madt, start + 4, 4);
            flags = (uint32_t)read_field(madt, start + 8, 4);
        } else {
            continue;
        }
        processor->enabled = (flags & MADT_FLAG_ENABLED) != 0;
        processor->online_capable = !processor->enabled && (flags & MADT_FLAG_ONLINE_CAPABLE) != 0;
        return true;
    }
    return false;
}

uint64_t acpi_madt_lapic_address(const struct acpi_header *madt)
{
    uint32_t offset = 0;
    uint32_t start;

    while (next_structure(madt, &offset, &start)) {
        if (((const uint8_t *)madt)[start] == MADT_TYPE_LAPIC_ADDRESS && offset - start >= 12)
            return read_field(madt, start + 4, 8);
    }
    return read_field(madt, MADT_LAPIC_ADDRESS, 4);
}

bool acpi_mcfg_next(const struct acpi_header *mcfg, uint32_t *offset, struct acpi_ecam *ecam)
{
    for (;;) {
        uint32_t start = *offset == 0 ? MCFG_ENTRIES : *offset;

        if (start >= mcfg->length || mcfg->length - start < MCFG_ENTRY_SIZE)
            return false;
        *offset = start + MCFG_ENTRY_SIZE;
        ecam->base = read_field(mcfg, start, 8);
        ecam->segment = (uint16_t)read_field(mcfg, start + 8, 2);
        ecam->first_bus = (uint8_t)read_field(mcfg, start + 10, 1);
        ecam->last_bus = (uint8_t)read_field(mcfg, start + 11, 1);
        if (ecam->first_bus <= ecam->last_bus)
            return true;
    }
}

bool acpi_madt_next_ioapic(const struct acpi_header *madt, uint32_t *offset,
                           struct acpi_ioapic *ioapic)
{
    uint32_t start;

    while (next_structure(madt, offset, &start)) {
        if (((const uint8_t *)madt)[start] != MADT_TYPE_IOAPIC || *offset - start < 12)
            continue;
        *ioapic = (struct acpi_ioapic){
            .id = (uint8_t)read_field(madt, start + 2, 1),
            .address = read_field(madt, start + 4, 4),
            .first_interrupt = (uint32_t)read_field(madt, start + 8, 4),
        };
        return true;
    }
    return false;
}

bool acpi_madt_isa_interrupt(const struct acpi_header *madt, uint8_t irq,
                             struct acpi_interrupt *interrupt)
{
    uint32_t offset = 0;
    uint32_t start;

    *interrupt = (struct acpi_interrupt){.number = irq};
    while (next_structure(madt, &offset, &start)) {
        if (((const uint8_t *)madt)[start] != MADT_TYPE_OVERRIDE || offset - start < 10 ||
            read_field(madt, start + 3, 1) != irq)
            continue;

        uint32_t flags = (uint32_t)read_field(madt, start + 8, 2);

        interrupt->number = (uint32_t)read_field(madt, start + 4, 4);
        interrupt->active_low = (flags & INTI_POLARITY_MASK) == INTI_ACTIVE_LOW;
        interrupt->level = (flags & INTI_TRIGGER_MASK) == INTI_LEVEL;
        return true;
    }
    return false;
}

/* A generic address structure (5.2.3.2); none if it is in an address space that we do not use. */
static struct acpi_register generic_register(const struct acpi_header *fadt, size_t offset)
{
    uint64_t space = read_field(fadt, offset, 1);

    if (space != ACPI_SPACE_MEMORY && space != ACPI_SPACE_IO)
        return (struct acpi_register){0};
    return (struct acpi_register){
        .space = (enum acpi_space)space,
        .width = (uint8_t)read_field(fadt, offset + 1, 1),
        .address = read_field(fadt, offset + 4, 8),
    };
}

/* A register block by its extended field, or else by its old one, which is a port number. */
static struct acpi_register fixed_register(const struct acpi_header *fadt, size_t extended,
                                           size_t old, size_t old_length)
{
    struct acpi_register generic = generic_register(fadt, extended);

    if (generic.address != 0)
        return generic;
    return (struct acpi_register){
        .space = ACPI_SPACE_IO,
        .width = (uint8_t)(read_field(fadt, old_length, 1) * 8),
        .address = read_field(fadt, old, 4),
    };
}

void acpi_read_fadt(const struct acpi_header *fadt, struct acpi_fixed_hardware *hardware)
{
    uint32_t flags = (uint32_t)read_field(fadt, FADT_FLAGS, 4);

    *hardware = (struct acpi_fixed_hardware){
        .hardware_reduced = (flags & FADT_FLAG_HARDWARE_REDUCED) != 0,
        .sleep_control = generic_register(fadt, FADT_SLEEP_CONTROL),
    };
    if (flags & FADT_FLAG_RESET_SUPPORTED) {
        hardware->reset = generic_register(fadt, FADT_RESET);
        hardware->reset_value = (uint8_t)read_field(fadt, FADT_RESET_VALUE, 1);
    }
    if (hardware->hardware_reduced)
        return;
    if (read_field(fadt, FADT_PM_TIMER_LENGTH, 1) == 4)
        hardware->pm_timer =
            fixed_register(fadt, FADT_X_PM_TIMER, FADT_PM_TIMER, FADT_PM_TIMER_LENGTH);
    hardware->pm_timer_32bit = (flags & FADT_FLAG_TIMER_32BIT) != 0;
    hardware->pm1a_control =
        fixed_register(fadt, FADT_X_PM1A_CONTROL, FADT_PM1A_CONTROL, FADT_PM1_CONTROL_LENGTH);
    hardware->pm1b_control =
        fixed_register(fadt, FADT_X_PM1B_CONTROL, FADT_PM1B_CONTROL, FADT_PM1_CONTROL_LENGTH);
    hardware->smi_command_port = (uint16_t)read_field(fadt, FADT_SMI_COMMAND, 4);
    hardware->acpi_enable = (uint8_t)read_field(fadt, FADT_ACPI_ENABLE, 1);
    hardware->century_register = (uint8_t)read_field(fadt, FADT_CENTURY, 1);
}

/* Bytes of AML that have not been read yet. */
struct aml {
    const uint8_t *next;
    size_t left;
};

static bool take_byte(struct aml *aml, uint8_t *byte)
{
    if (aml->left == 0)
        return false;
    *byte = *aml->next++;
    aml->left--;
    return true;
}

/* Reads a constant that can be a sleep type. */
static bool take_sleep_type(struct aml *aml, uint8_t *value)
{
    uint8_t prefix;
    unsigned more = 0; /* upper bytes, which must be 0 */

    if (!take_byte(aml, &prefix))
        return false;
    if (prefix == AML_ZERO || prefix == AML_ONE) {
        *value = prefix;
        return true;
    }
    if (prefix == AML_WORD)
        more = 1;
    else if (prefix == AML_DWORD)
        more = 3;
    else if (prefix != AML_BYTE)
        return false;
    if (!take_byte(aml, value) || *value > SLEEP_TYPE_MAX)
        return false;
    for (; more > 0; more--) {
        uint8_t upper;

        if (!take_byte(aml, &upper) || upper != 0)
            return false;
    }
    return true;
}

/* Reads a package that begins with two sleep types. */
static bool take_sleep_package(struct aml *aml, uint8_t *a, uint8_t *b)
{
    uint8_t byte;

    if (!take_byte(aml, &byte) || byte != AML_PACKAGE || !take_byte(aml, &byte))
        return false;
    /* The upper two bits of a package length count its further bytes (20.2.4). */
    for (unsigned more = byte >> 6; more > 0; more--) {
        if (!take_byte(aml, &byte))
            return false;
    }
    return take_byte(aml, &byte) && byte >= 2 && take_sleep_type(aml, a) && take_sleep_type(aml, b);
}

bool acpi_find_s5(const struct acpi_header *dsdt, uint8_t *sleep_type_a, uint8_t *sleep_type_b)
{
    static const char name[4] = {'_', 'S', '5', '_'};
    const uint8_t *bytes = (const uint8_t *)dsdt;

    for (size_t i = sizeof(*dsdt) + 1; i + sizeof(name) <= dsdt->length; i++) {
        bool named = bytes[i - 1] == AML_NAME || (bytes[i - 1] == '\\' && bytes[i - 2] == AML_NAME);
        struct aml aml = {bytes + i + sizeof(name), dsdt->length - i - sizeof(name)};
        uint8_t a, b;

        if (named && memcmp(bytes + i, name, sizeof(name)) == 0 &&
            take_sleep_package(&aml, &a, &b)) {
            *sleep_type_a = a;
            *sleep_type_b = b;
            return true;
        }
    }
    return false;
}
