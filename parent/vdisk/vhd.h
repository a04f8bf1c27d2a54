/* The VHD format: what stands in a footer and in a dynamic disk's header, and where the blocks of a
 * dynamic disk are. Pure logic: no I/O, no memory of its own. Any context.
 *
 * Source: Microsoft, Virtual Hard Disk Image Format Specification 1.0 (October 2006). All numbers
 * are big-endian. */
#ifndef VENEER_PARENT_VDISK_VHD_H
#define VENEER_PARENT_VDISK_VHD_H

#include <stdbool.h>
#include <stdint.h>

#define VHD_SECTOR_SIZE 512
#define VHD_FOOTER_SIZE 512
#define VHD_HEADER_SIZE 1024
#define VHD_BLOCK_SIZE_DEFAULT (2u << 20)
#define VHD_BLOCK_SIZE_MAX (256u << 20)
#define VHD_DISK_SIZE_MAX (2040ull << 30) /* bytes; what the format's users agree on */
#define VHD_NOT_ALLOCATED 0xffffffffu     /* entry of a block allocation table */

enum vhd_type { VHD_FIXED = 2, VHD_DYNAMIC = 3, VHD_DIFFERENCING = 4 };

enum vhd_error {
    VHD_OK,
    VHD_NO_COOKIE,    /* no VHD at all */
    VHD_BAD_CHECKSUM, /* of the footer */
    VHD_BAD_VERSION,
    VHD_BAD_SIZE, /* of the disk: none, too large, no whole sectors */
    VHD_BAD_TYPE, /* none that is known */
    VHD_IS_DIFFERENCING,
    VHD_NO_HEADER,
    VHD_BAD_HEADER_CHECKSUM,
    VHD_BAD_OFFSET, /* a structure is not in the file, or overlaps another */
    VHD_BAD_BLOCK_SIZE,
    VHD_BAD_TABLE, /* too small for the disk */
    VHD_BAD_ENTRY, /* a block is not in the file, or overlaps something */
};

/* For people: "the checksum is wrong". */
const char *vhd_error_text(enum vhd_error error);

struct vhd_footer {
    enum vhd_type type;
    uint64_t header_offset; /* bytes; dynamic disks only */
    uint64_t size;          /* of the disk, bytes */
    uint32_t timestamp;     /* seconds since 2000-01-01 UTC */
    uint8_t identity[16];
};

struct vhd_header {
    uint64_t table_offset; /* bytes */
    uint32_t table_entries;
    uint32_t block_size; /* bytes of data, without bitmap */
};

/* Reads the footer at @bytes. Differencing disks give VHD_IS_DIFFERENCING. */
enum vhd_error vhd_parse_footer(const uint8_t bytes[VHD_FOOTER_SIZE], struct vhd_footer *footer);

void vhd_build_footer(const struct vhd_footer *footer, uint8_t bytes[VHD_FOOTER_SIZE]);

/* Reads the header at @bytes of a dynamic disk with @footer in a file of @file_size bytes; checks
 * that the header and the whole table lie behind the footer's copy, before the file's end, and do
 * not overlap. */
enum vhd_error vhd_parse_header(const uint8_t bytes[VHD_HEADER_SIZE],
                                const struct vhd_footer *footer, uint64_t file_size,
                                struct vhd_header *header);

void vhd_build_header(const struct vhd_header *header, uint8_t bytes[VHD_HEADER_SIZE]);

/* Bytes of the bitmap before each block: one bit per sector, whole sectors. */
uint32_t vhd_bitmap_size(uint32_t block_size);

/* Whether the bitmap says that sector number @sector of its block is there. */
static inline bool vhd_bitmap_get(const uint8_t *bitmap, uint32_t sector)
{
    return (bitmap[sector / 8] & 0x80u >> sector % 8) != 0;
}

/* Whether it says so of all sectors of its block. */
bool vhd_bitmap_is_full(const uint8_t *bitmap, uint32_t block_size);

/* Bytes of the table, whole sectors. */
uint64_t vhd_table_size(uint32_t entries);

/* Blocks of a disk of @size bytes. */
uint32_t vhd_block_count(uint64_t size, uint32_t block_size);

/* Checks that the block whose table entry is @entry (a sector of the file, not VHD_NOT_ALLOCATED)
 * is inside of @file_size bytes and overlaps neither the footer's copy, the header nor the table.
 */
enum vhd_error vhd_check_entry(const struct vhd_footer *footer, const struct vhd_header *header,
                               uint64_t file_size, uint32_t entry);

/* Checks the first @count entries of a table in the byte order of this machine, also that no two
 * blocks overlap. @scratch has room for as many entries; it is overwritten. */
enum vhd_error vhd_check_table(const struct vhd_footer *footer, const struct vhd_header *header,
                               uint64_t file_size, const uint32_t *table, uint32_t count,
                               uint32_t *scratch);

/* Bytes of a block in the file: bitmap and data. */
uint64_t vhd_block_bytes(uint32_t block_size);

/* Where, in bytes, the last of the blocks in the first @count entries ends; if there is none, where
 * the first one can be. */
uint64_t vhd_data_end(const struct vhd_footer *footer, const struct vhd_header *header,
                      const uint32_t *table, uint32_t count);

#endif
