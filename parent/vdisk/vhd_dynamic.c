/* Requests on dynamic VHDs: where their sectors are, and which have to wait for the worker. */
#include "parent/vdisk/vhd_dynamic.h"

#include "lib/string.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"

#define BITMAP_SCAN 4096u /* sectors that are looked at with the lock held */
#define HOLE_SCAN                                                                                  \
    1024u /* and blocks: few enough to be quick, and so many that whoever zeros a                  \
             large hole in an interrupt handler is quick, too */

static struct vhd_dynamic *vhd_of(struct vdisk *disk)
{
    return CONTAINER_OF(disk, struct vhd_dynamic, mapped.disk);
}

static uint32_t sectors_per_block(const struct vhd_dynamic *vhd)
{
    return vhd->image.header.block_size / VHD_SECTOR_SIZE;
}

/* Sectors from @sector on in the block that are all there, or all not. */
static uint64_t same_bits(const uint8_t *bitmap, uint32_t sector, uint64_t left)
{
    bool is_set = vhd_bitmap_get(bitmap, sector);
    uint64_t count = 1;
    if (left > BITMAP_SCAN)
        left = BITMAP_SCAN;
    while (count < left && vhd_bitmap_get(bitmap, sector + (uint32_t)count) == is_set)
        count++;
    return count;
}

/* Blocks from @block on, which is not there, that are not either. The lock is held. */
static uint64_t hole_blocks(const struct vhd_dynamic *vhd, uint32_t block)
{
    uint32_t left = vhd->image.block_count - block, count = 1;
    if (left > HOLE_SCAN)
        left = HOLE_SCAN;
    while (count < left && vhd->image.table[block + count] == VHD_NOT_ALLOCATED)
        count++;
    return count;
}

/* The lock is held. */
static void locate_in_block(const struct vhd_dynamic *vhd, uint32_t block, uint32_t offset,
                            struct disk_place *place)
{
    uint32_t bitmap_sectors = vhd_bitmap_size(vhd->image.header.block_size) / VHD_SECTOR_SIZE;
    const uint8_t *bitmap = vhd->bitmaps[block];
    uint64_t count;
    place->is_hole = vhd->image.table[block] == VHD_NOT_ALLOCATED;
    if (place->is_hole) {
        place->count = hole_blocks(vhd, block) * sectors_per_block(vhd) - offset;
        return;
    }
    place->count = sectors_per_block(vhd) - offset;
    if (bitmap != vhd_all_ones) {
        place->count = same_bits(bitmap, offset, place->count);
        place->is_hole = !vhd_bitmap_get(bitmap, offset);
        if (place->is_hole)
            return;
    }
    place->sector = disk_map_find(
        &vhd->file->map, (uint64_t)vhd->image.table[block] + bitmap_sectors + offset, &count);
    if (count < place->count)
        place->count = count;
}

static void locate(struct mapped_disk *mapped, uint64_t sector, struct disk_place *place)
{
    struct vhd_dynamic *vhd = CONTAINER_OF(mapped, struct vhd_dynamic, mapped);
    uint32_t block = (uint32_t)(sector / sectors_per_block(vhd));
    uint64_t flags = spin_lock(&vhd->lock);
    locate_in_block(vhd, block, (uint32_t)(sector % sectors_per_block(vhd)), place);
    spin_unlock(&vhd->lock, flags);
}

static void blocks_of(const struct vhd_dynamic *vhd, const struct vdisk_request *request,
                      uint32_t *first, uint32_t *behind)
{
    uint64_t end = request->sector + request->sector_count;
    *first = (uint32_t)(request->sector / sectors_per_block(vhd));
    *behind = (uint32_t)((end + sectors_per_block(vhd) - 1) / sectors_per_block(vhd));
}

/* Whether all blocks are as the request needs them. */
static bool is_ready(struct vhd_dynamic *vhd, const struct vdisk_request *request)
{
    bool to_write = request->operation == VDISK_WRITE, ready = true;
    uint32_t block, behind;
    blocks_of(vhd, request, &block, &behind);
    uint64_t flags = spin_lock(&vhd->lock);
    for (; block < behind && ready; block++) {
        if (vhd->image.table[block] == VHD_NOT_ALLOCATED)
            ready = !to_write;
        else
            ready = vhd->bitmaps[block] && (!to_write || vhd->bitmaps[block] == vhd_all_ones);
    }
    spin_unlock(&vhd->lock, flags);
    return ready;
}

static bool needs_worker(struct vhd_dynamic *vhd, const struct vdisk_request *request)
{
    bool dirty = __atomic_load_n(&vhd->dirty, __ATOMIC_ACQUIRE);
    switch (request->operation) {
    case VDISK_FLUSH:
        return dirty;
    case VDISK_UNMAP:
        return false;
    case VDISK_ZERO: /* may be long: is_ready() would hold the lock for long */
        return true;
    default:
        return (request->force_unit_access && dirty) || !is_ready(vhd, request);
    }
}

/* In the worker. Data goes to the device behind what makes it reachable there. */
static void process(struct vdisk_request *request)
{
    struct vhd_dynamic *vhd = vhd_of(request->disk);
    bool to_write = request->operation == VDISK_WRITE;
    enum vdisk_status status = VDISK_OK;
    uint32_t block, behind;
    if (request->operation == VDISK_FLUSH) {
        vdisk_complete(request, vhd_commit(vhd));
        return;
    }
    blocks_of(vhd, request, &block, &behind);
    for (; block < behind && status == VDISK_OK; block++)
        status = vhd_block_prepare(vhd, block, to_write);
    if (status == VDISK_OK && request->force_unit_access && vhd->dirty)
        status = vhd_commit(vhd);
    if (status == VDISK_OK)
        mapped_submit(&vhd->mapped, request);
    else
        vdisk_complete(request, status);
}

static void submit(struct vdisk *disk, struct vdisk_request *request)
{
    struct vhd_dynamic *vhd = vhd_of(disk);
    if (needs_worker(vhd, request))
        vdisk_worker_add(&vhd->worker, request);
    else
        mapped_submit(&vhd->mapped, request);
}

static void free_all(struct vhd_dynamic *vhd)
{
    for (uint32_t i = 0; vhd->bitmaps && i < vhd->image.block_count; i++)
        if (vhd->bitmaps[i] != vhd_all_ones)
            heap_free((void *)vhd->bitmaps[i]);
    vhd_image_free(&vhd->image);
    heap_free(vhd->bitmaps);
    heap_free(vhd->dirty_sectors);
    heap_free(vhd);
}

static void stop(struct vdisk *disk)
{
    struct vhd_dynamic *vhd = vhd_of(disk);
    enum vdisk_status status = VDISK_OK;
    vdisk_worker_stop(&vhd->worker);
    if (!disk->read_only) {
        status = vhd_commit(vhd);
        if (status == VDISK_OK)
            status = vhd_trim(vhd);
    }
    if (status != VDISK_OK)
        log_print(LOG_ERROR,
                  "%s: not closed cleanly: %s. What was written since the last flush may be lost; "
                  "disk check shows what the file is like.",
                  disk->name, vdisk_status_text(status));
    image_file_close(vhd->file);
    vhd->file = NULL;
}

static void release(struct vdisk *disk)
{
    free_all(vhd_of(disk));
}

static const struct vdisk_operations operations = {submit, stop, release};

static void fill_in(struct vhd_dynamic *vhd, struct image_file *file, bool read_only)
{
    vhd->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_VDISK);
    vhd->file = file;
    vhd->mapped.device = file->device;
    vhd->mapped.ratio = 1;
    vhd->mapped.locate = locate;
    vhd->mapped.disk.operations = &operations;
    vhd->mapped.disk.sector_size = VHD_SECTOR_SIZE;
    vhd->mapped.disk.physical_sector_size = 4096;
    vhd->mapped.disk.sector_count = vhd->image.footer.size / VHD_SECTOR_SIZE;
    vhd->mapped.disk.read_only = read_only;
}

/* What has to be there before the first request. */
static enum vdisk_status prepare(struct vhd_dynamic *vhd)
{
    enum vdisk_status status = VDISK_OK;
    vhd->bitmaps = heap_allocate(vhd->image.block_count * sizeof(*vhd->bitmaps));
    vhd->dirty_sectors = heap_allocate(vhd->image.block_count);
    if (!vhd->bitmaps || !vhd->dirty_sectors)
        return VDISK_ERROR_MEMORY;
    if (vhd->image.footer_damaged && !vhd->mapped.disk.read_only)
        status = vhd_restore_footer(vhd);
    if (status == VDISK_OK && !vdisk_worker_start(&vhd->worker, process))
        status = VDISK_ERROR_MEMORY;
    return status;
}

struct vdisk *vhd_dynamic_create(struct image_file *file, const struct vhd_image *image,
                                 bool read_only, const char **error)
{
    *error =
        "the store's disk has sectors of more than 512 bytes, in which the blocks of a dynamic "
        "VHD cannot be: convert it to a fixed one";
    if (file->device->sector_size != VHD_SECTOR_SIZE)
        return NULL;
    struct vhd_dynamic *vhd = heap_allocate(sizeof(*vhd));
    *error = vdisk_status_text(VDISK_ERROR_MEMORY);
    if (!vhd)
        return NULL;
    vhd->image = *image;
    fill_in(vhd, file, read_only);
    enum vdisk_status status = prepare(vhd);
    if (status == VDISK_OK)
        return &vhd->mapped.disk;
    *error = vdisk_status_text(status);
    vhd->image.table = NULL; /* stays the caller's */
    free_all(vhd);
    return NULL;
}
