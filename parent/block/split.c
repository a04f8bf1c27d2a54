#include "parent/block/split.h"

#include <stddef.h>

const char *block_status_text(enum block_status status)
{
    static const char *const texts[] = {
        [BLOCK_OK] = "done",
        [BLOCK_PENDING] = "not done yet",
        [BLOCK_BUSY] = "the device is busy",
        [BLOCK_ERROR_MEDIUM] = "the medium cannot be read or written there",
        [BLOCK_ERROR_DEVICE] = "the device does not work",
        [BLOCK_ERROR_RANGE] = "beyond the end of the device",
        [BLOCK_ERROR_READ_ONLY] = "the device is read-only",
        [BLOCK_ERROR_NO_MEDIUM] = "there is no medium in the drive",
        [BLOCK_ERROR_INVALID] = "invalid request",
    };

    return status < sizeof(texts) / sizeof(texts[0]) ? texts[status] : "unknown status";
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What one look at all segments finds. */
struct extent {
    uint64_t bytes;  /* 0: a segment cannot be */
    uint64_t last;   /* the highest address */
    uint64_t pieces; /* at most, for a device with its boundary */
};

static struct extent measure(const struct block_request *request, uint32_t boundary)
{
    uint64_t bytes = 0, highest = 0, pieces = request->segment_count;

    for (uint32_t i = 0; i < request->segment_count; i++) {
        uint64_t address = request->segments[i].address;
        uint32_t length = request->segments[i].length;
        uint64_t last = address + length - 1;

        if (length == 0 || ((address | length) & 1) || address > UINT64_MAX - length)
            return (struct extent){0};
        bytes += length; /* 2^32 lengths below 2^32 fit */
        if (last > highest)
            highest = last;
        if ((address ^ last) >= boundary) /* it crosses a multiple of it */
            pieces += last / boundary - address / boundary;
    }
    return (struct extent){bytes, highest, pieces};
}

enum block_status block_check_request(const struct block_device *device,
                                      struct block_request *request)
{
    bool write = request->operation == BLOCK_WRITE;
    const struct block_device *disk = device->parent != NULL ? device->parent : device;
    struct extent extent;

    request->bytes = 0;
    request->is_one_command = false;
    request->rest = (struct block_cursor){.segment = request->segments};
    request->flush_wanted = false;
    if (device->sector_count == 0)
        return BLOCK_ERROR_NO_MEDIUM;
    if (request->operation == BLOCK_FLUSH) {
        request->flush_wanted = device->write_cache;
        return request->segment_count == 0 ? BLOCK_OK : BLOCK_ERROR_INVALID;
    }
    if (!write && request->operation != BLOCK_READ)
        return BLOCK_ERROR_INVALID;
    if (write && device->read_only)
        return BLOCK_ERROR_READ_ONLY;
    extent = measure(request, disk->segment_boundary);
    if (extent.bytes == 0 || extent.bytes % device->sector_size != 0)
        return BLOCK_ERROR_INVALID;
    if (request->sector >= device->sector_count ||
        extent.bytes / device->sector_size > device->sector_count - request->sector)
        return BLOCK_ERROR_RANGE;
    request->bytes = request->rest.left = extent.bytes;
    request->is_one_command = extent.bytes / disk->sector_size <= disk->max_sectors &&
                              extent.pieces <= disk->max_segments &&
                              extent.last <= disk->address_limit;
    request->next_sector = device->first_sector + request->sector;
    request->flush_wanted =
        write && request->force_unit_access && device->write_cache && !device->has_fua;
    return BLOCK_OK;
}

uint32_t block_command_sectors(const struct block_device *disk, struct block_cursor rest)
{
    uint64_t bytes = 0;
    struct block_segment piece;

    rest.left = smaller(rest.left, (uint64_t)disk->max_sectors * disk->sector_size);
    for (uint32_t i = 0; i < disk->max_segments; i++) {
        if (!block_next_piece(&rest, disk->segment_boundary, &piece))
            break;
        bytes += piece.length;
    }
    return (uint32_t)(bytes / disk->sector_size);
}

void block_skip(struct block_cursor *cursor, uint64_t bytes)
{
    if (bytes == cursor->left) { /* nobody asks where the end is */
        cursor->left = 0;
        return;
    }
    while (bytes > 0)
        bytes -= block_take(cursor, bytes);
}

bool block_reachable(struct block_cursor cursor, uint64_t bytes, uint64_t limit)
{
    cursor.left = bytes;
    while (cursor.left > 0) {
        uint64_t address = cursor.segment->address + cursor.offset;
        uint32_t length = block_take(&cursor, UINT32_MAX);

        if (address > limit || length - 1 > limit - address)
            return false;
    }
    return true;
}
