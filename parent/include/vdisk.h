/* Virtual disks: what storage providers and emulated controllers read and write, whatever is below:
 * a raw image, a VHD, an ISO, or a physical disk or partition. Asynchronous, with segments that may
 * be the guest's own pages. */
#ifndef VENEER_PARENT_INCLUDE_VDISK_H
#define VENEER_PARENT_INCLUDE_VDISK_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/block.h"

enum vdisk_operation {
    VDISK_READ,
    VDISK_WRITE,
    VDISK_FLUSH,
    VDISK_UNMAP, /* the content is not needed any more; it reads as zeros or as before */
    VDISK_ZERO,  /* writes zeros, or what reads as zeros */
};

enum vdisk_status {
    VDISK_OK,
    VDISK_ERROR_MEDIUM, /* unreadable or unwritable */
    VDISK_ERROR_RANGE,  /* behind the end */
    VDISK_ERROR_READ_ONLY,
    VDISK_ERROR_NO_SPACE,  /* the store is full */
    VDISK_ERROR_NO_MEDIUM, /* removed, or the tray is open */
    VDISK_ERROR_DAMAGED,   /* the image's own structures are */
    VDISK_ERROR_INVALID,   /* segments that do not make whole sectors */
    VDISK_ERROR_MEMORY,
};

/* For people: "the store is full". */
const char *vdisk_status_text(enum vdisk_status status);

struct vdisk;

/* One request. The structure and the segments are the submitter's until done() is called. */
struct vdisk_request {
    enum vdisk_operation operation;
    bool force_unit_access; /* VDISK_WRITE and VDISK_ZERO: on the medium before done() */
    uint64_t sector;        /* of sector_size bytes */
    uint64_t sector_count;  /* VDISK_UNMAP and VDISK_ZERO; others: as the segments say */
    const struct block_segment
        *segments; /* READ, WRITE: physical memory, even address and length */
    uint32_t segment_count;
    /* Interrupt or thread context, perhaps before vdisk_submit() returns. */
    void (*done)(struct vdisk_request *request);
    void *context;

    enum vdisk_status status; /* set before done() */

    /* The virtual disk's. */
    struct vdisk *disk;
    struct list link; /* waits for the format's worker */
    struct block_request block;
    struct block_segment block_segment; /* VDISK_ZERO: the last piece */
    uint64_t zeroed;                    /* VDISK_ZERO: sectors of the device so far */
    uint32_t parts;                     /* atomic: that have not ended */
};

/* What a format does; vdisk.c has checked the request's range. */
struct vdisk_operations {
    /* Calls vdisk_complete(), at once or later. Thread. */
    void (*submit)(struct vdisk *disk, struct vdisk_request *request);
    /* No request is under way, and none will come: writes what is cached and ends the use of what
     * is below. Once. Thread. */
    void (*stop)(struct vdisk *disk);
    /* After stop(): frees @disk. Thread. */
    void (*release)(struct vdisk *disk);
};

struct vdisk {
    const struct vdisk_operations *operations; /* the format's */
    uint32_t sector_size;                      /* bytes, logical: 512, 2048 (CD) or 4096 */
    uint32_t physical_sector_size;
    uint64_t sector_count;
    bool read_only;
    bool removable; /* a CD or DVD */
    bool can_unmap;
    uint8_t identity[16]; /* does not change as long as the image exists; for VPD page 83h */
    char name[64];        /* for people: the path or the device */

    struct list link; /* of all that are open: open.c's */
    uint32_t users;   /* atomic: that have not closed it */
    uint32_t active;  /* atomic: requests under way */
    bool stopped;     /* atomic: requests end with VDISK_ERROR_NO_MEDIUM */
};

/* Before the first disk is opened. Thread. */
void vdisk_init(void);

enum vdisk_open_flags {
    VDISK_OPEN_READ_ONLY = 1, /* others may open it read-only, too; else nobody else may */
};

/* Opens a file of the store by its path (a VHD if the name ends in ".vhd", a CD if it ends in
 * ".iso", else raw: what a guest writes to a raw disk does not make it another kind), or a whole
 * disk or partition by its device's name ("disk1p2"), unless that holds the store. A file that is
 * open cannot be written, removed or renamed by others. NULL: *@error says why, for people.
 * Thread. */
struct vdisk *vdisk_open(const char *path, unsigned flags, const char **error);

/* Whether the name is that of a VHD. Any. */
bool vdisk_is_vhd_name(const char *path);

/* Reads, writes, ... Ranges are checked here. Thread context. */
void vdisk_submit(struct vdisk *disk, struct vdisk_request *request);

/* One more user of @disk, which has one that will not close it meanwhile. Each submits requests and
 * closes it. Any. */
void vdisk_share(struct vdisk *disk);

/* The caller, who has no request under way, does not use @disk any more. With the last user: waits
 * until no request is under way, writes what is cached, and ends the use of what is below. Thread.
 */
void vdisk_close(struct vdisk *disk);

/* Before power-off: does the same for all that are open, but leaves the structures to their owners,
 * who still have to close them. Thread. */
void vdisk_stop_all(void);

/* For formats: @request has ended. Any. */
void vdisk_complete(struct vdisk_request *request, enum vdisk_status status);

/* For formats: what @status is here. */
enum vdisk_status vdisk_status_of(enum block_status status);

#endif
