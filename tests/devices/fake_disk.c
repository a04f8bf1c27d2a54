#include "tests/devices/fake_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    fprintf(stderr, "fake disk: %s\n", what);
    abort();
}

static uint64_t sectors_of(const struct fake_disk *fake, const struct disk_request *request)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < request->segment_count; i++) {
        if (request->segments[i].size == 0 || request->segments[i].size % 2 != 0)
            fail("a segment that is empty or of odd size");
        size += request->segments[i].size;
    }
    if (size % fake->disk.sector_size != 0)
        fail("a request without whole sectors");
    return size / fake->disk.sector_size;
}

/* What the contract demands of a controller. */
static void check(const struct fake_disk *fake, const struct disk_request *request)
{
    uint64_t count = sectors_of(fake, request);

    if (request->operation == DISK_FLUSH) {
        if (request->segment_count != 0)
            fail("a flush with data");
        return;
    }
    if (request->segment_count == 0 || request->segment_count > DISK_MAX_SEGMENTS)
        fail("a request with none or too many segments");
    if (count > fake->disk.sector_count || request->sector > fake->disk.sector_count - count)
        fail("a request past the end");
    if (request->operation == DISK_WRITE && fake->disk.read_only)
        fail("a write to what is read only");
}

static void submit(struct disk *disk, struct disk_request *request)
{
    struct fake_disk *fake = (struct fake_disk *)disk;

    check(fake, request);
    fake->requests++;
    request->next = NULL;
    *fake->last = request;
    fake->last = &request->next;
}

static void eject(struct disk *disk, bool open)
{
    struct fake_disk *fake = (struct fake_disk *)disk;

    fake->ejects++;
    fake->open = open;
}

/* A byte of the disk; those without memory are zero and keep nothing. */
static void move(struct fake_disk *fake, uint64_t at, struct disk_segment segment, bool write)
{
    uint64_t end = fake->stored * fake->disk.sector_size;
    uint64_t size = at >= end ? 0 : end - at < segment.size ? end - at : segment.size;

    if (write) {
        memcpy(fake->data + at, segment.data, size);
    } else {
        memcpy(segment.data, fake->data + (size > 0 ? at : 0), size);
        memset((uint8_t *)segment.data + size, 0, segment.size - size);
    }
}

static enum disk_status perform(struct fake_disk *fake, const struct disk_request *request)
{
    uint64_t at = request->sector * fake->disk.sector_size;
    bool write = request->operation == DISK_WRITE;

    if (fake->status != DISK_OK)
        return fake->status;
    if (request->operation == DISK_FLUSH) {
        fake->flushes++;
        return DISK_OK;
    }
    if (fake->disk.sector_count == 0)
        return DISK_ERROR_NO_MEDIUM;
    if ((fake->bad >= request->sector && fake->bad - request->sector < sectors_of(fake, request)) ||
        (write && fake->full))
        return DISK_ERROR_MEDIUM;
    for (uint32_t i = 0; i < request->segment_count; i++) {
        move(fake, at, request->segments[i], write);
        at += request->segments[i].size;
    }
    return DISK_OK;
}

bool fake_disk_step(struct fake_disk *fake)
{
    struct disk_request *request = fake->first;

    if (request == NULL)
        return false;
    fake->first = request->next;
    if (fake->first == NULL)
        fake->last = &fake->first;
    request->done(request, perform(fake, request));
    return true;
}

void fake_disk_run(struct fake_disk *fake)
{
    while (fake_disk_step(fake))
        ;
}

void fake_disk_create(struct fake_disk *fake, uint32_t sector_size, uint64_t sector_count,
                      uint64_t stored)
{
    *fake = (struct fake_disk){
        .disk = {.sector_size = sector_size,
                 .sector_count = sector_count,
                 .serial = "FAKE                ",
                 .submit = submit,
                 .eject = eject},
        .data = calloc(stored, sector_size),
        .stored = stored,
        .bad = UINT64_MAX,
        .last = &fake->first,
    };
    if (fake->data == NULL)
        fail("no memory");
}

void fake_disk_destroy(struct fake_disk *fake)
{
    free(fake->data);
}
