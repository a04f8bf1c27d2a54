#include "parent/vdisk/mapped.h"

#include "lib/string.h"
#include "parent/include/memory.h"

#define ZERO_PIECES 16u /* of mapped_zeros, at once */

/* A piece of a request that lies in one place, if there are several. */
struct part {
    struct block_request block;
    struct vdisk_request *request;
    struct block_segment segments[];
};

const uint8_t mapped_zeros[MAPPED_ZEROS_SIZE] __attribute__((aligned(4096)));

static struct mapped_disk *mapped_disk(struct vdisk *disk)
{
    return CONTAINER_OF(disk, struct mapped_disk, disk);
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

/* In one place, or without data. */
static void submit_whole(struct mapped_disk *mapped, struct vdisk_request *request, uint64_t sector)
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
    block_submit(mapped->device, &request->block);
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

/* The next piece of the list from *@rest on, of at most @bytes. */
static struct block_segment take_segment(struct block_cursor *rest, uint64_t bytes)
{
    uint64_t length = rest->segment->length - rest->offset;
    if (length > bytes)
        length = bytes;
    struct block_segment piece = {rest->segment->address + rest->offset, (uint32_t)length};
    rest->offset += (uint32_t)length;
    if (rest->offset == rest->segment->length) {
        rest->segment++;
        rest->offset = 0;
    }
    return piece;
}

static enum vdisk_status submit_part(struct mapped_disk *mapped, struct vdisk_request *request,
                                     struct block_cursor *rest, const struct disk_place *place)
{
    struct part *part =
        heap_allocate(sizeof(*part) + request->segment_count * sizeof(part->segments[0]));
    if (!part)
        return VDISK_ERROR_MEMORY;
    part->request = request;
    part->block = (struct block_request){
        .operation = operation_of(request),
        .force_unit_access = request->force_unit_access,
        .sector = place->sector,
        .segments = part->segments,
        .done = part_done,
    };
    uint64_t bytes = place->count * mapped->device->sector_size;
    while (bytes > 0) {
        struct block_segment piece = take_segment(rest, bytes);
        part->segments[part->block.segment_count++] = piece;
        bytes -= piece.length;
    }
    __atomic_add_fetch(&request->parts, 1, __ATOMIC_ACQ_REL);
    block_submit(mapped->device, &part->block);
    return VDISK_OK;
}

/* Reads a hole. */
static enum vdisk_status fill_part(const struct mapped_disk *mapped,
                                   const struct vdisk_request *request, struct block_cursor *rest,
                                   const struct disk_place *place)
{
    uint64_t bytes = place->count * mapped->device->sector_size;
    if (request->operation != VDISK_READ)
        return VDISK_ERROR_DAMAGED;
    while (bytes > 0) {
        struct block_segment piece = take_segment(rest, bytes);
        memset(physical_to_virtual(piece.address), 0, piece.length);
        bytes -= piece.length;
    }
    return VDISK_OK;
}

static void submit_data(struct mapped_disk *mapped, struct vdisk_request *request)
{
    uint64_t sector = request->sector * mapped->ratio;
    uint64_t left = request->sector_count * mapped->ratio;
    struct block_cursor rest = {.segment = request->segments};
    enum vdisk_status status = VDISK_OK;
    struct disk_place place;
    mapped->locate(mapped, sector, &place);
    if (!place.is_hole && left <= place.count) {
        submit_whole(mapped, request, place.sector);
        return;
    }
    request->status = VDISK_OK;
    __atomic_store_n(&request->parts, 1, __ATOMIC_RELEASE); /* ours, until all are on their way */
    while (left > 0 && status == VDISK_OK) {
        mapped->locate(mapped, sector, &place);
        if (place.count > left)
            place.count = left;
        status = place.is_hole ? fill_part(mapped, request, &rest, &place)
                               : submit_part(mapped, request, &rest, &place);
        sector += place.count;
        left -= place.count;
    }
    end_part(request, status);
}

/* The next place that has to be written to become zeros: false if there is none. */
static bool find_next(struct mapped_disk *mapped, struct vdisk_request *request,
                      struct disk_place *place)
{
    uint64_t sector = request->sector * mapped->ratio;
    uint64_t count = request->sector_count * mapped->ratio;
    while (request->zeroed < count) {
        mapped->locate(mapped, sector + request->zeroed, place);
        if (place->count > count - request->zeroed)
            place->count = count - request->zeroed;
        if (!place->is_hole)
            return true;
        request->zeroed += place->count;
    }
    return false;
}

/* Zeros the next piece, from memory that is there once. */
static void zero_next(struct block_request *block)
{
    static struct block_segment segments[ZERO_PIECES];
    struct vdisk_request *request = block->context;
    struct mapped_disk *mapped = mapped_disk(request->disk);
    uint64_t piece = MAPPED_ZEROS_SIZE / mapped->device->sector_size;
    uint64_t zeros = virtual_to_physical(mapped_zeros);
    struct disk_place place;
    if (block->status != BLOCK_OK || !find_next(mapped, request, &place)) {
        vdisk_complete(request, vdisk_status_of(block->status));
        return;
    }
    for (uint32_t i = 0; i < ZERO_PIECES; i++) /* always the same */
        segments[i] = (struct block_segment){zeros, MAPPED_ZEROS_SIZE};
    block->sector = place.sector;
    if (place.count >= piece) {
        uint64_t pieces = place.count / piece < ZERO_PIECES ? place.count / piece : ZERO_PIECES;
        block->segments = segments;
        block->segment_count = (uint32_t)pieces;
        place.count = pieces * piece;
    } else {
        request->block_segment =
            (struct block_segment){zeros, (uint32_t)place.count * mapped->device->sector_size};
        block->segments = &request->block_segment;
        block->segment_count = 1;
    }
    request->zeroed += place.count;
    block_submit(mapped->device, block);
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

void mapped_submit(struct mapped_disk *mapped, struct vdisk_request *request)
{
    switch (request->operation) {
    case VDISK_READ:
    case VDISK_WRITE:
        submit_data(mapped, request);
        break;
    case VDISK_FLUSH:
        submit_whole(mapped, request, 0);
        break;
    case VDISK_ZERO:
        submit_zero(request);
        break;
    case VDISK_UNMAP: /* reads as before */
        vdisk_complete(request, VDISK_OK);
        break;
    }
}
