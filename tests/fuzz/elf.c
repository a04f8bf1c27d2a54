/* Damaged ELF files: what is accepted must keep the promises of lib/elf.h. */
#include "lib/elf.h"

#include "tests/fuzz/fuzz.h"

#define PAGE_BYTES 4096ull

static void check_segment(const struct elf_segment *segment, size_t size)
{
    uint64_t last = segment->virtual_address + (segment->memory_size - 1);

    FUZZ_CHECK(segment->memory_size > 0 && segment->file_size <= segment->memory_size);
    FUZZ_CHECK(segment->file_size <= size && segment->file_offset <= size - segment->file_size);
    FUZZ_CHECK(last >= segment->virtual_address);
    FUZZ_CHECK(segment->virtual_address >> 47 == last >> 47);
    FUZZ_CHECK(last >> 47 == 0 || last >> 47 == 0x1ffff);
    FUZZ_CHECK(last < 0 - PAGE_BYTES);
    FUZZ_CHECK(!segment->writable || !segment->executable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_image image;
    bool entry_found = false;

    if (elf_parse(data, size, &image) != NULL)
        return 0;
    FUZZ_CHECK(image.segment_count >= 1 && image.segment_count <= ELF_MAX_SEGMENTS);
    for (unsigned i = 0; i < image.segment_count; i++) {
        const struct elf_segment *segment = &image.segments[i];
        uint64_t last = segment->virtual_address + (segment->memory_size - 1);

        check_segment(segment, size);
        if (i + 1 < image.segment_count)
            FUZZ_CHECK(last / PAGE_BYTES < image.segments[i + 1].virtual_address / PAGE_BYTES);
        entry_found |=
            segment->executable && image.entry >= segment->virtual_address && image.entry <= last;
    }
    FUZZ_CHECK(entry_found);
    return 0;
}
