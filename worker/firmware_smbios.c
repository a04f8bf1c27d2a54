/* SMBIOS of the PC: DMTF's DSP0134 2.4, whose sections are in parentheses. Linux leaves the disks
 * of a "Microsoft Corporation" "Virtual Machine" to synthetic devices, so it has names of its own.
 */
#include "lib/string.h"
#include "worker/acpi_tables.h"
#include "worker/firmware_tables.h"

#define HANDLE_ARRAY 0x1000
#define HANDLE_NONE 0xffff
#define HANDLE_NO_ERROR 0xfffe /* of an array without information on errors */
#define MIB (1024ull * 1024)
#define MODULE_SIZE (16 * 1024 * MIB) /* a size in MiB has 15 bits */
#define MODULES_MAX 64
#define HIGH_START 0x100000000ull

/* 5.2.1 */
struct entry_point {
    char anchor[4];
    uint8_t checksum, length, major, minor;
    uint16_t largest;
    uint8_t revision, formatted[5];
    char middle_anchor[5];
    uint8_t middle_checksum;
    uint16_t size;
    uint32_t table;
    uint16_t count;
    uint8_t bcd_revision;
} __attribute__((packed));
#define MIDDLE offsetof(struct entry_point, middle_anchor)

struct header {
    uint8_t type, length;
    uint16_t handle;
} __attribute__((packed));

/* Numbers of strings count from 1, in the order of the strings behind the structure. */
struct bios { /* 7.1 */
    struct header header;
    uint8_t vendor, version;
    uint16_t segment;
    uint8_t date, size; /* in 64 KiB, less 1 */
    uint64_t characteristics;
    uint8_t more_characteristics[2], major, minor, controller_major, controller_minor;
} __attribute__((packed));
struct system { /* 7.2 */
    struct header header;
    uint8_t manufacturer, product, version, serial, uuid[16], wake_up, sku, family;
} __attribute__((packed));
struct chassis { /* 7.4 */
    struct header header;
    uint8_t manufacturer, type, version, serial, asset, boot_state, power_state, thermal_state,
        security;
    uint32_t oem;
    uint8_t height, cords, elements, element_size;
} __attribute__((packed));
struct processor { /* 7.5 */
    struct header header;
    uint8_t socket, type, family, manufacturer;
    uint32_t signature, features;
    uint8_t version, voltage;
    uint16_t clock, max_speed, speed;
    uint8_t status, upgrade;
    uint16_t caches[3];
    uint8_t serial, asset, part;
} __attribute__((packed));
struct memory_array { /* 7.17 */
    struct header header;
    uint8_t location, use, correction;
    uint32_t capacity; /* KiB */
    uint16_t error, count;
} __attribute__((packed));
struct memory_device { /* 7.18 */
    struct header header;
    uint16_t array, error, total_width, width, size; /* MiB */
    uint8_t form, set, locator, bank, type;
    uint16_t detail, speed;
    uint8_t manufacturer, serial, asset, part;
} __attribute__((packed));
struct memory_address { /* 7.20 */
    struct header header;
    uint32_t start, end; /* KiB; the end is the last one */
    uint16_t array;
    uint8_t width;
} __attribute__((packed));
struct boot { /* 7.33 */
    struct header header;
    uint8_t reserved[6], status;
} __attribute__((packed));

_Static_assert(sizeof(struct entry_point) == 31, "5.2.1");
_Static_assert(sizeof(struct bios) == 0x18 && sizeof(struct system) == 0x1b, "7.1, 7.2");
_Static_assert(sizeof(struct chassis) == 0x15 && sizeof(struct processor) == 0x23, "7.4, 7.5");
_Static_assert(sizeof(struct memory_device) == 0x1b, "7.18");

#define UNKNOWN 2
#define OTHER 1
#define SAFE 3
#define NO_SECURITY 3
#define BIOS_PCI (1ull << 7)
#define BIOS_CD_BOOT (1ull << 15)
#define BIOS_SELECTABLE_BOOT (1ull << 16)
#define BIOS_ACPI 0x01
#define BIOS_VIRTUAL_MACHINE 0x10
#define WAKE_UP_POWER_SWITCH 6
#define CPU_CENTRAL 3
#define CPU_POPULATED_ENABLED 0x41
#define ARRAY_BOARD 3
#define ARRAY_SYSTEM_MEMORY 3
#define ARRAY_NO_CORRECTION 3
#define DEVICE_DIMM 9
#define DEVICE_RAM 7

struct writer {
    struct firmware_area *area;
    struct entry_point *entry;
};

/* Appends a structure and its strings, which end with an empty one. */
static void add(struct writer *writer, const void *structure, const char *strings)
{
    const struct header *header = structure;
    uint32_t size = 0;

    while (strings[size] != '\0')
        size += (uint32_t)strlen(strings + size) + 1;
    size = size == 0 ? 2 : size + 1;
    memcpy(firmware_take(writer->area, header->length, 1), structure, header->length);
    memcpy(firmware_take(writer->area, size, 1), strings, size);
    if (header->length + size > writer->entry->largest)
        writer->entry->largest = (uint16_t)(header->length + size);
    writer->entry->count++;
}

#define HEADER(number, structure, id)                                                              \
    {                                                                                              \
        .type = (number), .length = sizeof(struct structure), .handle = (uint16_t)(id)             \
    }
#define NO_STRINGS "\0"

static void add_system(const struct firmware_machine *machine, struct writer *writer)
{
    static const struct bios bios = {
        .header = HEADER(0, bios, 0x0000),
        .vendor = 1,
        .version = 2,
        .segment = 0xf000,
        .date = 3,
        .size = 1,
        .characteristics = BIOS_PCI | BIOS_CD_BOOT | BIOS_SELECTABLE_BOOT,
        .more_characteristics = {BIOS_ACPI, BIOS_VIRTUAL_MACHINE},
        .major = 1,
        .controller_major = 0xff,
        .controller_minor = 0xff,
    };
    static const struct chassis chassis = {
        .header = HEADER(3, chassis, 0x0300),
        .manufacturer = 1,
        .type = OTHER,
        .boot_state = SAFE,
        .power_state = SAFE,
        .thermal_state = SAFE,
        .security = NO_SECURITY,
    };
    struct system system = {
        .header = HEADER(1, system, 0x0100),
        .manufacturer = 1,
        .product = 2,
        .version = 3,
        .serial = 4,
        .wake_up = WAKE_UP_POWER_SWITCH,
    };

    memcpy(system.uuid, machine->uuid, sizeof(system.uuid));
    add(writer, &bios, "Veneer\0001.0\00001/01/2020\0");
    add(writer, &system, "Veneer\000440BX\0001.0\0000\0");
    add(writer, &chassis, "Veneer\0");
}

static void add_processors(const struct firmware_machine *machine, struct writer *writer)
{
    for (uint32_t i = 0; i < machine->vp_count; i++) {
        const struct processor processor = {
            .header = HEADER(4, processor, 0x0400 + i),
            .socket = 1,
            .type = CPU_CENTRAL,
            .family = OTHER,
            .manufacturer = 2,
            .signature = machine->cpu_signature,
            .features = machine->cpu_features,
            .status = CPU_POPULATED_ENABLED,
            .upgrade = OTHER,
            .caches = {HANDLE_NONE, HANDLE_NONE, HANDLE_NONE},
        };
        add(writer, &processor, "CPU\0Veneer\0");
    }
}

static uint32_t module_count(uint64_t size)
{
    uint64_t count = (size + MODULE_SIZE - 1) / MODULE_SIZE;

    return count < MODULES_MAX ? (uint32_t)count : MODULES_MAX;
}

static void add_range(struct writer *writer, uint32_t number, uint64_t start, uint64_t size)
{
    const struct memory_address range = {
        .header = HEADER(19, memory_address, 0x1300 + number),
        .start = (uint32_t)(start / 1024),
        .end = (uint32_t)((start + size) / 1024 - 1),
        .array = HANDLE_ARRAY,
        .width = 1,
    };

    if (size > 0)
        add(writer, &range, NO_STRINGS);
}

static void add_memory(const struct firmware_machine *machine, struct writer *writer)
{
    uint64_t left = machine->low_memory + machine->high_memory;
    uint32_t count = module_count(left);
    const struct memory_array array = {
        .header = HEADER(16, memory_array, HANDLE_ARRAY),
        .location = ARRAY_BOARD,
        .use = ARRAY_SYSTEM_MEMORY,
        .correction = ARRAY_NO_CORRECTION,
        .capacity = (uint32_t)(left / 1024),
        .error = HANDLE_NO_ERROR,
        .count = (uint16_t)count,
    };

    add(writer, &array, NO_STRINGS);
    for (uint32_t i = 0; i < count; i++, left -= MODULE_SIZE) {
        const struct memory_device module = {
            .header = HEADER(17, memory_device, 0x1100 + i),
            .array = HANDLE_ARRAY,
            .error = HANDLE_NO_ERROR,
            .total_width = 64,
            .width = 64,
            .size = (uint16_t)((left < MODULE_SIZE ? left : MODULE_SIZE) / MIB),
            .form = DEVICE_DIMM,
            .locator = 1,
            .type = DEVICE_RAM,
            .detail = 1 << UNKNOWN,
        };
        add(writer, &module, "DIMM\0");
    }
    add_range(writer, 0, 0, machine->low_memory);
    add_range(writer, 1, HIGH_START, machine->high_memory);
}

struct firmware_copy firmware_write_smbios(const struct firmware_machine *machine,
                                           struct firmware_area *area)
{
    static const struct boot boot = {.header = HEADER(32, boot, 0x2000)};
    static const struct header end = {127, sizeof(struct header), 0x7f00};
    struct entry_point *entry = firmware_take(area, sizeof(*entry), 16);
    uint8_t *table = firmware_take(area, 0, 16);
    struct writer writer = {area, entry};

    *entry = (struct entry_point){
        .length = sizeof(*entry),
        .major = 2,
        .minor = 4,
        .table = firmware_address(area, table),
        .bcd_revision = 0x24,
    };
    memcpy(entry->anchor, "_SM_", sizeof(entry->anchor));
    memcpy(entry->middle_anchor, "_DMI_", sizeof(entry->middle_anchor));
    add_system(machine, &writer);
    add_processors(machine, &writer);
    add_memory(machine, &writer);
    add(&writer, &boot, NO_STRINGS);
    add(&writer, &end, NO_STRINGS);
    entry->size = (uint16_t)(area->memory + area->used - table);
    entry->middle_checksum = acpi_checksum(entry->middle_anchor, sizeof(*entry) - MIDDLE);
    entry->checksum = acpi_checksum(entry, sizeof(*entry));
    return (struct firmware_copy){firmware_address(area, entry), sizeof(*entry)};
}
