/* Blocks of dynamic VHDs: allocation, bitmaps, the table, growth of the file. */
#include "lib/big_endian.h"
#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/include/time.h"
#include "parent/vdisk/vhd_dynamic.h"

#define GROWTH (16u << 20) /* bytes of blocks that the file grows by, if there is room */
/* Microseconds. The search for room is long, with the store locked; a guest may ask without end. */
#define FULL_PAUSE 1000000u
#define ENTRIES_PER_SECTOR (VHD_SECTOR_SIZE / 4)

const uint8_t vhd_all_ones[1];

static void set_dirty(struct vhd_dynamic *vhd, bool dirty)
{
    __atomic_store_n(&vhd->dirty, dirty, __ATOMIC_RELEASE);
}

static uint64_t block_offset(const struct vhd_dynamic *vhd, uint32_t block)
{
    return (uint64_t)vhd->image.table[block] * VHD_SECTOR_SIZE;
}

/* --- Growth --- */

static enum vdisk_status grow_to(struct vhd_dynamic *vhd, uint64_t size)
{
    uint8_t footer[VHD_FOOTER_SIZE];
    struct disk_map map = {0};
    if (size < vhd->file->size) /* a growth that failed late */
        size = vhd->file->size;
    vhd_build_footer(&vhd->image.footer, footer);
    enum vdisk_status status = image_file_grow(vhd->file, size, footer, sizeof(footer), &map);
    if (status != VDISK_OK)
        return status;
    uint64_t flags = spin_lock(&vhd->lock);
    image_file_swap_map(vhd->file, &map);
    spin_unlock(&vhd->lock, flags);
    disk_map_free(&map);
    vhd->image.data_limit = size - VHD_FOOTER_SIZE;
    return VDISK_OK;
}

/* Makes room for one block at least. The table is written, too, as the file system flushes now. */
static enum vdisk_status grow(struct vhd_dynamic *vhd)
{
    uint64_t bytes = vhd_block_bytes(vhd->image.header.block_size);
    uint64_t count = GROWTH / bytes, missing = vhd->image.block_count - vhd->image.allocated;
    if (count > missing)
        count = missing;
    if (count == 0 || vhd->store_is_tight)
        count = 1;
    if (time_now() < vhd->full_until)
        return VDISK_ERROR_NO_SPACE;
    enum vdisk_status status = grow_to(vhd, vhd->image.data_end + count * bytes + VHD_FOOTER_SIZE);
    if (status == VDISK_ERROR_NO_SPACE && count > 1) {
        vhd->store_is_tight = true;
        status = grow_to(vhd, vhd->image.data_end + bytes + VHD_FOOTER_SIZE);
    }
    if (status == VDISK_ERROR_NO_SPACE)
        vhd->full_until = time_now() + FULL_PAUSE;
    return status == VDISK_OK ? vhd_commit(vhd) : status;
}

enum vdisk_status vhd_restore_footer(struct vhd_dynamic *vhd)
{
    uint64_t size = (vhd->file->size + VHD_SECTOR_SIZE - 1) / VHD_SECTOR_SIZE * VHD_SECTOR_SIZE;
    if (size < vhd->image.data_end + VHD_FOOTER_SIZE)
        size = vhd->image.data_end + VHD_FOOTER_SIZE;
    return grow_to(vhd, size);
}

enum vdisk_status vhd_trim(struct vhd_dynamic *vhd)
{
    uint8_t footer[VHD_FOOTER_SIZE];
    uint64_t end = vhd->image.data_end;
    if (vhd->file->size <= end + VHD_FOOTER_SIZE)
        return VDISK_OK;
    vhd_build_footer(&vhd->image.footer, footer);
    enum vdisk_status status = image_file_write(vhd->file, end, footer, sizeof(footer));
    if (status == VDISK_OK)
        status = image_file_flush(vhd->file);
    if (status == VDISK_OK)
        status = image_file_cut(vhd->file, end + VHD_FOOTER_SIZE);
    if (status == VDISK_OK)
        vhd->image.data_limit = end;
    return status;
}

/* --- The table --- */

/* Writes the sector of the table that has entry number @index * ENTRIES_PER_SECTOR first. */
static enum vdisk_status write_table_sector(struct vhd_dynamic *vhd, uint32_t index)
{
    uint8_t bytes[VHD_SECTOR_SIZE];
    uint64_t offset = vhd->image.header.table_offset + (uint64_t)index * VHD_SECTOR_SIZE;
    memset(bytes, 0xff, sizeof(bytes)); /* behind the last entry: VHD_NOT_ALLOCATED */
    for (uint32_t i = 0; i < ENTRIES_PER_SECTOR; i++) {
        uint32_t block = index * ENTRIES_PER_SECTOR + i;
        if (block < vhd->image.block_count)
            store_be32(bytes + 4 * i, vhd->image.table[block]);
    }
    return image_file_write(vhd->file, offset, bytes, sizeof(bytes));
}

enum vdisk_status vhd_commit(struct vhd_dynamic *vhd)
{
    uint32_t sectors = (vhd->image.block_count + ENTRIES_PER_SECTOR - 1) / ENTRIES_PER_SECTOR;
    bool table_written = false;
    enum vdisk_status status = image_file_flush(vhd->file);
    for (uint32_t i = 0; i < sectors && status == VDISK_OK; i++) {
        if (!vhd->dirty_sectors[i])
            continue;
        status = write_table_sector(vhd, i);
        table_written = true;
    }
    if (status == VDISK_OK && table_written)
        status = image_file_flush(vhd->file);
    if (status != VDISK_OK)
        return status;
    memset(vhd->dirty_sectors, 0, sectors);
    set_dirty(vhd, false);
    return VDISK_OK;
}

/* --- Blocks --- */

/* Writes a bitmap of ones: padding at its end included, as others do. */
static enum vdisk_status write_bitmap(struct vhd_dynamic *vhd, uint64_t offset)
{
    uint8_t ones[VHD_SECTOR_SIZE];
    uint32_t size = vhd_bitmap_size(vhd->image.header.block_size);
    enum vdisk_status status = VDISK_OK;
    memset(ones, 0xff, sizeof(ones));
    for (uint32_t done = 0; done < size && status == VDISK_OK; done += sizeof(ones))
        status = image_file_write(vhd->file, offset + done, ones, sizeof(ones));
    return status;
}

/* Others see from now on that the block is there, or that all of it is. */
static void publish(struct vhd_dynamic *vhd, uint32_t block, uint32_t entry, const uint8_t *bitmap)
{
    uint64_t flags = spin_lock(&vhd->lock);
    const uint8_t *old = vhd->bitmaps[block];
    vhd->image.table[block] = entry;
    vhd->bitmaps[block] = bitmap;
    spin_unlock(&vhd->lock, flags);
    if (old != vhd_all_ones)
        heap_free((void *)old);
}

static enum vdisk_status allocate(struct vhd_dynamic *vhd, uint32_t block)
{
    uint32_t bitmap_size = vhd_bitmap_size(vhd->image.header.block_size);
    uint64_t bytes = vhd_block_bytes(vhd->image.header.block_size);
    uint64_t offset = vhd->image.data_end;
    enum vdisk_status status = VDISK_OK;
    if (offset + bytes > vhd->image.data_limit) {
        status = grow(vhd);
        if (status != VDISK_OK)
            return status;
    }
    status = write_bitmap(vhd, offset);
    if (status == VDISK_OK)
        status = image_file_zero(vhd->file, offset + bitmap_size, bytes - bitmap_size);
    if (status != VDISK_OK)
        return status;
    vhd->image.data_end += bytes;
    vhd->image.allocated++;
    vhd->dirty_sectors[block / ENTRIES_PER_SECTOR] = 1;
    set_dirty(vhd, true);
    publish(vhd, block, (uint32_t)(offset / VHD_SECTOR_SIZE), vhd_all_ones);
    return VDISK_OK;
}

static enum vdisk_status read_bitmap(struct vhd_dynamic *vhd, uint32_t block)
{
    uint32_t size = vhd_bitmap_size(vhd->image.header.block_size);
    uint8_t *bitmap = heap_allocate(size);
    if (!bitmap)
        return VDISK_ERROR_MEMORY;
    enum vdisk_status status = image_file_read(vhd->file, block_offset(vhd, block), bitmap, size);
    bool full = status == VDISK_OK && vhd_bitmap_is_full(bitmap, vhd->image.header.block_size);
    if (status != VDISK_OK || full)
        heap_free(bitmap);
    if (status == VDISK_OK)
        publish(vhd, block, vhd->image.table[block], full ? vhd_all_ones : bitmap);
    return status;
}

/* Writes zeros where the bitmap has zeros, then the bitmap: not before they are durable, as
 * otherwise after a power cut something old could be read there. */
static enum vdisk_status fill_block(struct vhd_dynamic *vhd, uint32_t block)
{
    uint32_t sectors = vhd->image.header.block_size / VHD_SECTOR_SIZE;
    uint64_t data = block_offset(vhd, block) + vhd_bitmap_size(vhd->image.header.block_size);
    const uint8_t *bitmap = vhd->bitmaps[block];
    enum vdisk_status status = VDISK_OK;
    for (uint32_t i = 0, next; i < sectors && status == VDISK_OK; i = next) {
        bool is_set = vhd_bitmap_get(bitmap, i);
        for (next = i + 1; next < sectors && vhd_bitmap_get(bitmap, next) == is_set; next++)
            ;
        if (!is_set)
            status = image_file_zero(vhd->file, data + (uint64_t)i * VHD_SECTOR_SIZE,
                                     (uint64_t)(next - i) * VHD_SECTOR_SIZE);
    }
    if (status == VDISK_OK)
        status = image_file_flush(vhd->file);
    if (status == VDISK_OK)
        status = write_bitmap(vhd, block_offset(vhd, block));
    if (status != VDISK_OK)
        return status;
    set_dirty(vhd, true);
    publish(vhd, block, vhd->image.table[block], vhd_all_ones);
    return VDISK_OK;
}

enum vdisk_status vhd_block_prepare(struct vhd_dynamic *vhd, uint32_t block, bool to_write)
{
    enum vdisk_status status = VDISK_OK;
    if (vhd->image.table[block] == VHD_NOT_ALLOCATED)
        return to_write ? allocate(vhd, block) : VDISK_OK;
    if (!vhd->bitmaps[block])
        status = read_bitmap(vhd, block);
    if (status != VDISK_OK || !to_write || vhd->bitmaps[block] == vhd_all_ones)
        return status;
    return fill_block(vhd, block);
}
