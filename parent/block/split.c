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

/* Bytes of all segments; 0 if one of them cannot be. */
static uint64_t total_length(const struct block_request *request)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];

        if (segment->length == 0 || (segment->length & 1) || (segment->address & 1) ||
            segment->address > UINT64_MAX - segment->length)
            return 0;
        total += segment->length; /* 2^32 lengths below 2^32 fit */
    }
    return total;
}

enum block_status block_check_request(const struct block_device *device,
                                      struct block_request *request)
{
    bool write = request->operation == BLOCK_WRITE;
    uint64_t bytes;

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
    bytes = total_length(request);
    if (bytes == 0 || bytes % device->sector_size != 0)
        return BLOCK_ERROR_INVALID;
    if (request->sector >= device->sector_count ||
        bytes / device->sector_size > device->sector_count - request->sector)
        return BLOCK_ERROR_RANGE;
    request->rest.left = bytes;
    request->next_sector = device->first_sector + request->sector;
    request->flush_wanted =
        write && request->force_unit_access && device->write_cache && !device->has_fua;
    return BLOCK_OK;
}

/* Consumes up to @limit bytes of the present segment; returns how many. @cursor->left > 0. */
static uint32_t take(struct block_cursor *cursor, uint64_t limit)
{
    uint32_t length = cursor->segment->length - cursor->offset;

    length = (uint32_t)smaller(smaller(length, limit), cursor->left);
    cursor->offset += length;
    cursor->left -= length;
    if (cursor->offset == cursor->segment->length) {
        cursor->segment++;
        cursor->offset = 0;
    }
    return length;
}

bool block_next_piece(struct block_cursor *cursor, uint32_t boundary, struct block_segment *piece)
{
    if (cursor->left == 0)
        return false;

    uint64_t address = cursor->segment->address + cursor->offset;
    uint32_t room = boundary - (uint32_t)(address & (boundary - 1));

    piece->address = address;
    piece->length = take(cursor, room);
    while (cursor->left > 0 && piece->length < room &&
           cursor->segment->address + cursor->offset == address + piece->length)
        piece->length += take(cursor, room - piece->length);
    return true;
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
    while (bytes > 0)
        bytes -= take(cursor, bytes);
}

bool block_reachable(struct block_cursor cursor, uint64_t bytes, uint64_t limit)
{
    cursor.left = bytes;
    while (cursor.left > 0) {
        uint64_t address = cursor.segment->address + cursor.offset;
        uint32_t length = take(&cursor, UINT32_MAX);

        if (address > limit || length - 1 > limit - address)
            return false;
    }
    return true;
}
