/* Multiboot kernels (Multiboot Specification 0.6.96): 32-bit ELF files, and files whose header says
 * where they go. The initrd is the only module. */
#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/user/system.h"
#include "worker/load.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"
#include "worker/memory_map.h"
#include "worker/start.h"

/* 3.1: the header is in the file's first bytes, at a multiple of 4. */
#define SEARCHED 8192u
#define HEADER_MAGIC 0x1badb002u
#define HEADER_ALIGN_MODULES 0x1u
#define HEADER_MEMORY 0x2u
#define HEADER_REQUIRED 0xffffu /* what a loader must know */
#define HEADER_ADDRESSES 0x10000u

struct header {
    uint32_t magic, flags, checksum;
    uint32_t header_address, load_address, load_end, bss_end, entry;
};

/* 3.2 and 3.3 */
#define BOOT_MAGIC 0x2badb002u
#define INFO_MEMORY (1u << 0)
#define INFO_COMMAND_LINE (1u << 2)
#define INFO_MODULES (1u << 3)
#define INFO_MAP (1u << 6)
#define INFO_LOADER_NAME (1u << 9)

struct information {
    uint32_t flags;
    uint32_t memory_lower, memory_upper; /* KiB */
    uint32_t boot_device;
    uint32_t command_line;
    uint32_t module_count, modules;
    uint32_t symbols[4];
    uint32_t map_length, map;
    uint32_t drives_length, drives;
    uint32_t config_table;
    uint32_t loader_name;
};

struct module {
    uint32_t start, end, words, reserved;
};

struct map_entry {
    uint32_t size; /* of what follows */
    uint64_t address, length;
    uint32_t type;
} __attribute__((packed));

_Static_assert(offsetof(struct information, loader_name) == 64, "Multiboot 3.3");
_Static_assert(sizeof(struct map_entry) == 24, "Multiboot 3.3");

/* All that the kernel is told, at START_INFORMATION. */
struct told {
    struct information information;
    struct module module;
    struct map_entry map[MEMORY_MAP_MAX];
    char loader_name[8];
    char command_line[SYSTEM_MAX_ARGUMENTS];
};

_Static_assert(sizeof(struct told) <= START_INFORMATION_SIZE, "it fits");

/* System V ABI, i386 supplement: ELF32. */
#define ELF_CLASS_32 1
#define ELF_MACHINE_386 3
#define SEGMENT_LOAD 1u

struct elf32_header {
    uint8_t magic[4], class, data, version, reserved[9];
    uint16_t type, machine;
    uint32_t elf_version, entry, segments, sections, flags;
    uint16_t header_size, segment_size, segment_count;
};

struct elf32_segment {
    uint32_t type, offset, virtual_address, physical_address, file_size, memory_size;
};

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10

/* Where in the file the header is; false: there is none. */
static bool find_header(const struct load_file *file, struct header *header, size_t *offset)
{
    const uint8_t *bytes = file->data;
    size_t end = file->size < SEARCHED ? file->size : SEARCHED;
    size_t shortest = offsetof(struct header, header_address);
    for (size_t at = 0; end >= shortest && at <= end - shortest; at += 4) {
        size_t length = file->size - at < sizeof(*header) ? shortest : sizeof(*header);
        memset(header, 0, sizeof(*header));
        memcpy(header, bytes + at, length);
        if (header->magic != HEADER_MAGIC || header->magic + header->flags + header->checksum != 0)
            continue;
        *offset = at;
        return !(header->flags & HEADER_ADDRESSES) || length == sizeof(*header);
    }
    return false;
}

static uint64_t load_by_header(const struct load_file *file, const struct header *header,
                               size_t header_offset)
{
    uint64_t before = (uint64_t)header->header_address - header->load_address;
    if (header->header_address < header->load_address || before > header_offset)
        machine_fail("the Multiboot kernel's header is not where it says");
    uint64_t offset = header_offset - before, size = file->size - offset;
    if (header->load_end != 0) {
        if (header->load_end < header->load_address)
            machine_fail("the Multiboot kernel ends before it begins");
        size = header->load_end - header->load_address;
    }
    uint64_t memory_size =
        header->bss_end > header->load_address ? header->bss_end - header->load_address : 0;
    return load_place(file, offset, size, header->load_address, memory_size);
}

static uint64_t load_elf32(const struct load_file *file, uint32_t *entry)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F'};
    struct elf32_header header;
    uint64_t end = 0;
    if (file->size < sizeof(header))
        machine_fail("the Multiboot kernel is cut off");
    memcpy(&header, file->data, sizeof(header));
    if (memcmp(header.magic, magic, sizeof(magic)) != 0 || header.class != ELF_CLASS_32 ||
        header.machine != ELF_MACHINE_386 || header.segment_size < sizeof(struct elf32_segment))
        machine_fail("the Multiboot kernel is no 32-bit ELF file, and does not say where it goes");
    for (uint32_t i = 0; i < header.segment_count; i++) {
        struct elf32_segment segment;
        uint64_t at = header.segments + (uint64_t)i * header.segment_size;
        if (at > file->size || sizeof(segment) > file->size - at)
            machine_fail("the Multiboot kernel is cut off");
        memcpy(&segment, (const uint8_t *)file->data + at, sizeof(segment));
        if (segment.type != SEGMENT_LOAD || segment.memory_size == 0)
            continue;
        uint64_t last = load_place(file, segment.offset, segment.file_size,
                                   segment.physical_address, segment.memory_size);
        end = last > end ? last : end;
    }
    *entry = header.entry;
    return end;
}

/* The initrd behind the kernel, on a page of its own. */
static void load_module(const struct load_file *initrd, uint64_t kernel_end, struct told *told)
{
    uint64_t address = (kernel_end + PAGE_SIZE - 1) & PAGE_MASK;
    if (initrd->size == 0)
        return;
    void *memory = guest_memory_ram(address, initrd->size);
    if (!memory || address + initrd->size > UINT32_MAX)
        machine_fail("the initrd of %lu MiB does not fit behind the kernel: give the child more "
                     "memory",
                     initrd->size >> 20);
    memcpy(memory, initrd->data, initrd->size);
    told->module =
        (struct module){.start = (uint32_t)address, .end = (uint32_t)(address + initrd->size)};
    told->information.flags |= INFO_MODULES;
    told->information.module_count = 1;
    told->information.modules = START_INFORMATION + offsetof(struct told, module);
}

static void tell(const struct load_request *request, struct told *told)
{
    struct memory_range ranges[MEMORY_MAP_MAX];
    struct information *information = &told->information;
    unsigned count = memory_map(ranges);
    for (unsigned i = 0; i < count; i++) {
        told->map[i] = (struct map_entry){.size = sizeof(told->map[i]) - sizeof(uint32_t),
                                          .address = ranges[i].address,
                                          .length = ranges[i].size,
                                          .type = ranges[i].type};
        if (ranges[i].type == MEMORY_RAM && ranges[i].address == START_KERNEL_LOWEST)
            information->memory_upper = (uint32_t)(ranges[i].size >> 10);
    }
    information->memory_lower = (uint32_t)(ranges[0].size >> 10);
    information->map = START_INFORMATION + offsetof(struct told, map);
    information->map_length = count * sizeof(told->map[0]);
    string_copy(told->loader_name, "Veneer", sizeof(told->loader_name));
    information->loader_name = START_INFORMATION + offsetof(struct told, loader_name);
    string_copy(told->command_line, request->command_line, sizeof(told->command_line));
    information->command_line = START_INFORMATION + offsetof(struct told, command_line);
    information->flags |= INFO_MEMORY | INFO_COMMAND_LINE | INFO_MAP | INFO_LOADER_NAME;
}

bool load_multiboot(const struct load_request *request)
{
    struct header header;
    size_t offset;
    if (!find_header(&request->kernel, &header, &offset))
        return false;
    if (header.flags & HEADER_REQUIRED & ~(HEADER_ALIGN_MODULES | HEADER_MEMORY))
        machine_fail("the Multiboot kernel wants what is not there, such as a video mode: flags %x",
                     header.flags);
    struct told *told = guest_memory_ram(START_INFORMATION, sizeof(*told));
    memset(told, 0, sizeof(*told));
    uint32_t entry = header.entry;
    uint64_t end = header.flags & HEADER_ADDRESSES
                       ? load_by_header(&request->kernel, &header, offset)
                       : load_elf32(&request->kernel, &entry);
    load_module(&request->initrd, end, told);
    tell(request, told);
    start_set(&(struct start_state){.mode = START_PROTECTED_MODE,
                                    .rip = entry,
                                    .rax = BOOT_MAGIC,
                                    .rbx = START_INFORMATION,
                                    .code = SELECTOR_CODE,
                                    .data = SELECTOR_DATA});
    return true;
}
