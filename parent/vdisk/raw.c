#include "parent/vdisk/raw.h"

#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/vdisk/mapped.h"

struct raw_disk {
    struct mapped_disk mapped;
    const struct disk_map *map;
    void (*closed)(void *context);
    void *context;
};

static struct raw_disk *raw_disk(struct vdisk *disk)
{
    return CONTAINER_OF(disk, struct raw_disk, mapped.disk);
}

static void locate(struct mapped_disk *mapped, uint64_t sector, struct disk_place *place)
{
    const struct raw_disk *raw = CONTAINER_OF(mapped, struct raw_disk, mapped);
    place->is_hole = false;
    place->sector = disk_map_find(raw->map, sector, &place->count);
}

static void submit(struct vdisk *disk, struct vdisk_request *request)
{
    mapped_submit(&raw_disk(disk)->mapped, request);
}

static void stop(struct vdisk *disk)
{
    struct raw_disk *raw = raw_disk(disk);
    enum block_status status = disk->read_only ? BLOCK_OK : block_flush(raw->mapped.device);
    if (status != BLOCK_OK)
        log_print(LOG_ERROR,
                  "%s: not closed cleanly: %s. What was written since the last flush may be lost.",
                  disk->name, block_status_text(status));
    raw->closed(raw->context);
}

static void release(struct vdisk *disk)
{
    heap_free(raw_disk(disk));
}

static const struct vdisk_operations operations = {submit, stop, release};

struct vdisk *raw_create(struct block_device *device, uint32_t sector_size,
                         const struct disk_map *map, uint64_t sectors,
                         void (*closed)(void *context), void *context)
{
    uint32_t ratio = sector_size / device->sector_size;
    if (ratio == 0 || sector_size % device->sector_size != 0 || sectors < ratio)
        return NULL;
    struct raw_disk *raw = heap_allocate(sizeof(*raw));
    if (!raw)
        return NULL;
    raw->mapped.disk.operations = &operations;
    raw->mapped.disk.sector_size = sector_size;
    raw->mapped.disk.physical_sector_size = sector_size > 4096 ? sector_size : 4096;
    raw->mapped.disk.sector_count = sectors / ratio;
    raw->mapped.device = device;
    raw->mapped.ratio = ratio;
    raw->mapped.locate = locate;
    raw->map = map;
    raw->closed = closed;
    raw->context = context;
    return &raw->mapped.disk;
}

struct block_device *raw_device(const struct vdisk *disk)
{
    return CONTAINER_OF(disk, const struct raw_disk, mapped.disk)->mapped.device;
}
