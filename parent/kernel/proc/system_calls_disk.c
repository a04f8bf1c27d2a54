/* System calls on disks. What a transfer reads or writes is the program's own memory, also that of
 * its guest: no copy. A reference to each memory object keeps the pages until the request has
 * ended, and the calling thread waits for that even if its process is to end, so nobody frees what
 * the device still writes to. */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/vdisk.h"
#include "parent/kernel/proc/disk.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/kernel/proc/user.h"

/* One call. What it takes on the heap counts for the job. */
struct transfer {
    struct vdisk_request request;
    struct completion done;
    uint32_t count;                                                /* of segments */
    struct system_disk_segment segments[SYSTEM_MAX_DISK_SEGMENTS]; /* the program's, copied */
    struct memory_object *memory[SYSTEM_MAX_DISK_SEGMENTS]; /* with references; NULL: not yet */
    uint64_t offsets[SYSTEM_MAX_DISK_SEGMENTS];             /* where they begin in it */
    struct block_segment *pieces;                           /* of physical memory */
};

static enum system_error error_of(enum vdisk_status status)
{
    switch (status) {
    case VDISK_OK:
        return SYSTEM_OK;
    case VDISK_ERROR_RANGE:
    case VDISK_ERROR_INVALID:
        return SYSTEM_ERROR_ARGUMENT;
    case VDISK_ERROR_READ_ONLY:
        return SYSTEM_ERROR_READ_ONLY;
    case VDISK_ERROR_NO_SPACE:
        return SYSTEM_ERROR_FULL;
    case VDISK_ERROR_NO_MEDIUM:
        return SYSTEM_ERROR_NO_MEDIUM;
    case VDISK_ERROR_MEMORY:
        return SYSTEM_ERROR_MEMORY;
    default:
        return SYSTEM_ERROR_MEDIUM;
    }
}

int64_t call_disk_information(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    struct object *object;
    enum system_error error =
        handle_get(&current_process()->handles, handle, OBJECT_DISK, 0, &object);
    if (error != SYSTEM_OK)
        return failure(error);
    const struct vdisk *disk = disk_of_object(object);
    struct system_disk_information information = {
        .sector_count = disk->sector_count,
        .sector_size = disk->sector_size,
        .flags = (disk->read_only ? SYSTEM_DISK_IS_READ_ONLY : 0) |
                 (disk->removable ? SYSTEM_DISK_IS_REMOVABLE : 0),
    };
    memcpy(information.identity, disk->identity, sizeof(information.identity));
    object_put(object);
    return user_write(address, &information, sizeof(information)) ? SYSTEM_OK
                                                                  : failure(SYSTEM_ERROR_ADDRESS);
}

/* --- Memory --- */

/* Copies the segments and checks their sizes. */
static enum system_error read_segments(struct transfer *transfer, uint64_t address, uint64_t count)
{
    uint64_t total = 0;
    if (count == 0 || count > SYSTEM_MAX_DISK_SEGMENTS)
        return SYSTEM_ERROR_ARGUMENT;
    transfer->count = (uint32_t)count;
    if (!user_read(transfer->segments, address, count * sizeof(transfer->segments[0])))
        return SYSTEM_ERROR_ADDRESS;
    for (uint32_t i = 0; i < count; i++) {
        const struct system_disk_segment *segment = &transfer->segments[i];
        if (segment->size == 0 || segment->size > SYSTEM_MAX_DISK_TRANSFER - total ||
            (segment->address | segment->size) % 2 != 0)
            return SYSTEM_ERROR_ARGUMENT;
        total += segment->size;
    }
    return SYSTEM_OK;
}

/* Finds what is behind the segments, and holds it. Pages that are lent, as those of VPs, are not
 * for devices. */
static enum system_error hold_memory(struct transfer *transfer, bool write)
{
    for (uint32_t i = 0; i < transfer->count; i++) {
        const struct system_disk_segment *segment = &transfer->segments[i];
        transfer->memory[i] = address_space_find(&current_process()->space, segment->address,
                                                 segment->size, write, &transfer->offsets[i]);
        if (!transfer->memory[i] || !transfer->memory[i]->job)
            return SYSTEM_ERROR_ADDRESS;
    }
    return SYSTEM_OK;
}

/* The longest piece of physical memory that begins at @offset and has at most @size bytes. */
static struct block_segment next_piece(const struct memory_object *memory, uint64_t offset,
                                       uint64_t size)
{
    uint64_t page = offset / PAGE_SIZE;
    uint64_t length = PAGE_SIZE - offset % PAGE_SIZE;
    uint64_t address = memory->pages[page] + offset % PAGE_SIZE;
    while (length < size && memory->pages[++page] == address + length)
        length += PAGE_SIZE;
    return (struct block_segment){address, (uint32_t)(length < size ? length : size)};
}

/* How many pieces all segments consist of; stores them at @pieces, if that is not NULL. */
static uint32_t cut(const struct transfer *transfer, struct block_segment *pieces)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < transfer->count; i++) {
        uint64_t offset = transfer->offsets[i];
        uint64_t end = offset + transfer->segments[i].size;
        while (offset < end) {
            struct block_segment piece = next_piece(transfer->memory[i], offset, end - offset);
            if (pieces)
                pieces[count] = piece;
            offset += piece.length;
            count++;
        }
    }
    return count;
}

static void release(struct transfer *transfer)
{
    for (uint32_t i = 0; i < transfer->count && transfer->memory[i]; i++)
        object_put(&transfer->memory[i]->object);
}

/* --- The request --- */

static void finished(struct vdisk_request *request)
{
    struct transfer *transfer = request->context;
    completion_signal(&transfer->done);
}

static enum system_error submit(struct transfer *transfer, struct vdisk *disk)
{
    completion_init(&transfer->done);
    transfer->request.done = finished;
    transfer->request.context = transfer;
    vdisk_submit(disk, &transfer->request);
    completion_wait(&transfer->done, WAIT_FOREVER);
    return error_of(transfer->request.status);
}

/* Makes the pieces and submits the request. */
static enum system_error move(struct transfer *transfer, struct vdisk *disk)
{
    struct job *job = current_process()->job;
    uint32_t count = cut(transfer, NULL);
    uint64_t size = count * sizeof(*transfer->pieces);
    uint64_t pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    if (!job_take_pages(job, pages))
        return SYSTEM_ERROR_LIMIT;
    struct block_segment *pieces = heap_allocate(size);
    enum system_error error = SYSTEM_ERROR_MEMORY;
    if (pieces) {
        cut(transfer, pieces);
        transfer->request.segments = pieces;
        transfer->request.segment_count = count;
        error = submit(transfer, disk);
        heap_free(pieces);
    }
    job_give_pages(job, pages);
    return error;
}

static enum system_error transfer_on(struct vdisk *disk, struct transfer *transfer,
                                     const uint64_t *argument)
{
    static const enum vdisk_operation operations[] = {
        [SYSTEM_DISK_READ] = VDISK_READ,
        [SYSTEM_DISK_WRITE] = VDISK_WRITE,
        [SYSTEM_DISK_FLUSH] = VDISK_FLUSH,
    };
    uint64_t operation = argument[1];
    transfer->request.operation = operations[operation];
    transfer->request.sector = argument[2];
    if (operation == SYSTEM_DISK_FLUSH)
        return argument[4] == 0 ? submit(transfer, disk) : SYSTEM_ERROR_ARGUMENT;
    enum system_error error = read_segments(transfer, argument[3], argument[4]);
    if (error == SYSTEM_OK)
        error = hold_memory(transfer, operation == SYSTEM_DISK_READ);
    if (error == SYSTEM_OK)
        error = move(transfer, disk);
    release(transfer);
    return error;
}

#define TRANSFER_PAGES ((sizeof(struct transfer) + PAGE_SIZE - 1) / PAGE_SIZE)

int64_t call_disk_transfer(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t operation = argument[1];
    struct job *job = current_process()->job;
    struct object *object;
    if (operation > SYSTEM_DISK_FLUSH)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error =
        handle_get(&current_process()->handles, handle, OBJECT_DISK,
                   operation == SYSTEM_DISK_READ ? SYSTEM_RIGHT_READ : SYSTEM_RIGHT_WRITE, &object);
    if (error != SYSTEM_OK)
        return failure(error);
    error = SYSTEM_ERROR_LIMIT;
    if (job_take_pages(job, TRANSFER_PAGES)) {
        struct transfer *transfer = heap_allocate(sizeof(*transfer));
        error = SYSTEM_ERROR_MEMORY;
        if (transfer) {
            error = transfer_on(disk_of_object(object), transfer, argument);
            heap_free(transfer);
        }
        job_give_pages(job, TRANSFER_PAGES);
    }
    object_put(object);
    return failure(error);
}
