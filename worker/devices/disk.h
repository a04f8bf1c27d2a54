/* What a disk is to the controller that it hangs on, and the controller to the disk: requests with
 * segments of the guest's memory, which end later.
 *
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_DISK_H
#define VENEER_WORKER_DEVICES_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH };

enum disk_status {
    DISK_OK,
    DISK_ERROR_MEDIUM,    /* unreadable or unwritable */
    DISK_ERROR_READ_ONLY, /* the image is */
    DISK_ERROR_NO_MEDIUM, /* it has been taken out */
};

/* A piece of memory, which the request reads or writes while it is under way. */
struct disk_segment {
    void *data;
    uint64_t size; /* bytes, even */
};

#define DISK_MAX_SEGMENTS 256

/* One request. It and its segments are the controller's again when done() is called. */
struct disk_request {
    enum disk_operation operation;
    uint64_t sector;                     /* of the disk's sector_size */
    const struct disk_segment *segments; /* READ, WRITE: together whole sectors */
    uint32_t segment_count;              /* 1 to DISK_MAX_SEGMENTS; FLUSH: 0 */
    /* Called once, never from within submit(). */
    void (*done)(struct disk_request *request, enum disk_status status);
    void *context; /* the controller's */

    struct disk_request *next; /* the disk's */
};

/* A disk, or a drive with its medium. */
struct disk {
    uint32_t sector_size;  /* 512 or 2048 */
    uint64_t sector_count; /* 0: no medium is in the drive */
    bool read_only;
    bool removable;
    char serial[20]; /* for the guest: ASCII, filled up with spaces */
    /* Takes @request, whose range the controller has checked. Any number may be under way; those
     * that overlap have no order. */
    void (*submit)(struct disk *disk, struct disk_request *request);
    /* Tells the drive that the medium has changed, whose fields above are the new one's already:
     * set by the controller; NULL if it does not care. */
    void (*changed)(void *device);
    void *device;
    /* The guest opens (or closes) the tray; NULL: not removable. */
    void (*eject)(struct disk *disk, bool open);
};

#endif
