#include "parent/include/disk_object.h"

#include "parent/include/memory.h"
#include "parent/include/vdisk.h"
#include "parent/kernel/proc/disk.h"

/* No system call has a reference: no request is under way. */
static void destroy(struct object *object)
{
    struct disk_object *disk = CONTAINER_OF(object, struct disk_object, object);
    vdisk_close(disk->disk);
    heap_free(disk);
}

struct object *disk_object_create(struct vdisk *disk)
{
    struct disk_object *created = heap_allocate(sizeof(*created));
    if (!created)
        return NULL;
    object_init(&created->object, OBJECT_DISK, destroy);
    created->disk = disk;
    return &created->object;
}

struct vdisk *disk_object_share(struct object *object)
{
    struct vdisk *disk = disk_of_object(object);
    vdisk_share(disk);
    return disk;
}
