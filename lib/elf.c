#include "lib/elf.h"

#include "lib/string.h"

/* System V ABI, chapter 4 (file header) and chapter 5 (program header), 64-bit class. */
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_entry_size, program_count;
    uint16_t section_entry_size, section_count, section_names;
};

struct elf_program {
    uint32_t type, flags;
    uint64_t offset, virtual_address, physical_address, file_size, memory_size, alignment;
};

_Static_assert(sizeof(struct elf_header) == 64, "ELF64 layout");
_Static_assert(sizeof(struct elf_program) == 56, "ELF64 layout");

#define ELF_CLASS 4
#define ELF_CLASS_64 2
#define ELF_DATA 5
#define ELF_DATA_LITTLE_ENDIAN 1
#define ELF_VERSION_CURRENT 1
#define ELF_TYPE_EXECUTABLE 2
#define ELF_MACHINE_X86_64 62

#define ELF_PROGRAM_LOAD 1
#define ELF_PROGRAM_DYNAMIC 2
#define ELF_PROGRAM_INTERPRETER 3

#define ELF_FLAG_EXECUTE (1u << 0)
#define ELF_FLAG_WRITE (1u << 1)

#define PAGE_BYTES 4096ull

/* Ends of the canonical address halves with 48-bit addresses. */
#define LOWER_HALF_END 0x0000800000000000ull
#define UPPER_HALF_START 0xffff800000000000ull

static const char *check_header(const struct elf_header *header, size_t size)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};

    if (memcmp(header->ident, magic, sizeof(magic)) != 0)
        return "the file is not an ELF file";
    if (header->ident[ELF_CLASS] != ELF_CLASS_64 ||
        header->ident[ELF_DATA] != ELF_DATA_LITTLE_ENDIAN ||
        header->machine != ELF_MACHINE_X86_64 || header->version != ELF_VERSION_CURRENT)
        return "the ELF file is not for x86-64";
    if (header->type != ELF_TYPE_EXECUTABLE)
        return "the ELF file is not an executable with fixed addresses";
    if (header->program_entry_size != sizeof(struct elf_program))
        return "the ELF file has program headers of an unknown size";

    uint64_t table_size = (uint64_t)header->program_count * sizeof(struct elf_program);

    if (header->program_offset > size || table_size > size - header->program_offset)
        return "the ELF file ends before its program headers do";
    return NULL;
}

/* Whether [@start, @start + @size), @size > 0, lies in one canonical half. The last page of all is
 * refused, so that the end can be rounded up to a page. */
static bool range_is_canonical(uint64_t start, uint64_t size)
{
    uint64_t end;

    if (__builtin_add_overflow(start, size, &end) || end > 0 - PAGE_BYTES)
        return false;
    return end <= LOWER_HALF_END || start >= UPPER_HALF_START;
}

static uint64_t page_end(const struct elf_segment *segment)
{
    uint64_t end = segment->virtual_address + segment->memory_size;

    return (end + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static const char *add_segment(const struct elf_program *program, size_t size,
                               struct elf_image *image)
{
    if (program->file_size > program->memory_size)
        return "an ELF segment is larger in the file than in memory";
    if (program->offset > size || program->file_size > size - program->offset)
        return "the ELF file ends before its segments do";
    if (program->memory_size == 0)
        return NULL;
    if (!range_is_canonical(program->virtual_address, program->memory_size))
        return "an ELF segment has addresses that no program can have";
    if ((program->flags & ELF_FLAG_WRITE) && (program->flags & ELF_FLAG_EXECUTE))
        return "an ELF segment is both writable and executable";
    if (image->segment_count == ELF_MAX_SEGMENTS)
        return "the ELF file has too many segments";
    if (image->segment_count > 0 &&
        program->virtual_address < page_end(&image->segments[image->segment_count - 1]))
        return "the ELF segments overlap, share a page or are out of order";

    image->segments[image->segment_count++] = (struct elf_segment){
        .virtual_address = program->virtual_address,
        .file_offset = program->offset,
        .file_size = program->file_size,
        .memory_size = program->memory_size,
        .writable = (program->flags & ELF_FLAG_WRITE) != 0,
        .executable = (program->flags & ELF_FLAG_EXECUTE) != 0,
    };
    return NULL;
}

static bool entry_is_executable(const struct elf_image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];

        if (segment->executable && image->entry >= segment->virtual_address &&
            image->entry - segment->virtual_address < segment->memory_size)
            return true;
    }
    return false;
}

const char *elf_parse(const void *file, size_t size, struct elf_image *image)
{
    struct elf_header header;

    if (size < sizeof(header))
        return "the file is too short for an ELF file";
    memcpy(&header, file, sizeof(header));

    const char *error = check_header(&header, size);

    if (error != NULL)
        return error;

    image->entry = header.entry;
    image->segment_count = 0;
    for (unsigned i = 0; i < header.program_count; i++) {
        struct elf_program program;

        memcpy(&program,
               (const uint8_t *)file + header.program_offset + i * sizeof(struct elf_program),
               sizeof(program));
        if (program.type == ELF_PROGRAM_INTERPRETER || program.type == ELF_PROGRAM_DYNAMIC)
            return "the ELF file is linked dynamically";
        if (program.type == ELF_PROGRAM_LOAD)
            error = add_segment(&program, size, image);
        if (error != NULL)
            return error;
    }
    if (image->segment_count == 0)
        return "the ELF file has no segments";
    if (!entry_is_executable(image))
        return "the ELF file's entry point is not in an executable segment";
    return NULL;
}
