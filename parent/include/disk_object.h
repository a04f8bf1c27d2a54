/* Virtual disks as things with a handle: an opened disk that somebody gives to the process that
 * runs a child (struct process_program), which reads and writes it by system calls. */
#ifndef VENEER_PARENT_INCLUDE_DISK_OBJECT_H
#define VENEER_PARENT_INCLUDE_DISK_OBJECT_H

struct object;
struct vdisk;

/* @disk is the object's from now on, and is closed when the last reference has gone, of which the
 * caller has one (object_put()). NULL: no memory; then @disk stays the caller's. Thread. */
struct object *disk_object_create(struct vdisk *disk);

/* The disk behind @object, with one more user, who has to vdisk_close() it. Any. */
struct vdisk *disk_object_share(struct object *object);

#endif
