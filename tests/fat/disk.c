#include "tests/fat/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void disk_create(struct disk *disk, uint32_t sector_size, uint32_t sector_count)
{
    *disk = (struct disk){
        .bytes = calloc(sector_count, sector_size),
        .sector_size = sector_size,
        .sector_count = sector_count,
        .calls_until_failure = -1,
    };
}

void disk_destroy(struct disk *disk)
{
    disk_record(disk);
    free(disk->events);
    free(disk->bytes);
}

void disk_record(struct disk *disk)
{
    for (size_t i = 0; i < disk->event_count; i++)
        free(disk->events[i].data);
    disk->event_count = 0;
    disk->is_recording = true;
}

static void add_event(struct disk *disk, bool is_flush, uint32_t sector, const uint8_t *data)
{
    struct disk_event event = {.is_flush = is_flush, .sector = sector};

    if (!disk->is_recording)
        return;
    if (disk->event_count == disk->event_limit) {
        disk->event_limit = disk->event_limit * 2 + 64;
        disk->events = realloc(disk->events, disk->event_limit * sizeof(event));
    }
    if (!is_flush) {
        event.data = malloc(disk->sector_size);
        memcpy(event.data, data, disk->sector_size);
    }
    disk->events[disk->event_count++] = event;
}

static bool fails(struct disk *disk)
{
    if (disk->calls_until_failure < 0 || disk->calls_until_failure-- > 0)
        return false;
    disk->failures++;
    return true;
}

/* The driver promises never to go outside of the volume. */
static void check_inside(const struct disk *disk, uint64_t sector, uint32_t count)
{
    if (count == 0 || sector >= disk->sector_count || count > disk->sector_count - sector) {
        fprintf(stderr, "access to sectors %llu + %u of %u\n", (unsigned long long)sector, count,
                disk->sector_count);
        abort();
    }
}

/* What devices want (block.h). */
static void check_even(const void *buffer)
{
    if ((uintptr_t)buffer % 2 == 0)
        return;
    fprintf(stderr, "access with memory at the odd address %p\n", buffer);
    abort();
}

static int read_sectors(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    struct disk *disk = context;

    check_inside(disk, sector, count);
    check_even(buffer);
    if (fails(disk))
        return FS_IO;
    disk->reads++;
    memcpy(buffer, disk->bytes + sector * disk->sector_size, (size_t)count * disk->sector_size);
    return FS_OK;
}

static int write_sectors(void *context, uint64_t sector, uint32_t count, const void *buffer)
{
    struct disk *disk = context;

    check_inside(disk, sector, count);
    check_even(buffer);
    if (disk->read_only)
        abort();
    if (fails(disk))
        return FS_IO;
    disk->writes++;
    memcpy(disk->bytes + sector * disk->sector_size, buffer, (size_t)count * disk->sector_size);
    for (uint32_t i = 0; i < count; i++)
        add_event(disk, false, (uint32_t)sector + i,
                  (const uint8_t *)buffer + (size_t)i * disk->sector_size);
    return FS_OK;
}

static int flush(void *context)
{
    struct disk *disk = context;

    if (fails(disk))
        return FS_IO;
    disk->flushes++;
    add_event(disk, true, 0, NULL);
    return FS_OK;
}

struct fs_io disk_io(struct disk *disk)
{
    return (struct fs_io){
        .read = read_sectors,
        .write = write_sectors,
        .flush = flush,
        .context = disk,
        .sector_size = disk->sector_size,
        .sector_count = disk->sector_count,
        .read_only = disk->read_only,
    };
}

static struct fs_time now(void *context)
{
    (void)context;
    return (struct fs_time){2024, 2, 29, 13, 37, 41};
}

static void report(void *context, const char *text)
{
    struct disk *disk = context;

    disk->report_count++;
    snprintf(disk->last_report, sizeof(disk->last_report), "%s", text);
    if (disk->prints_reports)
        fprintf(stderr, "report: %s\n", text);
}

struct fat_host disk_host(struct disk *disk)
{
    return (struct fat_host){now, report, disk};
}

struct fat_volume *disk_mount(struct disk *disk, int *error)
{
    struct fat_volume *volume = malloc(fat_volume_size());
    struct fs_io io = disk_io(disk);
    struct fat_host host = disk_host(disk);

    *error = fat_mount(volume, &io, &host);
    if (*error == FS_OK)
        return volume;
    free(volume);
    return NULL;
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);

    if (file == NULL) {
        perror(path);
        exit(2);
    }
    return file;
}

void disk_save(const struct disk *disk, const char *path)
{
    FILE *file = open_file(path, "wb");

    if (fwrite(disk->bytes, disk->sector_size, disk->sector_count, file) != disk->sector_count ||
        fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

void disk_load(struct disk *disk, const char *path, uint32_t sector_size)
{
    FILE *file = open_file(path, "rb");

    fseek(file, 0, SEEK_END);
    disk_create(disk, sector_size, (uint32_t)(ftell(file) / sector_size));
    rewind(file);
    if (fread(disk->bytes, sector_size, disk->sector_count, file) != disk->sector_count) {
        perror(path);
        exit(2);
    }
    fclose(file);
}
