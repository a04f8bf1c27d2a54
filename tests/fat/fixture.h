/* One mounted volume, for the unit tests of the FAT driver. */
#ifndef VENEER_TESTS_FAT_FIXTURE_H
#define VENEER_TESTS_FAT_FIXTURE_H

#include <stdlib.h>

#include "tests/fat/checker.h"
#include "tests/fat/format.h"
#include "tests/unit/unit.h"

static const struct format fat32 = {true, 512, 512, 1, 600, 2, 0, false};
static const struct format fat16 = {false, 512, 512, 1, 4085, 2, 64, false};

static struct disk disk;
static struct fat_volume *volume;

static inline void mount(void)
{
    int error;

    volume = disk_mount(&disk, &error);
    if (volume == NULL) {
        fprintf(stderr, "mount: %s\n", disk.last_report);
        exit(1);
    }
}

static inline void start(const struct format *format)
{
    format_disk(&disk, format);
    mount();
}

/* Unmounts, without checking. */
static inline void stop(void)
{
    CHECK_EQUAL(fat_unmount(volume), FS_OK);
    free(volume);
    disk_destroy(&disk);
}

/* Unmounts and lets the checker find nothing. */
static inline void finish(void)
{
    struct checker checker;

    CHECK_EQUAL(fat_unmount(volume), FS_OK);
    free(volume);
    checker_run(&checker, disk.bytes, (size_t)disk.sector_count * disk.sector_size);
    CHECK_TEXT(checker.first_error, "");
    CHECK(!checker.is_dirty);
    checker_free(&checker);
    disk_destroy(&disk);
}

static inline struct fat_file *open_file(const char *path, unsigned flags)
{
    struct fat_file *file = NULL;

    CHECK_EQUAL(fat_open(volume, path, flags, &file), FS_OK);
    return file;
}

static inline void write_file(const char *path, const void *data, size_t size)
{
    struct fat_file *file = open_file(path, FAT_OPEN_CREATE);
    size_t done;

    CHECK_EQUAL(fat_write(file, 0, data, size, &done), FS_OK);
    CHECK_EQUAL(done, size);
    CHECK_EQUAL(fat_close(file), FS_OK);
}

static inline void check_contents(const char *path, const char *expected)
{
    char buffer[1000] = "";
    struct fat_file *file = open_file(path, 0);
    size_t done;

    CHECK_EQUAL(fat_read(file, 0, buffer, sizeof(buffer) - 1, &done), FS_OK);
    CHECK_TEXT(buffer, expected);
    CHECK_EQUAL(fat_close(file), FS_OK);
}

#endif
