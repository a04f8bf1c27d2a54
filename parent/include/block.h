/* Block devices: one interface for all drivers, asynchronous, with scatter-gather lists of physical
 * memory (the guest's, later).
 *
 * Who wants data submits a struct block_request of any size. The block layer cuts it into commands
 * that the device can take, keeps as many going as the device has room for, repeats failed ones,
 * supervises their time, and makes up for a missing force-unit-access by flushes. A driver sees
 * commands only. */
#ifndef VENEER_PARENT_INCLUDE_BLOCK_H
#define VENEER_PARENT_INCLUDE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/list.h"

enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

enum block_status {
    BLOCK_OK,
    BLOCK_PENDING,
    BLOCK_BUSY,         /* a driver cannot take a command now */
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
    uint32_t length;  /* bytes, a multiple of 2, > 0; all lengths together make whole sectors */
};

/* A place in a list of segments, and how many bytes follow. */
struct block_cursor {
    const struct block_segment *segment;
    uint32_t offset; /* in *segment */
    uint64_t left;
};

/* One request. The structure and the segments are the submitter's and must stay until done() is
 * called. */
struct block_request {
    enum block_operation operation;
    bool force_unit_access;               /* BLOCK_WRITE: on the medium before done() */
    uint64_t sector;                      /* of the device it is submitted to */
    const struct block_segment *segments; /* none for BLOCK_FLUSH */
    uint32_t segment_count;
    /* Interrupt or thread context, perhaps before block_submit() returns; may submit further
     * requests. */
    void (*done)(struct block_request *request);
    void *context; /* the submitter's */

    enum block_status status; /* set before done() */

    /* The block layer's. */
    struct list link;
    struct block_device *device;
    struct block_cursor rest; /* what has not been made a command */
    uint64_t next_sector;     /* of the disk, for the rest */
    uint64_t bytes;           /* of all segments */
    bool is_one_command;      /* one command of the device does it all, in memory in its reach */
    uint32_t active;          /* commands that have not ended */
    bool flush_wanted;        /* after the rest */
};

/* A part of a request that a device does at once, or a flush. The block layer's; a driver has it
 * from start() to block_complete(). */
struct block_command {
    struct block_device *device; /* a disk */
    enum block_operation operation;
    bool force_unit_access; /* only if the device has it */
    uint64_t sector;
    uint32_t sector_count;
    struct block_cursor data; /* a driver copies it to walk the memory */
    uint32_t tag;             /* below queue_depth; of no other command that is started */

    /* The block layer's. */
    struct block_request *request;
    struct list link;
    uint64_t deadline;
    uint8_t failures;
    bool timed_out;
    bool bounced; /* data is the bounce buffer instead of: */
    struct block_cursor original;
};

struct block_device;

/* What a driver offers; called by the block layer only. */
struct block_driver {
    /* Starts @command, which is within the device's limits: BLOCK_PENDING; block_complete()
     * follows. BLOCK_BUSY: cannot take it now; it is offered again after the next completion. An
     * error: it failed at once; BLOCK_ERROR_DEVICE has the device reset. Any context, with the
     * queue's lock held: short, and no calls of the block layer. */
    enum block_status (*start)(struct block_device *device, struct block_command *command);
    /* After a time-out or block_request_reset(): brings the hardware into a state in which no
     * started command goes on. Those that the driver knows to have failed it may complete; the
     * others are repeated. Nothing is started meanwhile, and after its return nothing that was
     * started before may be completed: it waits for a handler on another CPU that is about to.
     * False: the device is lost. Thread. */
    bool (*reset)(struct block_device *device);
};

#define BLOCK_NAME_SIZE 16
#define BLOCK_MODEL_SIZE 48
#define BLOCK_MAX_DEPTH 32

struct block_device {
    /* Set by the driver. */
    char name[BLOCK_NAME_SIZE]; /* its kind, "disk" or "cd", to which a number is appended */
    char model[BLOCK_MODEL_SIZE];
    uint32_t sector_size;  /* bytes, 512 to 4096, a power of two */
    uint64_t sector_count; /* 0: no medium */
    bool read_only, removable;
    bool write_cache;          /* otherwise a flush has nothing to do */
    bool has_fua;              /* force-unit-access of its own */
    uint32_t max_sectors;      /* per command */
    uint32_t max_segments;     /* per command, of those that block_next_piece() makes */
    uint32_t segment_boundary; /* a multiple of which no piece crosses: a power of two, <= 2^31 */
    uint64_t address_limit;    /* the last address it reaches, e.g. 4 GiB - 1 */
    uint32_t queue_depth;      /* commands that it can have at once, 1 to BLOCK_MAX_DEPTH */
    const struct block_driver *driver;
    void *driver_data;
    /* NULL; or the queue of a device that is registered already, if the two take turns. Then its
     * depth holds for both. */
    struct block_queue *queue;

    /* The block layer's. */
    struct block_device *parent; /* of a partition: the disk; NULL for a disk */
    uint64_t first_sector;       /* of a partition, on its disk */
    struct list link;
    uint64_t reads, writes, bytes_read, bytes_written, errors; /* statistics */
};

/* For drivers. */

/* Makes @device, filled in by its driver, known; reads its partition table in a thread and adds its
 * partitions. Its memory stays the driver's and must stay. False: no memory. Thread. */
bool block_register(struct block_device *device);

/* The driver has finished @command. No driver's lock is held. Any. */
void block_complete(struct block_command *command, enum block_status status);

/* Asks for a reset: the driver has found that the device does not go on without. Any. */
void block_request_reset(struct block_device *device);

/* Consumes up to @limit bytes of the present segment; returns how many. @cursor->left > 0. */
static inline uint32_t block_take(struct block_cursor *cursor, uint64_t limit)
{
    uint64_t most = limit < cursor->left ? limit : cursor->left;
    uint32_t length = cursor->segment->length - cursor->offset;

    if (length <= most) {
        cursor->segment++;
        cursor->offset = 0;
    } else {
        length = (uint32_t)most;
        cursor->offset += length;
    }
    cursor->left -= length;
    return length;
}

/* Takes the next piece of memory that is contiguous and does not cross a multiple of @boundary.
 * False at the end. Inline, as drivers walk the memory of each command with it. */
static inline bool block_next_piece(struct block_cursor *cursor, uint32_t boundary,
                                    struct block_segment *piece)
{
    if (cursor->left == 0)
        return false;

    uint64_t address = cursor->segment->address + cursor->offset;
    uint32_t room = boundary - (uint32_t)(address & (boundary - 1));
    uint32_t length = block_take(cursor, room);

    while (length < room && cursor->left > 0 &&
           cursor->segment->address + cursor->offset == address + length)
        length += block_take(cursor, room - length);
    *piece = (struct block_segment){.address = address, .length = length};
    return true;
}

/* For users. */

/* Hands @request to @device. Any. */
void block_submit(struct block_device *device, struct block_request *request);

/* Synchronous, for file systems and commands: @buffer is kernel memory at an even address. Thread.
 */
enum block_status block_read(struct block_device *device, uint64_t sector, uint32_t count,
                             void *buffer);
enum block_status block_write(struct block_device *device, uint64_t sector, uint32_t count,
                              const void *buffer);
enum block_status block_flush(struct block_device *device);

/* The device called @name, or NULL; and all in order, starting with NULL. Devices are never removed
 * in this step. */
struct block_device *block_find(const char *name);
struct block_device *block_next(const struct block_device *previous);

/* Waits until the partitions of all devices that are registered are known, or @deadline (see
 * time.h); false then. Thread. */
bool block_settle(uint64_t deadline);

#endif
