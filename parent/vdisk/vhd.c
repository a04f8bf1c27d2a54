#include "parent/vdisk/vhd.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/big_endian.h"
#include "lib/string.h"

/* Offsets in the footer. */
#define FOOTER_FEATURES 8
#define FOOTER_VERSION 12
#define FOOTER_HEADER_OFFSET 16
#define FOOTER_TIMESTAMP 24
#define FOOTER_CREATOR 28
#define FOOTER_CREATOR_VERSION 32
#define FOOTER_CREATOR_HOST 36
#define FOOTER_ORIGINAL_SIZE 40
#define FOOTER_CURRENT_SIZE 48
#define FOOTER_GEOMETRY 56
#define FOOTER_TYPE 60
#define FOOTER_CHECKSUM 64
#define FOOTER_IDENTITY 68

/* Offsets in the header of a dynamic disk. */
#define HEADER_NEXT_OFFSET 8
#define HEADER_TABLE_OFFSET 16
#define HEADER_VERSION 24
#define HEADER_TABLE_ENTRIES 28
#define HEADER_BLOCK_SIZE 32
#define HEADER_CHECKSUM 36

#define FEATURE_RESERVED 2 /* always set */
#define VERSION 0x00010000
#define NO_OFFSET UINT64_MAX

/* "win " of "Wi2k": programs that know the format take a disk's size from the size field if these
 * are the creator, and compute it from the geometry otherwise, which is not exact. */
static const char footer_cookie[] = "conectix", header_cookie[] = "cxsparse";
static const char creator[] = "win ", creator_host[] = "Wi2k";

const char *vhd_error_text(enum vhd_error error)
{
    static const char *const texts[] = {
        [VHD_OK] = "no error",
        [VHD_NO_COOKIE] = "there is no VHD footer",
        [VHD_BAD_CHECKSUM] = "the footer's checksum is wrong",
        [VHD_BAD_VERSION] = "its version of the format is not known",
        [VHD_BAD_SIZE] = "the size of the disk cannot be right",
        [VHD_BAD_TYPE] = "its type of disk is not known",
        [VHD_IS_DIFFERENCING] =
            "a differencing disk cannot be used yet: merge it with the disk it is based on",
        [VHD_NO_HEADER] = "the header of a dynamic disk is missing",
        [VHD_BAD_HEADER_CHECKSUM] = "the header's checksum is wrong",
        [VHD_BAD_OFFSET] = "a structure lies outside of the file or on another one",
        [VHD_BAD_BLOCK_SIZE] = "the block size cannot be right",
        [VHD_BAD_TABLE] = "the block table does not fit the size of the disk",
        [VHD_BAD_ENTRY] = "a block lies outside of the file or on another one",
    };

    return texts[error];
}

/* The complement of the sum of all bytes but those of the checksum. */
static uint32_t checksum(const uint8_t *bytes, size_t size, size_t checksum_offset)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < size; i++)
        if (i < checksum_offset || i >= checksum_offset + 4)
            sum += bytes[i];
    return ~sum;
}

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

enum vhd_error vhd_parse_footer(const uint8_t bytes[VHD_FOOTER_SIZE], struct vhd_footer *footer)
{
    uint32_t type = load_be32(bytes + FOOTER_TYPE);

    if (memcmp(bytes, footer_cookie, 8) != 0)
        return VHD_NO_COOKIE;
    if (load_be32(bytes + FOOTER_CHECKSUM) != checksum(bytes, VHD_FOOTER_SIZE, FOOTER_CHECKSUM))
        return VHD_BAD_CHECKSUM;
    /* A change of the minor half does not concern readers. */
    if (load_be32(bytes + FOOTER_VERSION) >> 16 != VERSION >> 16)
        return VHD_BAD_VERSION;
    if (type == VHD_DIFFERENCING)
        return VHD_IS_DIFFERENCING;
    if (type != VHD_FIXED && type != VHD_DYNAMIC)
        return VHD_BAD_TYPE;

    uint64_t size = load_be64(bytes + FOOTER_CURRENT_SIZE);

    if (size == 0 || size % VHD_SECTOR_SIZE != 0 || size > VHD_DISK_SIZE_MAX)
        return VHD_BAD_SIZE;
    footer->type = (enum vhd_type)type;
    footer->header_offset = type == VHD_DYNAMIC ? load_be64(bytes + FOOTER_HEADER_OFFSET) : 0;
    footer->size = size;
    footer->timestamp = load_be32(bytes + FOOTER_TIMESTAMP);
    memcpy(footer->identity, bytes + FOOTER_IDENTITY, sizeof(footer->identity));
    return VHD_OK;
}

/* Cylinders, heads and sectors per track as the specification's appendix computes them. */
static void store_geometry(uint8_t *bytes, uint64_t size)
{
    uint64_t sectors = size / VHD_SECTOR_SIZE;
    uint64_t maximum = 65535ull * 16 * 255;
    uint32_t per_track = 17, heads, tracks;

    if (sectors > maximum)
        sectors = maximum;
    if (sectors >= 65535ull * 16 * 63) {
        per_track = 255;
        heads = 16;
        tracks = (uint32_t)(sectors / per_track);
    } else {
        tracks = (uint32_t)(sectors / per_track);
        heads = (tracks + 1023) / 1024;
        if (heads < 4)
            heads = 4;
        if (tracks >= heads * 1024 || heads > 16) {
            per_track = 31;
            heads = 16;
            tracks = (uint32_t)(sectors / per_track);
        }
        if (tracks >= heads * 1024) {
            per_track = 63;
            heads = 16;
            tracks = (uint32_t)(sectors / per_track);
        }
    }
    store_be16(bytes, (uint16_t)(tracks / heads));
    bytes[2] = (uint8_t)heads;
    bytes[3] = (uint8_t)per_track;
}

void vhd_build_footer(const struct vhd_footer *footer, uint8_t bytes[VHD_FOOTER_SIZE])
{
    memset(bytes, 0, VHD_FOOTER_SIZE);
    memcpy(bytes, footer_cookie, 8);
    store_be32(bytes + FOOTER_FEATURES, FEATURE_RESERVED);
    store_be32(bytes + FOOTER_VERSION, VERSION);
    store_be64(bytes + FOOTER_HEADER_OFFSET,
               footer->type == VHD_FIXED ? NO_OFFSET : footer->header_offset);
    store_be32(bytes + FOOTER_TIMESTAMP, footer->timestamp);
    memcpy(bytes + FOOTER_CREATOR, creator, 4);
    store_be32(bytes + FOOTER_CREATOR_VERSION, VERSION);
    memcpy(bytes + FOOTER_CREATOR_HOST, creator_host, 4);
    store_be64(bytes + FOOTER_ORIGINAL_SIZE, footer->size);
    store_be64(bytes + FOOTER_CURRENT_SIZE, footer->size);
    store_geometry(bytes + FOOTER_GEOMETRY, footer->size);
    store_be32(bytes + FOOTER_TYPE, footer->type);
    memcpy(bytes + FOOTER_IDENTITY, footer->identity, sizeof(footer->identity));
    store_be32(bytes + FOOTER_CHECKSUM, checksum(bytes, VHD_FOOTER_SIZE, FOOTER_CHECKSUM));
}

/* Whether @size bytes from @offset are behind the footer's copy and inside of the file. */
static bool is_inside(uint64_t offset, uint64_t size, uint64_t file_size)
{
    return offset >= VHD_FOOTER_SIZE && size <= file_size && offset <= file_size - size;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

uint32_t vhd_bitmap_size(uint32_t block_size)
{
    return (uint32_t)round_up(block_size / VHD_SECTOR_SIZE / 8, VHD_SECTOR_SIZE);
}

bool vhd_bitmap_is_full(const uint8_t *bitmap, uint32_t block_size)
{
    for (uint32_t i = 0; i < block_size / VHD_SECTOR_SIZE / 8; i++)
        if (bitmap[i] != 0xff)
            return false;
    return true;
}

uint64_t vhd_block_bytes(uint32_t block_size)
{
    return (uint64_t)vhd_bitmap_size(block_size) + block_size;
}

uint64_t vhd_table_size(uint32_t entries)
{
    return round_up((uint64_t)entries * 4, VHD_SECTOR_SIZE);
}

uint32_t vhd_block_count(uint64_t size, uint32_t block_size)
{
    return (uint32_t)((size + block_size - 1) / block_size);
}

enum vhd_error vhd_parse_header(const uint8_t bytes[VHD_HEADER_SIZE],
                                const struct vhd_footer *footer, uint64_t file_size,
                                struct vhd_header *header)
{
    if (memcmp(bytes, header_cookie, 8) != 0)
        return VHD_NO_HEADER;
    if (load_be32(bytes + HEADER_CHECKSUM) != checksum(bytes, VHD_HEADER_SIZE, HEADER_CHECKSUM))
        return VHD_BAD_HEADER_CHECKSUM;
    if (load_be32(bytes + HEADER_VERSION) >> 16 != VERSION >> 16)
        return VHD_BAD_VERSION;

    uint32_t block_size = load_be32(bytes + HEADER_BLOCK_SIZE);

    /* The specification: a power of two of sectors. Eight, so that bitmaps have whole bytes. */
    if (block_size < 8 * VHD_SECTOR_SIZE || block_size > VHD_BLOCK_SIZE_MAX ||
        (block_size & (block_size - 1)) != 0)
        return VHD_BAD_BLOCK_SIZE;
    header->block_size = block_size;
    header->table_offset = load_be64(bytes + HEADER_TABLE_OFFSET);
    header->table_entries = load_be32(bytes + HEADER_TABLE_ENTRIES);
    if (header->table_entries < vhd_block_count(footer->size, block_size))
        return VHD_BAD_TABLE;

    uint64_t table_size = vhd_table_size(header->table_entries);

    if (footer->header_offset % VHD_SECTOR_SIZE != 0 ||
        header->table_offset % VHD_SECTOR_SIZE != 0 ||
        !is_inside(footer->header_offset, VHD_HEADER_SIZE, file_size) ||
        !is_inside(header->table_offset, table_size, file_size) ||
        overlap(footer->header_offset, VHD_HEADER_SIZE, header->table_offset, table_size))
        return VHD_BAD_OFFSET;
    return VHD_OK;
}

void vhd_build_header(const struct vhd_header *header, uint8_t bytes[VHD_HEADER_SIZE])
{
    memset(bytes, 0, VHD_HEADER_SIZE);
    memcpy(bytes, header_cookie, 8);
    store_be64(bytes + HEADER_NEXT_OFFSET, NO_OFFSET);
    store_be64(bytes + HEADER_TABLE_OFFSET, header->table_offset);
    store_be32(bytes + HEADER_VERSION, VERSION);
    store_be32(bytes + HEADER_TABLE_ENTRIES, header->table_entries);
    store_be32(bytes + HEADER_BLOCK_SIZE, header->block_size);
    store_be32(bytes + HEADER_CHECKSUM, checksum(bytes, VHD_HEADER_SIZE, HEADER_CHECKSUM));
}

enum vhd_error vhd_check_entry(const struct vhd_footer *footer, const struct vhd_header *header,
                               uint64_t file_size, uint32_t entry)
{
    uint64_t offset = (uint64_t)entry * VHD_SECTOR_SIZE;
    uint64_t size = vhd_block_bytes(header->block_size);

    if (!is_inside(offset, size, file_size) ||
        overlap(offset, size, footer->header_offset, VHD_HEADER_SIZE) ||
        overlap(offset, size, header->table_offset, vhd_table_size(header->table_entries)))
        return VHD_BAD_ENTRY;
    return VHD_OK;
}

/* Heap sort: no recursion and no bad cases, whatever the image's maker wishes. */
static void sift_down(uint32_t *values, uint32_t root, uint32_t count)
{
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        uint32_t value = values[root];

        if (child + 1 < count && values[child + 1] > values[child])
            child++;
        if (value >= values[child])
            return;
        values[root] = values[child];
        values[child] = value;
    }
}

static void sort(uint32_t *values, uint32_t count)
{
    for (uint32_t i = count / 2; i > 0; i--)
        sift_down(values, i - 1, count);
    for (uint32_t i = count; i > 1; i--) {
        uint32_t largest = values[0];

        values[0] = values[i - 1];
        values[i - 1] = largest;
        sift_down(values, 0, i - 1);
    }
}

enum vhd_error vhd_check_table(const struct vhd_footer *footer, const struct vhd_header *header,
                               uint64_t file_size, const uint32_t *table, uint32_t count,
                               uint32_t *scratch)
{
    uint32_t sectors = (uint32_t)(vhd_block_bytes(header->block_size) / VHD_SECTOR_SIZE);
    uint32_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (table[i] == VHD_NOT_ALLOCATED)
            continue;
        if (vhd_check_entry(footer, header, file_size, table[i]) != VHD_OK)
            return VHD_BAD_ENTRY;
        scratch[used++] = table[i];
    }
    sort(scratch, used);
    for (uint32_t i = 1; i < used; i++)
        if (scratch[i] - scratch[i - 1] < sectors)
            return VHD_BAD_ENTRY;
    return VHD_OK;
}

uint64_t vhd_data_end(const struct vhd_footer *footer, const struct vhd_header *header,
                      const uint32_t *table, uint32_t count)
{
    uint64_t table_end = header->table_offset + vhd_table_size(header->table_entries);
    uint64_t end = footer->header_offset + VHD_HEADER_SIZE;

    if (table_end > end)
        end = table_end;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t block_end =
            (uint64_t)table[i] * VHD_SECTOR_SIZE + vhd_block_bytes(header->block_size);

        if (table[i] != VHD_NOT_ALLOCATED && block_end > end)
            end = block_end;
    }
    return end;
}
