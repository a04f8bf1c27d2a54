/* FAT volumes, one behaviour after the other. What random operations find out is in fat_random.c.
 */
#include "parent/fs/fat_format.h"
#include "tests/fat/fixture.h"

/* Every call of the device fails once: whatever was done then, the volume is not damaged, and what
 * was there before is still there. */
static unsigned run_with_failure(const struct format *format, long calls)
{
    static uint8_t data[3000];
    struct checker checker;
    struct fat_file *file;
    size_t done;

    start(format);
    write_file("/precious", "data", 4);
    CHECK_EQUAL(fat_make_directory(volume, "/dir"), FS_OK);
    write_file("/dir/file to be renamed", "data", 4);
    CHECK_EQUAL(fat_sync(volume), FS_OK);
    disk.calls_until_failure = calls;
    if (fat_open(volume, "/dir/another file", FAT_OPEN_CREATE, &file) == FS_OK) {
        fat_write(file, 500, data, sizeof(data), &done);
        fat_set_size(file, 1000);
        fat_sync(volume);
        fat_write(file, 1000, data, sizeof(data), &done);
        fat_close(file);
    }
    fat_make_directory(volume, "/dir/directory with a long name");
    fat_rename(volume, "/dir/file to be renamed", "/renamed file");
    fat_sync(volume);
    fat_remove(volume, "/dir/another file");
    fat_remove_directory(volume, "/dir/directory with a long name");
    fat_unmount(volume);
    free(volume);

    unsigned failures = disk.failures;

    disk.calls_until_failure = -1;
    mount();
    check_contents("/precious", "data");
    CHECK_EQUAL(fat_unmount(volume), FS_OK);
    free(volume);
    checker_run(&checker, disk.bytes, (size_t)disk.sector_count * disk.sector_size);
    if (checker.errors > 0)
        fprintf(stderr, "failure after %ld calls: %s\n", calls, checker.first_error);
    CHECK_EQUAL(checker.errors, 0);
    CHECK(checker_find(&checker, "/renamed file") != NULL ||
          checker_find(&checker, "/dir/file to be renamed") != NULL);
    checker_free(&checker);
    disk_destroy(&disk);
    return failures;
}

static void test_failures(const struct format *format)
{
    long calls = 0;

    while (run_with_failure(format, calls) > 0)
        calls++;
    CHECK(calls > 50);
}

/* --- Damage --- */

static void put32(uint64_t offset, uint32_t value)
{
    memcpy(disk.bytes + offset, &value, sizeof(value));
}

static void test_bad_boot_sectors(void)
{
    static const struct {
        unsigned offset, size;
        uint32_t value;
        int error;
        const char *report;
    } cases[] = {
        {510, 2, 0, FS_UNSUPPORTED, "not a FAT volume: the first sector has no boot signature"},
        {0, 1, 0, FS_UNSUPPORTED, "not a FAT volume: the first sector does not begin with a jump"},
        {11, 2, 0, FS_UNSUPPORTED, "not a FAT volume: there is no FAT volume (bytes per sector)"},
        {11, 2, 513, FS_UNSUPPORTED, "not a FAT volume: there is no FAT volume (bytes per sector)"},
        {11, 2, 256, FS_UNSUPPORTED, "not a FAT volume: there is no FAT volume (bytes per sector)"},
        {21, 1, 7, FS_UNSUPPORTED, "not a FAT volume: there is no FAT volume (media type)"},
        {13, 1, 0, FS_DAMAGED, NULL},
        {13, 1, 3, FS_DAMAGED, NULL},
        {13, 1, 255, FS_DAMAGED, NULL},
        {14, 2, 0, FS_DAMAGED, "the FAT volume cannot be used: it has no reserved sectors"},
        {14, 2, 65535, FS_DAMAGED, "the FAT volume cannot be used: it has no room for data"},
        {16, 1, 0, FS_DAMAGED, "the FAT volume cannot be used: the number of FATs is not 1 to 4"},
        {16, 1, 200, FS_DAMAGED, NULL},
        {17, 2, 16, FS_DAMAGED, NULL},
        {32, 4, 0, FS_DAMAGED, NULL},
        {32, 4, 100000, FS_DAMAGED,
         "the FAT volume cannot be used: it is larger than the device or partition that it is on"},
        {32, 4, UINT32_MAX, FS_DAMAGED, NULL},
        {36, 4, 0, FS_DAMAGED, "the FAT volume cannot be used: its FAT has no sectors"},
        {36, 4, 1, FS_DAMAGED,
         "the FAT volume cannot be used: its FAT is too small for its clusters"},
        {36, 4, UINT32_MAX, FS_DAMAGED, NULL},
        {40, 2, 0x0083, FS_DAMAGED, "the FAT volume cannot be used: its active FAT does not exist"},
        {42, 2, 1, FS_DAMAGED, "the FAT volume cannot be used: its FAT32 version is unknown"},
        {44, 4, 0, FS_DAMAGED,
         "the FAT volume cannot be used: its root directory is at no cluster"},
        {44, 4, 602, FS_DAMAGED, NULL},
        {44, 4, UINT32_MAX, FS_DAMAGED, NULL},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int error;

        format_disk(&disk, &fat32);
        memcpy(disk.bytes + cases[i].offset, &cases[i].value, cases[i].size);
        volume = disk_mount(&disk, &error);
        CHECK(volume == NULL);
        CHECK_EQUAL(error, cases[i].error);
        CHECK_EQUAL(disk.report_count, 1);
        if (cases[i].report != NULL)
            CHECK_TEXT(disk.last_report, cases[i].report);
        disk_destroy(&disk);
    }
}

static void test_fat12(void)
{
    struct format format = fat16;
    int error;

    format.clusters = 4084;
    format_disk(&disk, &format);
    CHECK(disk_mount(&disk, &error) == NULL);
    CHECK_EQUAL(error, FS_UNSUPPORTED);
    CHECK_TEXT(disk.last_report, "the FAT volume cannot be used: it is FAT12, which is not "
                                 "supported (format it as FAT16 or FAT32)");
    disk_destroy(&disk);
}

/* Where the value of a cluster is in the first FAT of the FAT32 volume. */
static uint64_t fat_offset(uint32_t cluster)
{
    return 8 * 512 + cluster * 4;
}

/* A FAT32 volume with the directory /dir (cluster 3) and the file /dir/file (clusters 4 to 7). */
static void start_damaged(uint32_t cluster, uint32_t value)
{
    static uint8_t data[2000];

    start(&fat32);
    CHECK_EQUAL(fat_make_directory(volume, "/dir"), FS_OK);
    write_file("/dir/file", data, sizeof(data));
    write_file("/other", "data", 4);
    CHECK_EQUAL(fat_unmount(volume), FS_OK);
    free(volume);
    put32(fat_offset(cluster), value);
    mount();
}

static void check_damage_found(const char *report)
{
    struct fat_info info;
    struct fat_file *file;

    CHECK_TEXT(disk.last_report, report);
    fat_get_info(volume, &info);
    CHECK(info.damaged && info.read_only);
    CHECK_EQUAL(fat_open(volume, "/new", FAT_OPEN_CREATE, &file), FS_READ_ONLY);
    check_contents("/other", "data");
    stop();
}

static void read_damaged_file(void)
{
    struct fat_file *file;
    uint8_t data[2000];
    size_t done;

    file = open_file("/dir/file", 0);
    CHECK_EQUAL(fat_read(file, 0, data, sizeof(data), &done), FS_DAMAGED);
    CHECK_EQUAL(fat_close(file), FS_OK);
}

static void test_damaged_chains(void)
{
    struct fat_file *file;
    struct fat_status status;
    uint32_t position = 0;
    unsigned count = 0;
    int error;

    start_damaged(5, 0xfffffff);
    read_damaged_file();
    check_damage_found("damaged: the chain from cluster 4 is shorter than its file; "
                       "the volume is read-only now");

    start_damaged(5, 0xffffff0);
    read_damaged_file();
    check_damage_found("damaged: cluster 5 of a chain has the FAT value ffffff0h; "
                       "the volume is read-only now");

    start_damaged(4, 0);
    CHECK_EQUAL(fat_open(volume, "/dir/file", 0, &file), FS_DAMAGED);
    check_damage_found("damaged: an entry in sector 19 points to the free cluster 4; "
                       "the volume is read-only now");

    /* A directory without end: 16 entries per round, in the last of which it does not end, either.
     */
    start_damaged(3, 3);
    for (unsigned i = 0; i < 14; i++)
        memcpy(disk.bytes + 19 * 512 + i * 32, "NAME       \x20", 12);
    CHECK_EQUAL(fat_open(volume, "/dir", FAT_OPEN_DIRECTORY, &file), FS_DAMAGED);
    stop();
    start_damaged(3, 3);
    for (unsigned i = 2; i < 16; i++)
        memcpy(disk.bytes + 19 * 512 + i * 32, "NAME       \x20", 12);
    file = open_file("/dir", FAT_OPEN_DIRECTORY);
    while ((error = fat_read_directory(file, &position, &status)) == FS_OK)
        count++;
    CHECK_EQUAL(error, FS_DAMAGED);
    CHECK(count < FAT_DIRECTORY_ENTRIES_MAX);
    CHECK_EQUAL(fat_close(file), FS_OK);
    check_damage_found("damaged: the directory at cluster 3 does not end; "
                       "the volume is read-only now");
}

static void check_with(uint32_t cluster, uint32_t value, int expected, const char *report)
{
    struct fat_check_result result;
    void *memory;

    start_damaged(cluster, value);
    memory = malloc(fat_check_memory(volume));
    CHECK_EQUAL(fat_check(volume, memory, &result), expected);
    CHECK_EQUAL(result.errors, expected == FS_OK ? 0 : 1);
    free(memory);
    if (expected != FS_OK)
        check_damage_found(report);
    else
        finish();
}

static void test_check(void)
{
    check_with(7, 8, FS_OK, "");         /* a chain that is too long */
    check_with(100, 101, FS_OK, "");     /* a lost cluster */
    check_with(7, 0xffffff7, FS_OK, ""); /* a file that ends with the mark for a bad cluster */
    check_with(6, 4, FS_DAMAGED,
               "damaged: cluster 4 belongs to more than one file; the volume is read-only now");
    check_with(6, 8, FS_DAMAGED,
               "damaged: cluster 8 belongs to more than one file; the volume is read-only now");
    check_with(7, 0, FS_DAMAGED,
               "damaged: cluster 7 belongs to a file and is free; the volume is read-only now");
    check_with(3, 4, FS_DAMAGED,
               "damaged: cluster 4 belongs to more than one file; the volume is read-only now");
}

int main(void)
{
    test_failures(&fat32);
    test_failures(&fat16);
    test_bad_boot_sectors();
    test_fat12();
    test_damaged_chains();
    test_check();
    return unit_result();
}
