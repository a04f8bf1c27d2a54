/* Unit test of parent/vdisk/raw.c: random requests on a disk in many pieces, against a model. The
 * double of the block device completes in random order and fails when told to. */
#include "parent/vdisk/raw.h"

#include <stdlib.h>

#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "tests/unit/unit.h"

#define DEVICE_SECTORS 8192u
#define SECTOR 512u
#define RUNS 40u
#define BUFFER (256u * 1024)
#define PENDING_MAX 256u

static uint8_t medium[DEVICE_SECTORS * SECTOR], model[DEVICE_SECTORS * SECTOR], buffer[BUFFER];
static struct block_device device = {.sector_size = SECTOR, .sector_count = DEVICE_SECTORS};
static struct block_request *pending[PENDING_MAX];
static unsigned pending_count, flush_count, done_count, closed_count;
static uint64_t bad_sector = UINT64_MAX;
static struct disk_run runs[RUNS]; /* without their starts */
static struct disk_map map;
static uint64_t sectors; /* of all runs */

void *heap_allocate(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

uint64_t virtual_to_physical(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

void *physical_to_virtual(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

void log_print(enum log_level level, const char *format, ...)
{
    (void)level;
    CHECK_TEXT(format, "no error is expected");
}

const char *block_status_text(enum block_status status)
{
    (void)status;
    return "";
}

enum block_status block_flush(struct block_device *to)
{
    CHECK(to == &device);
    flush_count++;
    return BLOCK_OK;
}

void block_submit(struct block_device *to, struct block_request *request)
{
    CHECK(to == &device && pending_count < PENDING_MAX);
    pending[pending_count++] = request;
}

static enum block_status perform(struct block_request *request)
{
    uint64_t offset = request->sector * SECTOR;
    if (request->operation == BLOCK_FLUSH) {
        flush_count++;
        return BLOCK_OK;
    }
    for (uint32_t i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];
        void *data = (void *)(uintptr_t)segment->address;
        CHECK(segment->length > 0 && offset + segment->length <= sizeof(medium));
        if (bad_sector * SECTOR >= offset && bad_sector * SECTOR < offset + segment->length)
            return BLOCK_ERROR_MEDIUM;
        if (request->operation == BLOCK_READ)
            memcpy(data, medium + offset, segment->length);
        else
            memcpy(medium + offset, data, segment->length);
        offset += segment->length;
    }
    CHECK_EQUAL((offset - request->sector * SECTOR) % SECTOR, 0);
    return BLOCK_OK;
}

static void complete_all(void)
{
    while (pending_count > 0) {
        unsigned i = (unsigned)rand() % pending_count;
        struct block_request *request = pending[i];
        pending[i] = pending[--pending_count];
        request->status = perform(request);
        request->done(request);
    }
}

static void done(struct vdisk_request *request)
{
    CHECK(request->context == &done_count);
    done_count++;
}

static void closed(void *context)
{
    CHECK(context == &map);
    closed_count++;
}

/* Every second piece of the device, of random size, in random order. */
static struct vdisk *make_disk(void)
{
    uint64_t place = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        runs[i].first = place + 1 + (unsigned)rand() % 20;
        runs[i].count = 1 + (unsigned)rand() % 100;
        place = runs[i].first + runs[i].count;
        sectors += runs[i].count;
    }
    CHECK(place <= DEVICE_SECTORS);
    for (unsigned i = RUNS - 1; i > 0; i--) {
        unsigned k = (unsigned)rand() % (i + 1);
        struct disk_run run = runs[i];
        runs[i] = runs[k];
        runs[k] = run;
    }
    for (unsigned i = 0; i < RUNS; i++)
        CHECK(disk_map_add(&map, runs[i].first, runs[i].count));
    CHECK_EQUAL(map.sectors, sectors);
    return raw_create(&device, SECTOR, &map, sectors, closed, &map);
}

/* Where the disk's sector is on the device. */
static uint64_t place_of(uint64_t sector)
{
    unsigned i = 0;
    while (sector >= runs[i].count)
        sector -= runs[i++].count;
    return runs[i].first + sector;
}

/* Cuts @bytes of the buffer into segments of random, even sizes. */
static uint32_t cut(struct block_segment *segments, uint32_t bytes)
{
    uint32_t count = 0, offset = 0;
    while (offset < bytes) {
        uint32_t length = 2 + 2 * ((unsigned)rand() % 4096);
        if (length > bytes - offset || count == 63)
            length = bytes - offset;
        segments[count++] = (struct block_segment){virtual_to_physical(buffer + offset), length};
        offset += length;
    }
    return count;
}

static enum vdisk_status run(struct vdisk *disk, struct vdisk_request *request)
{
    unsigned before = done_count;
    request->done = done;
    request->context = &done_count;
    vdisk_submit(disk, request);
    complete_all();
    CHECK_EQUAL(done_count, before + 1);
    CHECK_EQUAL(disk->active, 0);
    return request->status;
}

static void test_random(struct vdisk *disk)
{
    struct block_segment segments[64];
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t sector = (unsigned)rand() % sectors;
        uint64_t most = sectors - sector < BUFFER / SECTOR ? sectors - sector : BUFFER / SECTOR;
        uint64_t count = 1 + (unsigned)rand() % most;
        struct vdisk_request request = {.operation = (enum vdisk_operation)((unsigned)rand() % 2),
                                        .sector = sector,
                                        .segments = segments};
        if (rand() % 16 == 0) {
            request.operation = VDISK_ZERO;
            request.sector_count = count;
        } else {
            request.segment_count = cut(segments, (uint32_t)count * SECTOR);
        }
        for (uint32_t k = 0; request.operation == VDISK_WRITE && k < count * SECTOR; k++)
            buffer[k] = (uint8_t)rand();
        CHECK_EQUAL(run(disk, &request), VDISK_OK);
        for (uint64_t k = 0; k < count; k++) {
            uint8_t *expected = model + place_of(sector + k) * SECTOR;
            if (request.operation == VDISK_ZERO)
                memset(expected, 0, SECTOR);
            else if (request.operation == VDISK_WRITE)
                memcpy(expected, buffer + k * SECTOR, SECTOR);
            else
                CHECK(memcmp(expected, buffer + k * SECTOR, SECTOR) == 0);
        }
    }
    CHECK(memcmp(medium, model, sizeof(medium)) == 0);
}

static void test_refusals(struct vdisk *disk)
{
    struct block_segment segment = {virtual_to_physical(buffer), SECTOR};
    struct vdisk_request request = {
        .operation = VDISK_READ, .segments = &segment, .segment_count = 1};

    request.sector = sectors;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_RANGE);
    request.sector = UINT64_MAX;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_RANGE);
    request.sector = 0;
    segment.length = SECTOR + 2;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_INVALID);
    segment = (struct block_segment){virtual_to_physical(buffer) + 1, SECTOR};
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_INVALID);
    request.segment_count = 0;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_INVALID);
    request.operation = VDISK_ZERO;
    request.sector_count = sectors + 1;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_RANGE);
    disk->read_only = true;
    request.sector_count = 1;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_READ_ONLY);
    disk->read_only = false;
    request.operation = VDISK_FLUSH;
    CHECK_EQUAL(run(disk, &request), VDISK_OK);
    CHECK_EQUAL(flush_count, 1);
    CHECK(memcmp(medium, model, sizeof(medium)) == 0);
}

/* An error of one part is the whole request's, which ends once. */
static void test_error(struct vdisk *disk)
{
    struct block_segment segment = {virtual_to_physical(buffer), BUFFER};
    struct vdisk_request request = {
        .operation = VDISK_READ, .segments = &segment, .segment_count = 1};

    bad_sector = place_of(BUFFER / SECTOR / 2);
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_MEDIUM);
    request = (struct vdisk_request){.operation = VDISK_ZERO, .sector_count = sectors};
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_MEDIUM);
    bad_sector = UINT64_MAX;
    CHECK_EQUAL(run(disk, &request), VDISK_OK);
}

/* A disk that is not there any more. */
static void test_stopped(struct vdisk *disk)
{
    struct vdisk_request request = {.operation = VDISK_FLUSH};
    disk->stopped = true;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_NO_MEDIUM);
    request.operation = VDISK_ZERO;
    CHECK_EQUAL(run(disk, &request), VDISK_ERROR_NO_MEDIUM);
}

int main(void)
{
    struct disk_map one = {0};
    srand(1);
    CHECK(disk_map_add(&one, 0, 3));
    CHECK(raw_create(&device, 2048, &one, 3, NULL, NULL) == NULL); /* no whole sector */
    CHECK(raw_create(&device, 768, &one, 3, NULL, NULL) == NULL);
    disk_map_free(&one);
    struct vdisk *disk = make_disk();
    CHECK(disk != NULL && disk->sector_count == sectors && raw_device(disk) == &device);
    test_random(disk);
    test_refusals(disk);
    test_error(disk);
    test_stopped(disk);
    CHECK_EQUAL(flush_count, 1);
    disk->operations->stop(disk);
    CHECK_EQUAL(flush_count, 2);
    CHECK_EQUAL(closed_count, 1);
    disk->operations->release(disk);
    disk_map_free(&map);
    return unit_result();
}
