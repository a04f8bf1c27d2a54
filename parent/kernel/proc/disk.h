/* What is behind the handle of a disk; parent/include/disk_object.h makes it. */
#ifndef VENEER_PARENT_PROC_DISK_H
#define VENEER_PARENT_PROC_DISK_H

#include "parent/include/list.h"
#include "parent/kernel/proc/object.h"

struct vdisk;

struct disk_object {
    struct object object;
    struct vdisk *disk; /* open until the object is destroyed */
};

static inline struct vdisk *disk_of_object(struct object *object)
{
    return CONTAINER_OF(object, struct disk_object, object)->disk;
}

#endif
