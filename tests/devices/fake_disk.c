#include "tests/devices/fake_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    fprintf(stderr, "fake disk: %s\n", what);
    abort();
}

/* A controller checks what it asks for: that is part of the contract. */
static void submit(struct disk *disk, struct disk_request *request)
{
    struct fake_disk *fake = (struct fake_disk *)disk;
    struct disk_request **end = &fake->queue;
    uint64_t size = 0;

    for (uint32_t i = 0; i < request->segment_count; i++) {
        if (request->segments[i].size % 2 != 0)
            fail("a segment with an odd size");
        size += request->segments[i].size;
    }
    if (request->operation == DISK_FLUSH ? size != 0 : size == 0 || size % disk->sector_size != 0)
        fail("a request that is not whole sectors");
    if (request->segment_count > DISK_MAX_SEGMENTS ||
        size / disk->sector_size > disk->sector_count ||
        request->sector > disk->sector_count - size / disk->sector_size)
        fail("a request behind the disk's end");
    while (*end != NULL) {
        if (*end == request)
            fail("a request that is under way already");
        end = &(*end)->next;
    }
    request->next = NULL;
    *end = request;
    fake->submitted++;
}

static void execute(struct fake_disk *fake, const struct disk_request *request)
{
    uint8_t *at = fake->data + request->sector * fake->disk.sector_size;

    for (uint32_t i = 0; i < request->segment_count; i++) {
        const struct disk_segment *segment = &request->segments[i];

        if (request->operation == DISK_READ)
            memcpy(segment->data, at, segment->size);
        else
            memcpy(at, segment->data, segment->size);
        at += segment->size;
    }
}

void fake_disk_run(struct fake_disk *fake)
{
    struct disk_request *request;

    while ((request = fake->queue) != NULL) {
        enum disk_status status = fake->status;

        fake->queue = request->next;
        if (status == DISK_OK && request->operation == DISK_WRITE && fake->disk.read_only)
            status = DISK_ERROR_READ_ONLY;
        if (status == DISK_OK && fake->disk.sector_count == 0)
            status = DISK_ERROR_NO_MEDIUM;
        if (status == DISK_OK)
            execute(fake, request);
        request->done(request, status);
    }
}

void fake_disk_create(struct fake_disk *fake, uint32_t sector_size, uint64_t sector_count)
{
    *fake = (struct fake_disk){
        .disk = {.sector_size = sector_size, .sector_count = sector_count, .submit = submit},
        .data = calloc(sector_count, sector_size),
    };
    if (fake->data == NULL)
        fail("no memory for it");
}

void fake_disk_destroy(struct fake_disk *fake)
{
    free(fake->data);
}
