#include "parent/vdisk/raw.h"

#include "lib/string.h"
#include "parent/include/memory.h"

#define ZERO_PIECE 0x10000u /* bytes of zeros in memory */
#define ZERO_PIECES 16u     /* of them at once */

struct raw_disk {
    struct vdisk disk;
    struct block_device *device;
    uint32_t ratio; /* sectors of the device in one of the disk */
    void (*closed)(void *context);
    void *context;
    uint32_t run_count;
    struct raw_run runs[];
};

/* A piece of a request that lies in one run, if there are several. */
struct part {
    struct block_request block;
    struct vdisk_request *request;
    struct block_segment segments[];
};

static uint8_t zeros[ZERO_PIECE] __attribute__((aligned(4096)));

static struct raw_disk *raw_disk(struct vdisk *disk)
{
    return CONTAINER_OF(disk, struct raw_disk, disk);
}

/* Where @sector (of the device's size, from the disk's start on) is; *@count: how many follow. */
static uint64_t locate(const struct raw_disk *raw, uint64_t sector, uint64_t *count)
{
    const struct raw_run *run = raw->runs;
    while (sector >= run->count)
        sector -= run++->count;
    *count = run->count - sector;
    return run->first + sector;
}

static void whole_done(struct block_request *block)
{
    vdisk_complete(block->context, vdisk_status_of(block->status));
}

static enum block_operation operation_of(const struct vdisk_request *request)
{
    if (request->operation == VDISK_FLUSH)
        return BLOCK_FLUSH;
    return request->operation == VDISK_READ ? BLOCK_READ : BLOCK_WRITE;
}

/* In one run, or without data. */
static void submit_whole(struct raw_disk *raw, struct vdisk_request *request, uint64_t sector)
{
    request->block = (struct block_request){
        .operation = operation_of(request),
        .force_unit_access = request->force_unit_access,
        .sector = sector,
        .segments = request->segments,
        .segment_count = request->operation == VDISK_FLUSH ? 0 : request->segment_count,
        .done = whole_done,
        .context = request,
    };
    block_submit(raw->device, &request->block);
}

/* The first error is the request's. */
static void end_part(struct vdisk_request *request, enum vdisk_status status)
{
    enum vdisk_status none = VDISK_OK;
    if (status != VDISK_OK)
        __atomic_compare_exchange_n(&request->status, &none, status, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
    if (__atomic_sub_fetch(&request->parts, 1, __ATOMIC_ACQ_REL) == 0)
        vdisk_complete(request, request->status);
}

static void part_done(struct block_request *block)
{
    struct part *part = CONTAINER_OF(block, struct part, block);
    struct vdisk_request *request = part->request;
    enum vdisk_status status = vdisk_status_of(block->status);
    heap_free(part);
    end_part(request, status);
}

/* Moves @bytes of the list from *@rest on to the part's own. */
static void take_segments(struct block_cursor *rest, uint64_t bytes, struct part *part)
{
    while (bytes > 0) {
        uint64_t length = rest->segment->length - rest->offset;
        if (length > bytes)
            length = bytes;
        part->segments[part->block.segment_count++] =
            (struct block_segment){rest->segment->address + rest->offset, (uint32_t)length};
        bytes -= length;
        rest->offset += (uint32_t)length;
        if (rest->offset == rest->segment->length) {
            rest->segment++;
            rest->offset = 0;
        }
    }
}

static bool submit_part(struct raw_disk *raw, struct vdisk_request *request,
                        struct block_cursor *rest, uint64_t sector, uint64_t count)
{
    struct part *part =
        heap_allocate(sizeof(*part) + request->segment_count * sizeof(part->segments[0]));
    if (!part)
        return false;
    part->request = request;
    part->block = (struct block_request){
        .operation = operation_of(request),
        .force_unit_access = request->force_unit_access,
        .sector = sector,
        .segments = part->segments,
        .done = part_done,
    };
    take_segments(rest, count * raw->device->sector_size, part);
    __atomic_add_fetch(&request->parts, 1, __ATOMIC_ACQ_REL);
    block_submit(raw->device, &part->block);
    return true;
}

static void submit_data(struct raw_disk *raw, struct vdisk_request *request)
{
    uint64_t sector = request->sector * raw->ratio;
    uint64_t left = request->sector_count * raw->ratio;
    struct block_cursor rest = {.segment = request->segments};
    uint64_t count, place = locate(raw, sector, &count);
    enum vdisk_status status = VDISK_OK;
    if (left <= count) {
        submit_whole(raw, request, place);
        return;
    }
    request->status = VDISK_OK;
    __atomic_store_n(&request->parts, 1, __ATOMIC_RELEASE); /* ours, until all are on their way */
    while (left > 0 && status == VDISK_OK) {
        place = locate(raw, sector, &count);
        if (count > left)
            count = left;
        if (!submit_part(raw, request, &rest, place, count))
            status = VDISK_ERROR_MEMORY;
        sector += count;
        left -= count;
    }
    end_part(request, status);
}

/* Zeros the next piece, from memory that is there once. */
static void zero_next(struct block_request *block)
{
    static struct block_segment segments[ZERO_PIECES];
    struct vdisk_request *request = block->context;
    struct raw_disk *raw = raw_disk(request->disk);
    uint64_t piece = ZERO_PIECE / raw->device->sector_size, count;
    uint64_t left = request->sector_count * raw->ratio - request->zeroed;
    if (block->status != BLOCK_OK || left == 0) {
        vdisk_complete(request, vdisk_status_of(block->status));
        return;
    }
    for (uint32_t i = 0; i < ZERO_PIECES; i++) /* always the same */
        segments[i] = (struct block_segment){virtual_to_physical(zeros), ZERO_PIECE};
    uint64_t place = locate(raw, request->sector * raw->ratio + request->zeroed, &count);
    if (count > left)
        count = left;
    block->sector = place;
    if (count >= piece) {
        uint64_t pieces = count / piece < ZERO_PIECES ? count / piece : ZERO_PIECES;
        block->segments = segments;
        block->segment_count = (uint32_t)pieces;
        count = pieces * piece;
    } else {
        request->block_segment = (struct block_segment){virtual_to_physical(zeros),
                                                        (uint32_t)count * raw->device->sector_size};
        block->segments = &request->block_segment;
        block->segment_count = 1;
    }
    request->zeroed += count;
    block_submit(raw->device, block);
}

static void submit_zero(struct vdisk_request *request)
{
    request->zeroed = 0;
    request->block = (struct block_request){
        .operation = BLOCK_WRITE,
        .force_unit_access = request->force_unit_access,
        .done = zero_next,
        .context = request,
        .status = BLOCK_OK,
    };
    zero_next(&request->block);
}

static void submit(struct vdisk *disk, struct vdisk_request *request)
{
    struct raw_disk *raw = raw_disk(disk);
    switch (request->operation) {
    case VDISK_READ:
    case VDISK_WRITE:
        submit_data(raw, request);
        break;
    case VDISK_FLUSH:
        submit_whole(raw, request, 0);
        break;
    case VDISK_ZERO:
        submit_zero(request);
        break;
    case VDISK_UNMAP: /* reads as before */
        vdisk_complete(request, VDISK_OK);
        break;
    }
}

static void close(struct vdisk *disk)
{
    struct raw_disk *raw = raw_disk(disk);
    if (raw->closed)
        raw->closed(raw->context);
    heap_free(raw);
}

static const struct vdisk_operations operations = {submit, close};

struct vdisk *raw_create(struct block_device *device, uint32_t sector_size,
                         const struct raw_run *runs, uint32_t run_count,
                         void (*closed)(void *context), void *context)
{
    uint64_t sectors = 0;
    uint32_t ratio = sector_size / device->sector_size;
    if (ratio == 0 || sector_size % device->sector_size != 0)
        return NULL;
    for (uint32_t i = 0; i < run_count; i++)
        sectors += runs[i].count;
    if (sectors < ratio)
        return NULL;
    struct raw_disk *raw = heap_allocate(sizeof(*raw) + run_count * sizeof(runs[0]));
    if (!raw)
        return NULL;
    raw->disk.operations = &operations;
    raw->disk.sector_size = sector_size;
    raw->disk.physical_sector_size = sector_size > 4096 ? sector_size : 4096;
    raw->disk.sector_count = sectors / ratio;
    raw->device = device;
    raw->ratio = ratio;
    raw->closed = closed;
    raw->context = context;
    raw->run_count = run_count;
    memcpy(raw->runs, runs, run_count * sizeof(runs[0]));
    return &raw->disk;
}

struct block_device *raw_device(const struct vdisk *disk)
{
    return CONTAINER_OF(disk, const struct raw_disk, disk)->device;
}
