/* Long random sequences of operations on FAT volumes of all shapes, compared with a model. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/fat/format.h"
#include "tests/fat/workload.h"
#include "tests/unit/unit.h"

#define STEPS 8000
#define FILES_TO_FILL 16
#define FILE_SIZE_MAX 500000
#define STEPS_PER_SYNC 20
#define STEPS_PER_MOUNT 500
#define FSCK_FATS_MAX 2 /* more it does not know */

static const struct format formats[] = {
    /* Small clusters and a nearly full volume; directories of several clusters. */
    {true, 512, 512, 1, 900, 2, 0, false},
    {false, 512, 512, 1, 4085, 2, 512, false},
    {true, 512, 512, 8, 250, 1, 0, false},
    {false, 512, 512, 4, 65524, 2, 64, false},
    {true, 512, 512, 1, 8000, 2, 0, true},
    /* Large sectors, and a volume whose sectors are larger than the device's. */
    {true, 4096, 4096, 1, 250, 2, 0, false},
    {false, 4096, 4096, 2, 4100, 2, 512, false},
    {true, 512, 2048, 2, 250, 3, 0, false},
    {false, 1024, 4096, 1, 4085, 2, 128, false},
};

/* Debian's fsck.fat must have nothing to say about what we leave behind. */
static void run_fsck(const struct disk *disk)
{
    char path[] = "/tmp/fat-random-XXXXXX", command[200];
    int file = mkstemp(path);

    CHECK(file >= 0);
    close(file);
    disk_save(disk, path);
    snprintf(command, sizeof(command), "/usr/sbin/fsck.fat -n %s > %s.log 2>&1 || cat %s.log >&2",
             path, path, path);
    CHECK_EQUAL(system(command), 0);
    snprintf(command, sizeof(command), "/usr/sbin/fsck.fat -n %s > /dev/null 2>&1", path);
    CHECK_EQUAL(system(command), 0);
    snprintf(command, sizeof(command), "%s.log", path);
    unlink(command);
    unlink(path);
}

static void run(const struct format *format, uint64_t seed)
{
    struct workload workload;
    struct disk disk;

    format_disk(&disk, format);
    workload_start(&workload, &disk, seed);
    /* So that sometimes the files fill the volume. */
    workload.file_size_max = disk.sector_count * disk.sector_size / FILES_TO_FILL;
    if (workload.file_size_max > FILE_SIZE_MAX)
        workload.file_size_max = FILE_SIZE_MAX;
    for (unsigned step = 1; step <= STEPS && workload.failures == 0; step++) {
        workload_step(&workload);
        if (step % STEPS_PER_SYNC == 0)
            workload_sync(&workload);
        if (step % STEPS_PER_MOUNT == 0)
            workload_remount(&workload);
    }
    workload_finish(&workload);
    CHECK_EQUAL(workload.failures, 0);
    CHECK(workload.full > 0 || workload.file_size_max == FILE_SIZE_MAX);
    if (format->fat_count <= FSCK_FATS_MAX)
        run_fsck(&disk);
    workload_free(&workload);
    disk_destroy(&disk);
}

int main(void)
{
    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        unsigned before = unit_failures;

        run(&formats[i], i + 1);
        if (unit_failures > before)
            fprintf(stderr, "with format %u\n", i);
    }
    return unit_result();
}
