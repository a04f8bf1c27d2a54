/* VHD structures from a hostile image, in part with right checksums: what is accepted lies in the
 * file, and nothing overlaps. */
#include "lib/big_endian.h"
#include "parent/vdisk/vhd.h"
#include "tests/fuzz/fuzz.h"
#include "tests/vhd_sign.h"

#define ENTRIES 16

/* Changes fields at positions that the input names. */
static void damage(struct fuzz_input *input, uint8_t *bytes, uint8_t changes)
{
    for (; changes > 0; changes--) {
        unsigned at = fuzz_byte(input) % 80;

        memcpy(bytes + at, (uint32_t[]){(uint32_t)fuzz_number(input, 4)}, 4);
    }
}

static void check_table(struct fuzz_input *input, const struct vhd_footer *footer,
                        const struct vhd_header *header, uint64_t file_size)
{
    uint64_t block = (uint64_t)vhd_bitmap_size(header->block_size) + header->block_size;
    uint32_t table[ENTRIES], scratch[ENTRIES];

    if (header->table_entries > ENTRIES)
        return;
    for (uint32_t i = 0; i < header->table_entries; i++)
        table[i] = (uint32_t)fuzz_number(input, 4);
    if (vhd_check_table(footer, header, file_size, table, header->table_entries, scratch) != VHD_OK)
        return;
    for (uint32_t i = 0; i < header->table_entries; i++) {
        uint64_t start = table[i] * 512ull;

        if (table[i] == VHD_NOT_ALLOCATED)
            continue;
        FUZZ_CHECK(start >= 512 && start + block <= file_size);
        for (uint32_t j = 0; j < i; j++)
            FUZZ_CHECK(table[j] == VHD_NOT_ALLOCATED || start + block <= table[j] * 512ull ||
                       table[j] * 512ull + block <= start);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct vhd_footer footer = {VHD_DYNAMIC, 512, 3ull << 20, 0, {0}};
    struct vhd_header header = {1536, ENTRIES, 1u << 20};
    uint8_t shape = fuzz_byte(&input), bytes[VHD_HEADER_SIZE];
    uint64_t file_size = fuzz_number(&input, 5) & ~511ull;

    vhd_build_footer(&footer, bytes);
    damage(&input, bytes, shape & 3);
    if ((shape & 0x80) == 0)
        vhd_sign(bytes, VHD_FOOTER_SIZE, 64);
    if (vhd_parse_footer(bytes, &footer) != VHD_OK)
        return 0;
    FUZZ_CHECK(footer.size > 0 && footer.size % 512 == 0 && footer.size <= VHD_DISK_SIZE_MAX);
    vhd_build_header(&header, bytes);
    damage(&input, bytes, shape >> 2 & 3);
    if ((shape & 0x40) == 0)
        vhd_sign(bytes, VHD_HEADER_SIZE, 36);
    if (vhd_parse_header(bytes, &footer, file_size, &header) != VHD_OK)
        return 0;
    FUZZ_CHECK((uint64_t)header.table_entries * header.block_size >= footer.size);
    FUZZ_CHECK(header.table_offset + header.table_entries * 4ull <= file_size);
    check_table(&input, &footer, &header, file_size);
    return 0;
}
