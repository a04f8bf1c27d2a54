/* A disk in memory for tests of the FAT driver: it can record what is written, and can fail. */
#ifndef VENEER_TESTS_FAT_DISK_H
#define VENEER_TESTS_FAT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/fs/fat.h"

/* One recorded event: a written sector, or a flush. */
struct disk_event {
    bool is_flush;
    bool is_forced; /* written through the device's cache: set by who knows */
    uint32_t sector;
    uint8_t *data; /* one sector */
};

struct disk {
    uint8_t *bytes;
    uint32_t sector_size;
    uint32_t sector_count;
    bool read_only;

    /* Calls that succeed until one fails, which is counted; negative: none fails. */
    long calls_until_failure;
    unsigned failures;
    unsigned reads, writes, flushes;

    bool is_recording;
    struct disk_event *events;
    size_t event_count, event_limit;

    unsigned report_count;
    char last_report[200];
    bool prints_reports;
};

/* A disk of zeros. */
void disk_create(struct disk *disk, uint32_t sector_size, uint32_t sector_count);
void disk_destroy(struct disk *disk);

/* Starts to record, or forgets what was recorded. */
void disk_record(struct disk *disk);

struct fs_io disk_io(struct disk *disk);

/* A clock that stands still, and reports that go to the disk's last_report. */
struct fat_host disk_host(struct disk *disk);

/* Allocates a volume and mounts it: NULL with *@error if that fails. */
struct fat_volume *disk_mount(struct disk *disk, int *error);

/* Copies the disk to or from a file; exits if that fails. */
void disk_save(const struct disk *disk, const char *path);
void disk_load(struct disk *disk, const char *path, uint32_t sector_size);

#endif
