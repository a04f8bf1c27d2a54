#include "hypervisor/boot/multiboot2.h"

#include <stdbool.h>

#include "lib/acpi.h"
#include "lib/string.h"

#define PAGE_BYTES 4096ull

/* Multiboot2 specification 2.0, 3.6: the block starts with its size and a reserved word, then come
 * tags at multiples of 8 bytes. Field offsets are from the start of the tag. */
#define BLOCK_HEADER_SIZE 8
#define TAG_ALIGNMENT 8

enum tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI64_SYSTEM_TABLE = 12,
    TAG_ACPI_OLD_RSDP = 14,
    TAG_ACPI_NEW_RSDP = 15,
    TAG_EFI_MEMORY_MAP = 17,
    TAG_LOAD_BASE = 21,
};

struct tag_header {
    uint32_t type, size;
};

struct tag_module {
    struct tag_header header;
    uint32_t start, end;
    /* Its command line follows. */
};

/* Both kinds of memory map begin so; entries of `entry_size` bytes follow. */
struct tag_memory_map {
    struct tag_header header;
    uint32_t entry_size, entry_version;
};

struct memory_map_entry {
    uint64_t base, size;
    uint32_t type, reserved;
};

/* UEFI specification 2.10, 7.2.3. */
struct efi_memory_descriptor {
    uint32_t type, padding;
    uint64_t physical_start, virtual_start, page_count, attributes;
};

struct tag_framebuffer {
    struct tag_header header;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits_per_pixel, type;
    uint16_t reserved;
    /* For direct colour only. */
    uint8_t red_position, red_bits, green_position, green_bits, blue_position, blue_bits;
} __attribute__((packed));

#define TAG_FRAMEBUFFER_COMMON_SIZE 32

_Static_assert(sizeof(struct tag_module) == 16, "Multiboot2 3.6.6");
_Static_assert(sizeof(struct tag_memory_map) == 16, "Multiboot2 3.6.8");
_Static_assert(sizeof(struct memory_map_entry) == 24, "Multiboot2 3.6.8");
_Static_assert(sizeof(struct efi_memory_descriptor) == 40, "UEFI 7.2.3");
_Static_assert(sizeof(struct tag_framebuffer) == 38, "Multiboot2 3.6.12, as GRUB writes it");
_Static_assert(offsetof(struct tag_framebuffer, red_position) == TAG_FRAMEBUFFER_COMMON_SIZE,
               "Multiboot2 3.6.12");
_Static_assert(sizeof(struct tag_framebuffer) == 38, "Multiboot2 3.6.12");

enum { MULTIBOOT_FRAMEBUFFER_RGB = 1, MULTIBOOT_FRAMEBUFFER_TEXT = 2 };

/* RSDP of ACPI 1.0, and of all later versions. */
#define RSDP_OLD_SIZE 20
#define RSDP_NEW_SIZE 36
#define RSDP_REVISION 15 /* offset of the byte */

/* One tag; @size bytes at @data, header included, lie inside the block. */
struct tag {
    const uint8_t *data;
    uint32_t type, size;
};

static const char bad_tag[] = "the boot loader's information has a tag that is too short";

/* Copies the first @size bytes of the tag; false if it is shorter. */
static bool read_tag(const struct tag *tag, void *copy, size_t size)
{
    if (tag->size < size)
        return false;
    memcpy(copy, tag->data, size);
    return true;
}

/* Copies the text at @offset of the tag, cut to fit; false if it does not end inside the tag. */
static bool read_text(const struct tag *tag, size_t offset, char *text, size_t size)
{
    for (size_t i = offset; i < tag->size; i++) {
        if (tag->data[i] == '\0') {
            string_copy(text, (const char *)tag->data + offset, size);
            return true;
        }
    }
    return false;
}

static const char *read_module(const struct tag *tag, struct loader_info *info)
{
    struct tag_module head;

    if (info->module_count == BOOT_INFO_MAX_MODULES)
        return "the boot loader loaded too many modules";

    struct loader_module *module = &info->modules[info->module_count];

    if (!read_tag(tag, &head, sizeof(head)) ||
        !read_text(tag, sizeof(head), module->command_line, sizeof(module->command_line)))
        return bad_tag;
    if (head.end <= head.start)
        return "a module is empty";
    module->base = head.start;
    module->size = head.end - head.start;
    info->module_count++;
    return NULL;
}

static uint32_t type_of_efi_memory(uint32_t type)
{
    switch (type) {
    case 1: /* EfiLoaderCode */
    case 2: /* EfiLoaderData */
    case 3: /* EfiBootServicesCode */
    case 4: /* EfiBootServicesData */
    case 7: /* EfiConventionalMemory */
        return BOOT_MEMORY_RAM;
    case 8: /* EfiUnusableMemory */
        return BOOT_MEMORY_BAD;
    case 9: /* EfiACPIReclaimMemory */
        return BOOT_MEMORY_ACPI_RECLAIM;
    case 10: /* EfiACPIMemoryNVS */
        return BOOT_MEMORY_ACPI_NVS;
    default: /* run-time services, devices, and what is not known */
        return BOOT_MEMORY_RESERVED;
    }
}

static bool add_entry(struct memory_map *map, const uint8_t *data)
{
    struct memory_map_entry entry;

    memcpy(&entry, data, sizeof(entry));
    return memory_map_add(map, entry.base, entry.size, entry.type);
}

static bool add_efi_descriptor(struct memory_map *map, const uint8_t *data)
{
    struct efi_memory_descriptor descriptor;
    uint64_t size;

    memcpy(&descriptor, data, sizeof(descriptor));
    if (__builtin_mul_overflow(descriptor.page_count, PAGE_BYTES, &size))
        size = UINT64_MAX;
    return memory_map_add(map, descriptor.physical_start, size,
                          type_of_efi_memory(descriptor.type));
}

/* Adds the entries of a memory map, each at least @entry_size bytes long, by @add. */
static const char *read_memory_map(const struct tag *tag, size_t entry_size,
                                   bool (*add)(struct memory_map *map, const uint8_t *data),
                                   struct memory_map *map)
{
    struct tag_memory_map head;

    if (!read_tag(tag, &head, sizeof(head)))
        return bad_tag;
    if (head.entry_size < entry_size)
        return "the memory map has entries of an unknown size";
    for (size_t offset = sizeof(head); tag->size - offset >= head.entry_size;
         offset += head.entry_size) {
        if (!add(map, tag->data + offset))
            return "the memory map has too many ranges";
    }
    return NULL;
}

static bool colour_fits(unsigned position, unsigned bits, unsigned pixel_bits)
{
    return bits > 0 && position + bits <= pixel_bits;
}

/* Takes over the framebuffer if it is of a kind that can be drawn on. */
static const char *read_framebuffer(const struct tag *tag, struct boot_framebuffer *framebuffer)
{
    struct tag_framebuffer head = {0};
    uint64_t end;

    if (!read_tag(tag, &head, TAG_FRAMEBUFFER_COMMON_SIZE))
        return bad_tag;
    if (head.type == MULTIBOOT_FRAMEBUFFER_RGB && !read_tag(tag, &head, sizeof(head)))
        return bad_tag;

    bool text = head.type == MULTIBOOT_FRAMEBUFFER_TEXT;
    unsigned cell_bytes = text ? 2 : (head.bits_per_pixel + 7u) / 8;
    unsigned cell_bits = cell_bytes * 8;

    *framebuffer = (struct boot_framebuffer){.type = BOOT_FRAMEBUFFER_NONE};
    if (head.address == 0 || head.width == 0 || head.height == 0 ||
        (uint64_t)head.width * cell_bytes > head.pitch ||
        __builtin_add_overflow(head.address, (uint64_t)head.pitch * head.height, &end))
        return NULL;
    if (!text && (head.type != MULTIBOOT_FRAMEBUFFER_RGB || cell_bytes < 2 || cell_bytes > 4 ||
                  !colour_fits(head.red_position, head.red_bits, cell_bits) ||
                  !colour_fits(head.green_position, head.green_bits, cell_bits) ||
                  !colour_fits(head.blue_position, head.blue_bits, cell_bits)))
        return NULL;
    *framebuffer = (struct boot_framebuffer){
        .address = head.address,
        .pitch = head.pitch,
        .width = head.width,
        .height = head.height,
        .bits_per_pixel = head.bits_per_pixel,
        .type = text ? BOOT_FRAMEBUFFER_TEXT : BOOT_FRAMEBUFFER_RGB,
        .red_shift = head.red_position,
        .red_bits = head.red_bits,
        .green_shift = head.green_position,
        .green_bits = head.green_bits,
        .blue_shift = head.blue_position,
        .blue_bits = head.blue_bits,
    };
    return NULL;
}

/* Keeps the RSDP of @size bytes in the tag if it is valid and not older than the one that we have.
 */
static const char *read_rsdp(const struct tag *tag, size_t size, uint8_t rsdp[RSDP_NEW_SIZE])
{
    const uint8_t *offered = tag->data + sizeof(struct tag_header);

    if (tag->size < sizeof(struct tag_header) + size)
        return bad_tag;
    if (acpi_rsdp_valid(offered, size) && offered[RSDP_REVISION] >= rsdp[RSDP_REVISION]) {
        memset(rsdp, 0, RSDP_NEW_SIZE);
        memcpy(rsdp, offered, size);
    }
    return NULL;
}

/* Reads an address of @size bytes that follows the header. */
static const char *read_address(const struct tag *tag, size_t size, uint64_t *address)
{
    if (tag->size < sizeof(struct tag_header) + size)
        return bad_tag;
    *address = 0;
    memcpy(address, tag->data + sizeof(struct tag_header), size);
    return NULL;
}

static const char *read_one(const struct tag *tag, struct loader_info *info)
{
    switch (tag->type) {
    case TAG_COMMAND_LINE:
        return read_text(tag, sizeof(struct tag_header), info->command_line,
                         sizeof(info->command_line))
                   ? NULL
                   : bad_tag;
    case TAG_MODULE:
        return read_module(tag, info);
    case TAG_FRAMEBUFFER:
        return read_framebuffer(tag, &info->framebuffer);
    case TAG_EFI64_SYSTEM_TABLE:
        return read_address(tag, sizeof(uint64_t), &info->efi_system_table);
    case TAG_ACPI_OLD_RSDP:
        return read_rsdp(tag, RSDP_OLD_SIZE, info->rsdp);
    case TAG_ACPI_NEW_RSDP:
        return read_rsdp(tag, RSDP_NEW_SIZE, info->rsdp);
    case TAG_LOAD_BASE:
        return read_address(tag, sizeof(uint32_t), &info->load_base);
    default:
        return NULL;
    }
}

/* The memory map is read last: only then is it known which one there is. */
struct memory_map_tags {
    struct tag plain, efi; /* data is NULL if there is none */
};

static const char *read_tags(const uint8_t *block, uint32_t size, struct loader_info *info,
                             struct memory_map_tags *maps)
{
    uint64_t offset = BLOCK_HEADER_SIZE;

    while (offset <= size && size - offset >= sizeof(struct tag_header)) {
        struct tag_header header;

        memcpy(&header, block + offset, sizeof(header));
        if (header.size < sizeof(header) || header.size > size - offset)
            return "the boot loader's information has a tag of a bad size";
        if (header.type == TAG_END)
            return NULL;

        struct tag tag = {block + offset, header.type, header.size};
        const char *error = read_one(&tag, info);

        if (error != NULL)
            return error;
        if (tag.type == TAG_MEMORY_MAP)
            maps->plain = tag;
        if (tag.type == TAG_EFI_MEMORY_MAP)
            maps->efi = tag;
        offset += ((uint64_t)header.size + TAG_ALIGNMENT - 1) & ~(uint64_t)(TAG_ALIGNMENT - 1);
    }
    return "the boot loader's information has no end";
}

static const char *check_module(const struct loader_info *info, unsigned index)
{
    const struct loader_module *module = &info->modules[index];
    const struct boot_memory_range *range = memory_map_find(&info->memory, module->base);
    uint64_t pages_size = (module->size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

    if (module->base % PAGE_BYTES != 0)
        return "a module does not start on a page boundary";
    if (range == NULL || range->type != BOOT_MEMORY_RAM ||
        pages_size > range->base + range->size - module->base)
        return "a module does not lie in RAM";
    for (unsigned i = 0; i < index; i++) {
        const struct loader_module *other = &info->modules[i];

        if (module->base < other->base + other->size && other->base < module->base + module->size)
            return "two modules overlap";
    }
    return NULL;
}

const char *multiboot2_parse(const void *block, uint64_t available, struct loader_info *info)
{
    struct memory_map_tags maps = {0};
    uint32_t size;

    memset(info, 0, sizeof(*info));
    if (available < BLOCK_HEADER_SIZE)
        return "the boot loader's information is out of reach";
    memcpy(&size, block, sizeof(size));
    if (size > available)
        return "the boot loader's information is out of reach";

    const char *error = read_tags(block, size, info, &maps);

    if (error != NULL)
        return error;
    if (maps.efi.data != NULL)
        error = read_memory_map(&maps.efi, sizeof(struct efi_memory_descriptor), add_efi_descriptor,
                                &info->memory);
    else if (maps.plain.data != NULL)
        error =
            read_memory_map(&maps.plain, sizeof(struct memory_map_entry), add_entry, &info->memory);
    else
        error = "the boot loader gave no memory map";
    for (unsigned i = 0; error == NULL && i < info->module_count; i++)
        error = check_module(info, i);
    return error;
}
