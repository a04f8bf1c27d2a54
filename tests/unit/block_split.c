/* How the block layer checks requests and cuts them into commands. */
#include "parent/block/split.h"

#include "tests/unit/unit.h"

static enum block_status refused(const struct block_device *device, struct block_request request)
{
    return block_check_request(device, &request);
}

static void test_refused(void)
{
    const struct block_segment two[2] = {{0x1000, 1024}, {0x3000, 512}};
    const struct block_segment odd = {0x1001, 512}, empty = {0x1000, 0}, part = {0x1000, 510},
                               wrapped = {UINT64_MAX - 511, 512}, huge = {0, UINT32_MAX - 511};
    const struct block_request read = {
        .operation = BLOCK_READ, .sector = 0, .segments = two, .segment_count = 2};
    struct block_device device = {
        .sector_size = 512, .sector_count = 10, .segment_boundary = 65536};
    struct block_request request = read;

    CHECK_EQUAL(refused(&device, read), BLOCK_OK);
    request.sector = 7;
    CHECK_EQUAL(refused(&device, request), BLOCK_OK);
    request.sector = 8;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_RANGE);
    request.sector = UINT64_MAX;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_RANGE);
    request = read;
    request.segment_count = 0;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_INVALID);
    request.segment_count = 1;
    request.segments = &odd;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_INVALID);
    request.segments = &empty;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_INVALID);
    request.segments = &part;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_INVALID);
    request.segments = &wrapped;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_INVALID);
    request.segments = &huge;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_RANGE);
    request = read;
    request.operation = (enum block_operation)7;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_INVALID);
    request.operation = BLOCK_FLUSH;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_INVALID);
    request.operation = BLOCK_WRITE;
    device.read_only = true;
    CHECK_EQUAL(refused(&device, request), BLOCK_ERROR_READ_ONLY);
    device.sector_count = 0;
    CHECK_EQUAL(refused(&device, read), BLOCK_ERROR_NO_MEDIUM);
}

static void test_pieces(void)
{
    /* Two that touch, and one that crosses a boundary. */
    const struct block_segment segments[3] = {{0x1000, 0x200}, {0x1200, 0x600}, {0x1fe00, 0x400}};
    struct block_cursor cursor = {.segment = segments, .left = 0xc00};
    struct block_segment piece;

    CHECK(block_next_piece(&cursor, 0x10000, &piece));
    CHECK_EQUAL(piece.address, 0x1000);
    CHECK_EQUAL(piece.length, 0x800);
    CHECK(block_next_piece(&cursor, 0x10000, &piece));
    CHECK_EQUAL(piece.address, 0x1fe00);
    CHECK_EQUAL(piece.length, 0x200);
    CHECK(block_next_piece(&cursor, 0x10000, &piece));
    CHECK_EQUAL(piece.address, 0x20000);
    CHECK_EQUAL(piece.length, 0x200);
    CHECK(!block_next_piece(&cursor, 0x10000, &piece));

    cursor = (struct block_cursor){.segment = segments, .left = 0xc00};
    CHECK(block_reachable(cursor, 0xc00, 0x201ff));
    CHECK(!block_reachable(cursor, 0xc00, 0x201fe));
    CHECK(block_reachable(cursor, 0x800, 0x17ff));
    block_skip(&cursor, 0xa00);
    CHECK_EQUAL(cursor.left, 0x200);
    CHECK_EQUAL(cursor.offset, 0x200);

    const struct block_device device = {
        .sector_size = 512, .max_sectors = 100, .max_segments = 2, .segment_boundary = 0x10000};

    cursor = (struct block_cursor){.segment = segments, .left = 0xc00};
    CHECK_EQUAL(block_command_sectors(&device, cursor), 5);
    /* A sector in more pieces than the device can have. */
    const struct block_segment crumbs[3] = {{0x1000, 170}, {0x2000, 170}, {0x3000, 172}};

    cursor = (struct block_cursor){.segment = crumbs, .left = 512};
    CHECK_EQUAL(block_command_sectors(&device, cursor), 0);
}

int main(void)
{
    test_refused();
    test_pieces();
    return unit_result();
}
