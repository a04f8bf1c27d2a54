/* Block devices: one interface for all drivers, asynchronous, with scatter-gather lists of physical
 * memory (the guest's, later). */
#ifndef VENEER_PARENT_INCLUDE_BLOCK_H
#define VENEER_PARENT_INCLUDE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/list.h"

enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

enum block_status {
    BLOCK_OK,
    BLOCK_PENDING,
    BLOCK_ERROR_MEDIUM, /* the device reports an error for these sectors */
    BLOCK_ERROR_DEVICE, /* it does not answer, or answers nonsense */
    BLOCK_ERROR_RANGE,  /* sectors that the device does not have */
    BLOCK_ERROR_READ_ONLY,
    BLOCK_ERROR_NO_MEDIUM,
    BLOCK_ERROR_INVALID, /* request that cannot be: no segments, odd lengths */
};

const char *block_status_text(enum block_status status);

struct block_segment {
    uint64_t address; /* physical, a multiple of 2 */
    uint32_t length;  /* bytes; > 0; all lengths together make whole sectors */
};

/* One request. The structure and the segments are the submitter's and must stay until done() is
 * called. */
struct block_request {
    enum block_operation operation;
    bool force_unit_access;               /* BLOCK_WRITE: on the medium before done() */
    uint64_t sector;                      /* of the device it is submitted to */
    const struct block_segment *segments; /* none for BLOCK_FLUSH */
    uint32_t segment_count;
    /* Interrupt or thread context; may submit further requests. */
    void (*done)(struct block_request *request);
    void *context; /* the submitter's */

    enum block_status status; /* set before done() */

    /* For the block layer and the driver. */
    struct list link;
    struct block_device *device;
    uint64_t deadline;
    uint8_t retries;
    uint32_t tag;
};

struct block_device;

/* What a driver offers. Both are called by the block layer only, with the device's queue lock held
 * (any context, short). */
struct block_driver {
    /* Starts @request, which is valid and within the limits; completes it by block_complete().
     * False: cannot take it now; it will be offered again after the next completion. */
    bool (*start)(struct block_device *device, struct block_request *request);
    /* Resets the hardware after a request timed out; all started requests count as failed
     * afterwards. */
    void (*reset)(struct block_device *device);
};

#define BLOCK_NAME_SIZE 16
#define BLOCK_MODEL_SIZE 48

struct block_device {
    char name[BLOCK_NAME_SIZE]; /* "disk0", "disk0p1", "cd0" */
    char model[BLOCK_MODEL_SIZE];
    uint32_t sector_size;  /* bytes, 512 to 4096, a power of two */
    uint64_t sector_count; /* 0: no medium */
    bool read_only, removable;
    uint32_t max_sectors; /* per request */
    uint32_t max_segments;
    uint32_t queue_depth; /* requests that the driver can have at once */
    const struct block_driver *driver;
    void *driver_data;

    struct block_device *parent; /* of a partition: the disk; NULL for a disk */
    uint64_t first_sector;       /* of a partition, on its disk */
    struct block_queue *queue;   /* the block layer's; partitions share their disk's */
    struct list link;
    uint64_t reads, writes, bytes_read, bytes_written, errors; /* statistics */
};

/* Makes @device, filled in by its driver, known; reads its partition table in a thread and adds its
 * partitions. Its memory stays the driver's and must stay. False: no memory. Thread. */
bool block_register(struct block_device *device);

/* Hands @request to @device. Requests that are too large are split. Any. */
void block_submit(struct block_device *device, struct block_request *request);

/* The driver has finished @request (started on @device). Any. */
void block_complete(struct block_device *device, struct block_request *request,
                    enum block_status status);

/* Synchronous, for file systems and commands: @buffer is kernel memory. Thread. */
enum block_status block_read(struct block_device *device, uint64_t sector, uint32_t count,
                             void *buffer);
enum block_status block_write(struct block_device *device, uint64_t sector, uint32_t count,
                              const void *buffer);
enum block_status block_flush(struct block_device *device);

/* The device called @name, or NULL; and all in order, starting with NULL. Devices are never removed
 * in this step. */
struct block_device *block_find(const char *name);
struct block_device *block_next(const struct block_device *previous);

#endif
