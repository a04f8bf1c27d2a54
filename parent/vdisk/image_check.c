/* Describing and checking images. */
#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/vdisk/image_tools.h"
#include "parent/vdisk/vhd_image.h"

static const char *describe_vhd(struct image_file *file, struct vhd_image *image,
                                struct image_description *description)
{
    const char *error = vhd_image_read(file, image);
    if (error)
        return error;
    description->kind = image->footer.type == VHD_FIXED ? IMAGE_FIXED : IMAGE_DYNAMIC;
    description->disk_size = image->footer.size;
    description->footer_damaged = image->footer_damaged;
    memcpy(description->identity, image->footer.identity, sizeof(description->identity));
    if (description->kind == IMAGE_DYNAMIC) {
        description->block_size = image->header.block_size;
        description->blocks = image->block_count;
        description->allocated = image->allocated;
    }
    return NULL;
}

/* Opens the file; what there is to say of a raw image. */
static struct image_file *open_file(const char *path, struct image_description *description,
                                    const char **error)
{
    struct image_file *file = image_file_open(path, false, error);
    if (!file)
        return NULL;
    *error = NULL;
    *description = (struct image_description){
        .kind = IMAGE_RAW,
        .disk_size = file->size / VHD_SECTOR_SIZE * VHD_SECTOR_SIZE,
        .file_size = file->size,
    };
    return file;
}

const char *image_describe(const char *path, struct image_description *description)
{
    const char *error;
    struct vhd_image image;
    struct image_file *file = open_file(path, description, &error);
    if (!file)
        return error;
    if (vdisk_is_vhd_name(path)) {
        error = describe_vhd(file, &image, description);
        if (!error)
            vhd_image_free(&image);
    }
    image_file_close(file);
    return error;
}

static enum vdisk_status check_copy(struct image_file *file, const struct vhd_image *image,
                                    struct image_description *description)
{
    uint8_t bytes[VHD_FOOTER_SIZE];
    struct vhd_footer copy;
    enum vdisk_status status = image_file_read(file, 0, bytes, sizeof(bytes));
    if (status != VDISK_OK)
        return status;
    description->copy_differs =
        vhd_parse_footer(bytes, &copy) != VHD_OK || copy.type != image->footer.type ||
        copy.size != image->footer.size || copy.header_offset != image->footer.header_offset ||
        memcmp(copy.identity, image->footer.identity, sizeof(copy.identity)) != 0;
    return VDISK_OK;
}

/* What no entry of the table leads to. */
static void count_orphans(const struct vhd_image *image, struct image_description *description)
{
    uint64_t block = vhd_block_bytes(image->header.block_size);
    uint64_t start = vhd_data_end(&image->footer, &image->header, image->table, 0);
    uint64_t used = image->allocated * block;
    description->room = image->data_limit - image->data_end;
    if (image->allocated > 0 && image->data_end - start > used)
        description->orphans = (uint32_t)((image->data_end - start - used) / block);
}

static const char *check_bitmaps(struct image_file *file, const struct vhd_image *image,
                                 const struct image_progress *progress,
                                 struct image_description *description)
{
    uint32_t size = vhd_bitmap_size(image->header.block_size);
    uint8_t *bitmap = heap_allocate(size);
    const char *error = bitmap ? NULL : vdisk_status_text(VDISK_ERROR_MEMORY);
    for (uint32_t i = 0; i < image->block_count && !error; i++) {
        if (image->table[i] == VHD_NOT_ALLOCATED)
            continue;
        if (!progress->step(progress->context, i, image->block_count))
            error = IMAGE_STOPPED;
        enum vdisk_status status =
            image_file_read(file, (uint64_t)image->table[i] * VHD_SECTOR_SIZE, bitmap, size);
        if (status != VDISK_OK)
            error = vdisk_status_text(status);
        else if (!vhd_bitmap_is_full(bitmap, image->header.block_size))
            description->partly_filled++;
    }
    heap_free(bitmap);
    return error;
}

const char *image_check(const char *path, const struct image_progress *progress,
                        struct image_description *description)
{
    const char *error;
    struct vhd_image image = {0};
    struct image_file *file = open_file(path, description, &error);
    if (!file)
        return error;
    if (vdisk_is_vhd_name(path))
        error = describe_vhd(file, &image, description);
    if (!error && description->kind == IMAGE_DYNAMIC) {
        enum vdisk_status status = check_copy(file, &image, description);
        count_orphans(&image, description);
        error = status == VDISK_OK ? check_bitmaps(file, &image, progress, description)
                                   : vdisk_status_text(status);
        vhd_image_free(&image);
    }
    image_file_close(file);
    return error;
}
