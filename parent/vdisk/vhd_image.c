#include "parent/vdisk/vhd_image.h"

#include "lib/big_endian.h"
#include "lib/string.h"
#include "parent/include/memory.h"

/* 2 TiB of the usual blocks: bounds the memory that an image can ask for. */
#define BLOCKS_MAX (1u << 20)

static enum vhd_error read_footer_at(struct image_file *file, uint64_t offset,
                                     struct vhd_footer *footer, enum vdisk_status *status)
{
    uint8_t bytes[VHD_FOOTER_SIZE];
    *status = image_file_read(file, offset, bytes, sizeof(bytes));
    return *status == VDISK_OK ? vhd_parse_footer(bytes, footer) : VHD_NO_COOKIE;
}

/* The footer at the end, or if that is none or a damaged one, the copy at the start of a dynamic
 * disk. */
static const char *read_footer(struct image_file *file, struct vhd_image *image)
{
    enum vdisk_status status = VDISK_OK;
    enum vhd_error error = VHD_NO_COOKIE;
    if (file->size < VHD_FOOTER_SIZE)
        return vhd_error_text(VHD_NO_COOKIE);
    if (file->size % VHD_SECTOR_SIZE == 0)
        error = read_footer_at(file, file->size - VHD_FOOTER_SIZE, &image->footer, &status);
    if (status == VDISK_OK && error == VHD_OK)
        return NULL;
    if (error != VHD_NO_COOKIE && error != VHD_BAD_CHECKSUM)
        return vhd_error_text(error);
    enum vhd_error copy_error = read_footer_at(file, 0, &image->footer, &status);
    if (status != VDISK_OK)
        return vdisk_status_text(status);
    if (copy_error == VHD_IS_DIFFERENCING)
        return vhd_error_text(copy_error);
    if (copy_error != VHD_OK || image->footer.type != VHD_DYNAMIC)
        return vhd_error_text(error);
    image->footer_damaged = true;
    return NULL;
}

static const char *read_header(struct image_file *file, struct vhd_image *image)
{
    uint8_t bytes[VHD_HEADER_SIZE];
    uint64_t offset = image->footer.header_offset;
    if (file->size < VHD_HEADER_SIZE || offset > file->size - VHD_HEADER_SIZE)
        return vhd_error_text(VHD_BAD_OFFSET);
    enum vdisk_status status = image_file_read(file, offset, bytes, sizeof(bytes));
    if (status != VDISK_OK)
        return vdisk_status_text(status);
    image->data_limit = file->size / VHD_SECTOR_SIZE * VHD_SECTOR_SIZE;
    if (!image->footer_damaged)
        image->data_limit -= VHD_FOOTER_SIZE;
    enum vhd_error error =
        vhd_parse_header(bytes, &image->footer, image->data_limit, &image->header);
    return error == VHD_OK ? NULL : vhd_error_text(error);
}

static const char *check_table(struct vhd_image *image)
{
    uint32_t *scratch = heap_allocate(image->block_count * sizeof(*scratch));
    if (!scratch)
        return vdisk_status_text(VDISK_ERROR_MEMORY);
    enum vhd_error error = vhd_check_table(&image->footer, &image->header, image->data_limit,
                                           image->table, image->block_count, scratch);
    heap_free(scratch);
    return error == VHD_OK ? NULL : vhd_error_text(error);
}

static const char *read_table(struct image_file *file, struct vhd_image *image)
{
    image->block_count = vhd_block_count(image->footer.size, image->header.block_size);
    if (image->block_count > BLOCKS_MAX)
        return "its blocks are too small for its size";
    size_t size = image->block_count * sizeof(image->table[0]);
    image->table = heap_allocate(size);
    if (!image->table)
        return vdisk_status_text(VDISK_ERROR_MEMORY);
    enum vdisk_status status =
        image_file_read(file, image->header.table_offset, image->table, size);
    if (status != VDISK_OK)
        return vdisk_status_text(status);
    for (uint32_t i = 0; i < image->block_count; i++) {
        image->table[i] = load_be32((const uint8_t *)&image->table[i]);
        image->allocated += image->table[i] != VHD_NOT_ALLOCATED;
    }
    return check_table(image);
}

const char *vhd_image_read(struct image_file *file, struct vhd_image *image)
{
    *image = (struct vhd_image){0};
    const char *error = read_footer(file, image);
    if (!error && image->footer.type == VHD_FIXED)
        return image->footer.size > file->size - VHD_FOOTER_SIZE
                   ? "the file is shorter than the disk that its footer describes"
                   : NULL;
    if (!error)
        error = read_header(file, image);
    if (!error)
        error = read_table(file, image);
    if (error) {
        vhd_image_free(image);
        return error;
    }
    image->data_end =
        vhd_data_end(&image->footer, &image->header, image->table, image->block_count);
    return NULL;
}

void vhd_image_free(struct vhd_image *image)
{
    heap_free(image->table);
    image->table = NULL;
}

enum vdisk_status vhd_image_create(struct image_file *file, struct vhd_footer *footer,
                                   uint32_t block_size)
{
    uint8_t bytes[VHD_HEADER_SIZE]; /* of each structure in turn */
    struct vhd_header header = {
        .table_offset = VHD_FOOTER_SIZE + VHD_HEADER_SIZE,
        .table_entries = vhd_block_count(footer->size, block_size),
        .block_size = block_size,
    };
    footer->type = VHD_DYNAMIC;
    footer->header_offset = VHD_FOOTER_SIZE;
    vhd_build_footer(footer, bytes);
    enum vdisk_status status = image_file_append(file, bytes, VHD_FOOTER_SIZE);
    vhd_build_header(&header, bytes);
    if (status == VDISK_OK)
        status = image_file_append(file, bytes, VHD_HEADER_SIZE);
    memset(bytes, 0xff, sizeof(bytes)); /* VHD_NOT_ALLOCATED */
    for (uint64_t left = vhd_table_size(header.table_entries); left > 0 && status == VDISK_OK;) {
        size_t now = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
        status = image_file_append(file, bytes, now);
        left -= now;
    }
    vhd_build_footer(footer, bytes);
    return status == VDISK_OK ? image_file_append(file, bytes, VHD_FOOTER_SIZE) : status;
}
