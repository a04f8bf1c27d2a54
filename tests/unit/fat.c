/* FAT volumes, one behaviour after the other. What random operations find out is in fat_random.c.
 */
#include "parent/fs/fat_format.h"
#include "tests/fat/fixture.h"

/* --- Names --- */

/* The raw short name of the first file in the root directory of @disk behind the label. */
static const struct fat_entry *first_short_entry(void)
{
    const struct fat_entry *entry = NULL;
    struct fat_boot_sector boot;

    memcpy(&boot, disk.bytes, sizeof(boot));
    entry =
        (const struct fat_entry *)(disk.bytes + (size_t)(boot.reserved_sectors +
                                                         boot.fat_count * boot.fat32.fat_sectors) *
                                                    boot.bytes_per_sector);
    while ((entry->attributes & FAT_ATTRIBUTE_VOLUME) != 0 || entry->name[0] == FAT_ENTRY_DELETED)
        entry++;
    return entry;
}

static void test_short_names(void)
{
    static const struct {
        const char *name, *short_name;
        uint8_t case_flags;
        bool has_long_name;
    } cases[] = {
        {"README.TXT", "README  TXT", 0, false},    {"readme.txt", "README  TXT", 0x18, false},
        {"README.txt", "README  TXT", 0x10, false}, {"readme.TXT", "README  TXT", 0x08, false},
        {"ReadMe.txt", "README  TXT", 0, true},     {"x", "X          ", 0x08, false},
        {"12345678.123", "12345678123", 0, false},  {"123456789", "123456~1   ", 0, true},
        {"file.html", "FILE~1  HTM", 0, true},      {".config", "CONFIG~1   ", 0, true},
        {"a b.c", "AB~1    C  ", 0, true},          {"many.dots.in.name", "MANYDO~1NAM", 0, true},
        {"plus+.x", "PLUS_~1 X  ", 0, true},        {"\xc3\xa9t\xc3\xa9", "_T_~1      ", 0, true},
        {"$%'-_@~!.(){", "$%'-_@~!(){", 0, false},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fat_status status;

        start(&fat32);
        write_file(cases[i].name, "", 0);
        CHECK_EQUAL(fat_get_status(volume, cases[i].name, &status), FS_OK);
        CHECK_TEXT(status.name, cases[i].name);
        CHECK_EQUAL(fat_sync(volume), FS_OK);

        const struct fat_entry *entry = first_short_entry();
        char name[12] = "";

        memcpy(name, entry->name, 11);
        CHECK_TEXT(name, cases[i].short_name);
        CHECK_EQUAL(entry->case_flags, cases[i].case_flags);
        CHECK_EQUAL((entry[-1].attributes & FAT_ATTRIBUTE_MASK) == FAT_ATTRIBUTE_LONG,
                    cases[i].has_long_name);
        finish();
    }
}

static void test_bad_names(void)
{
    static const char *const bad[] = {"a*b",
                                      "a?",
                                      "a:b",
                                      "a\\b",
                                      "a|b",
                                      "a<b",
                                      "a>b",
                                      "\"a\"",
                                      "a\nb",
                                      "a\x7f",
                                      "dot.",
                                      "space ",
                                      ".",
                                      "..",
                                      "/x/../y",
                                      "\xff",
                                      "\xc0\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xe2\x82"};
    char long_name[400];
    struct fat_file *file;

    start(&fat32);
    CHECK_EQUAL(fat_make_directory(volume, "x"), FS_OK);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQUAL(fat_open(volume, bad[i], FAT_OPEN_CREATE, &file), FS_BAD_NAME);
    memset(long_name, 'n', sizeof(long_name));
    long_name[256] = '\0';
    CHECK_EQUAL(fat_open(volume, long_name, FAT_OPEN_CREATE, &file), FS_BAD_NAME);
    long_name[255] = '\0';
    write_file(long_name, "x", 1);
    check_contents(long_name, "x");
    finish();
}

static void test_case(void)
{
    struct fat_file *file;
    struct fat_status status;

    start(&fat16);
    write_file("/Größe der Straße", "1", 1);
    check_contents("/GRÖßE DER STRAßE", "1");
    write_file("/Дом", "2", 1);
    check_contents("дОМ", "2");
    write_file("/smile \xf0\x9f\x98\x80", "3", 1);
    check_contents("//SMILE \xf0\x9f\x98\x80/", "3");
    CHECK_EQUAL(fat_open(volume, "дом", FAT_OPEN_CREATE | FAT_OPEN_EXCLUSIVE, &file), FS_EXISTS);
    /* The short name finds it, too. */
    write_file("/A long name.text", "4", 1);
    check_contents("/ALONGN~1.TEX", "4");
    CHECK_EQUAL(fat_rename(volume, "/a LONG name.TEXT", "/A Long Name.Text"), FS_OK);
    CHECK_EQUAL(fat_get_status(volume, "/a long name.text", &status), FS_OK);
    CHECK_TEXT(status.name, "A Long Name.Text");
    finish();
}

/* So many alike that hashes and long searches are needed. */
static void test_alike_names(void)
{
    struct fat_status status;
    char name[40];

    start(&fat32);
    CHECK_EQUAL(fat_make_directory(volume, "d"), FS_OK);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "d/name that is alike %u.txt", i);
        write_file(name, "", 0);
    }
    for (unsigned i = 1; i <= 5; i++) {
        snprintf(name, sizeof(name), "d/NAMETH~%u.TXT", i);
        CHECK_EQUAL(fat_get_status(volume, name, &status), i <= 4 ? FS_OK : FS_NOT_FOUND);
    }
    finish();
}

static void test_paths(void)
{
    struct fat_status status;
    struct fat_file *file;

    start(&fat32);
    CHECK_EQUAL(fat_make_directory(volume, "/a"), FS_OK);
    CHECK_EQUAL(fat_make_directory(volume, "/a/b/"), FS_OK);
    CHECK_EQUAL(fat_make_directory(volume, "/A/B"), FS_EXISTS);
    CHECK_EQUAL(fat_make_directory(volume, "/"), FS_EXISTS);
    CHECK_EQUAL(fat_make_directory(volume, "/x/y"), FS_NOT_FOUND);
    write_file("/a/b/file", "data", 4);
    CHECK_EQUAL(fat_get_status(volume, "/a/b/file/x", &status), FS_NOT_DIRECTORY);
    CHECK_EQUAL(fat_get_status(volume, "/", &status), FS_OK);
    CHECK_TEXT(status.name, "/");
    CHECK_EQUAL(status.attributes, FAT_DIRECTORY);
    CHECK_EQUAL(fat_get_status(volume, "a//b///FILE", &status), FS_OK);
    CHECK_EQUAL(status.size, 4);
    CHECK_EQUAL(status.attributes, FAT_ARCHIVE);
    CHECK_EQUAL(status.modified.year, 2024);
    CHECK_EQUAL(status.modified.month, 2);
    CHECK_EQUAL(status.modified.day, 29);
    CHECK_EQUAL(status.modified.hour, 13);
    CHECK_EQUAL(status.modified.minute, 37);
    CHECK_EQUAL(status.created.second, 40); /* in steps of two seconds */
    CHECK_EQUAL(fat_open(volume, "/a", 0, &file), FS_IS_DIRECTORY);
    CHECK_EQUAL(fat_open(volume, "/a/b/file", FAT_OPEN_DIRECTORY, &file), FS_NOT_DIRECTORY);
    CHECK_EQUAL(fat_open(volume, "/new", FAT_OPEN_DIRECTORY | FAT_OPEN_CREATE, &file), FS_INVALID);
    CHECK_EQUAL(fat_remove(volume, "/a"), FS_IS_DIRECTORY);
    CHECK_EQUAL(fat_remove_directory(volume, "/a"), FS_NOT_EMPTY);
    CHECK_EQUAL(fat_remove_directory(volume, "/"), FS_INVALID);
    CHECK_EQUAL(fat_rename(volume, "/a", "/a/b/c"), FS_INVALID);
    CHECK_EQUAL(fat_rename(volume, "/a", "/a"), FS_OK);
    CHECK_EQUAL(fat_rename(volume, "/", "/b"), FS_INVALID);
    CHECK_EQUAL(fat_rename(volume, "/a/b/file", "/"), FS_EXISTS);
    finish();
}

/* --- Files --- */

static void test_open_files(void)
{
    struct fat_file *first, *second;
    char buffer[5] = "";
    size_t done;

    start(&fat32);
    write_file("/file", "abcd", 4);
    write_file("/other", "", 0);
    first = open_file("/file", 0);
    second = open_file("/FILE", 0);
    CHECK(first == second);
    CHECK_EQUAL(fat_remove(volume, "/file"), FS_BUSY);
    CHECK_EQUAL(fat_rename(volume, "/file", "/file2"), FS_BUSY);
    CHECK_EQUAL(fat_rename(volume, "/other", "/file"), FS_BUSY);
    CHECK_EQUAL(fat_open(volume, "/file", FAT_OPEN_TRUNCATE, &second), FS_BUSY);
    CHECK_EQUAL(fat_unmount(volume), FS_BUSY);
    CHECK_EQUAL(fat_close(second), FS_OK);
    CHECK_EQUAL(fat_remove(volume, "/file"), FS_BUSY);
    CHECK_EQUAL(fat_read(first, 1, buffer, 2, &done), FS_OK);
    CHECK_TEXT(buffer, "bc");
    CHECK_EQUAL(fat_close(first), FS_OK);
    CHECK_EQUAL(fat_remove(volume, "/file"), FS_OK);

    first = open_file("/", FAT_OPEN_DIRECTORY);
    CHECK_EQUAL(fat_read(first, 0, buffer, 1, &done), FS_IS_DIRECTORY);
    CHECK_EQUAL(fat_write(first, 0, buffer, 1, &done), FS_IS_DIRECTORY);
    CHECK_EQUAL(fat_close(first), FS_OK);
    finish();
}

/* A file for one user: nobody else opens or changes it, in whatever way. */
static void test_alone(void)
{
    struct fat_file *alone, *other;

    start(&fat32);
    write_file("/other", "", 0);
    alone = open_file("/file", FAT_OPEN_CREATE | FAT_OPEN_EXCLUSIVE | FAT_OPEN_ALONE);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQUAL(fat_open(volume, "/file", 0, &other), FS_BUSY);
        CHECK_EQUAL(fat_open(volume, "//FILE", FAT_OPEN_ALONE, &other), FS_BUSY);
        CHECK_EQUAL(fat_open(volume, "/file", FAT_OPEN_CREATE, &other), FS_BUSY);
        CHECK_EQUAL(fat_remove(volume, "/file"), FS_BUSY);
        CHECK_EQUAL(fat_rename(volume, "/file", "/file2"), FS_BUSY);
        CHECK_EQUAL(fat_rename(volume, "/other", "/file"), FS_BUSY);
        CHECK_EQUAL(fat_close(alone), FS_OK);
        alone = open_file("/file", FAT_OPEN_ALONE); /* one that exists */
    }
    CHECK_EQUAL(fat_close(alone), FS_OK);
    other = open_file("/file", 0);
    CHECK_EQUAL(fat_open(volume, "/file", FAT_OPEN_ALONE, &alone), FS_BUSY);
    CHECK_EQUAL(fat_close(open_file("/file", 0)), FS_OK);
    CHECK_EQUAL(fat_close(other), FS_OK);
    finish();
}

static void test_too_many_open(void)
{
    struct fat_file *files[FAT_OPEN_MAX], *file;
    char name[20];

    start(&fat16);
    CHECK_EQUAL(fat_make_directory(volume, "/d"), FS_OK);
    for (unsigned i = 0; i < FAT_OPEN_MAX; i++) {
        snprintf(name, sizeof(name), "/d/%u", i);
        files[i] = open_file(name, FAT_OPEN_CREATE);
    }
    CHECK_EQUAL(fat_open(volume, "/d/more", FAT_OPEN_CREATE, &file), FS_TOO_MANY_OPEN);
    CHECK_EQUAL(fat_open(volume, "/d", FAT_OPEN_DIRECTORY, &file), FS_TOO_MANY_OPEN);
    CHECK_EQUAL(fat_open(volume, "/d/7", 0, &file), FS_OK);
    CHECK_EQUAL(fat_close(file), FS_OK);
    for (unsigned i = 0; i < FAT_OPEN_MAX; i++)
        CHECK_EQUAL(fat_close(files[i]), FS_OK);
    CHECK_EQUAL(fat_get_status(volume, "/d/more", &(struct fat_status){0}), FS_NOT_FOUND);
    finish();
}

static void test_sizes(void)
{
    struct fat_file *file;
    char byte = 'x';
    size_t done;

    start(&fat32);
    file = open_file("/file", FAT_OPEN_CREATE);
    CHECK_EQUAL(fat_write(file, 0xffffffff, &byte, 1, &done), FS_TOO_LARGE);
    CHECK_EQUAL(fat_write(file, UINT64_MAX, &byte, 1, &done), FS_TOO_LARGE);
    CHECK_EQUAL(fat_set_size(file, 0x100000000), FS_TOO_LARGE);
    CHECK_EQUAL(fat_preallocate(file, 0x100000000, false), FS_TOO_LARGE);
    CHECK_EQUAL(fat_write(file, 0xfffffffe, &byte, 1, &done), FS_NO_SPACE);
    CHECK_EQUAL(fat_set_size(file, 0xffffffff), FS_NO_SPACE);
    CHECK_EQUAL(fat_file_size(file), 0);
    CHECK_EQUAL(fat_write(file, 1000, &byte, 0, &done), FS_OK);
    CHECK_EQUAL(fat_file_size(file), 0);
    CHECK_EQUAL(fat_read(file, UINT64_MAX, &byte, 1, &done), FS_OK);
    CHECK_EQUAL(done, 0);
    CHECK_EQUAL(fat_close(file), FS_OK);
    finish();
}

/* The gap is zero, even where the clusters had other data before. */
static void test_gap(void)
{
    uint8_t data[5000], back[5000];
    struct fat_file *file;
    size_t done;

    start(&fat32);
    memset(data, 0xaa, sizeof(data));
    for (unsigned i = 0; i < 58; i++)
        write_file((char[]){'a' + (char)(i % 26), '0' + (char)(i / 26), '\0'}, data, sizeof(data));
    for (unsigned i = 0; i < 58; i++)
        CHECK_EQUAL(fat_remove(volume, (char[]){'a' + (char)(i % 26), '0' + (char)(i / 26), '\0'}),
                    FS_OK);
    file = open_file("/file", FAT_OPEN_CREATE);
    CHECK_EQUAL(fat_write(file, 100, data, 10, &done), FS_OK);
    CHECK_EQUAL(fat_set_size(file, 105), FS_OK);
    CHECK_EQUAL(fat_write(file, 4000, data, 10, &done), FS_OK);
    CHECK_EQUAL(fat_set_size(file, 4500), FS_OK);
    memset(data, 0, sizeof(data));
    memset(data + 100, 0xaa, 5);
    memset(data + 4000, 0xaa, 10);
    CHECK_EQUAL(fat_read(file, 0, back, sizeof(back), &done), FS_OK);
    CHECK_EQUAL(done, 4500);
    CHECK(memcmp(data, back, 4500) == 0);
    CHECK_EQUAL(fat_close(file), FS_OK);
    finish();
}

/* The other kind of gap: not a byte of it is written. */
/* Memory at odd addresses, with whole sectors in it. */
static void test_odd_memory(void)
{
    static _Alignas(2) uint8_t data[3001], back[3001];
    struct fat_file *file;
    size_t done;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    start(&fat32);
    CHECK_EQUAL(fat_open(volume, "/odd", FAT_OPEN_CREATE, &file), FS_OK);
    CHECK_EQUAL(fat_write(file, 0, data + 1, 3000, &done), FS_OK);
    CHECK_EQUAL(done, 3000);
    CHECK_EQUAL(fat_read(file, 0, back + 1, 3000, &done), FS_OK);
    CHECK_EQUAL(done, 3000);
    CHECK(memcmp(data + 1, back + 1, 3000) == 0);
    CHECK_EQUAL(fat_close(file), FS_OK);
    finish();
}

static void test_unfilled_gap(void)
{
    uint8_t data[3000], back[3000];
    struct fat_file *file;
    unsigned writes;
    size_t done;

    start(&fat32);
    memset(data, 0xaa, sizeof(data));
    file = open_file("/file", FAT_OPEN_CREATE);
    CHECK_EQUAL(fat_write(file, 0, data, 700, &done), FS_OK);
    CHECK_EQUAL(fat_preallocate(file, 200512, true), FS_OK);
    writes = disk.writes;
    CHECK_EQUAL(fat_write_unfilled(file, 200000, data, 512, &done), FS_OK);
    CHECK_EQUAL(done, 512);
    CHECK(disk.writes - writes < 10);
    CHECK_EQUAL(fat_file_size(file), 200512);
    CHECK_EQUAL(fat_read(file, 0, back, 700, &done), FS_OK);
    CHECK(memcmp(data, back, 700) == 0);
    CHECK_EQUAL(fat_read(file, 200000, back, sizeof(back), &done), FS_OK);
    CHECK_EQUAL(done, 512);
    CHECK(memcmp(data, back, 512) == 0);
    CHECK_EQUAL(fat_write_unfilled(file, 1u << 30, data, 512, &done), FS_NO_SPACE);
    CHECK_EQUAL(fat_write_unfilled(file, FAT_FILE_SIZE_MAX, data, 1, &done), FS_TOO_LARGE);
    CHECK_EQUAL(fat_file_size(file), 200512);
    CHECK_EQUAL(fat_close(file), FS_OK);
    finish();
}

static void test_extents(void)
{
    struct fat_extent extents[8];
    struct fat_file *file, *other;
    struct fat_info before, info;
    uint8_t data[1600];
    unsigned count;
    size_t done;

    start(&fat32);
    fat_get_info(volume, &before);
    file = open_file("/disk", FAT_OPEN_CREATE);
    other = open_file("/other", FAT_OPEN_CREATE);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i / 512 + 1);
    CHECK_EQUAL(fat_get_extents(file, 0, extents, 8, &count), FS_OK);
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(fat_write(file, 0, data, 1024, &done), FS_OK);
    CHECK_EQUAL(fat_write(other, 0, data, 1, &done), FS_OK);
    CHECK_EQUAL(fat_write(file, 1024, data + 1024, 576, &done), FS_OK);
    CHECK_EQUAL(fat_get_extents(file, 0, extents, 8, &count), FS_OK);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(extents[0].file_offset, 0);
    CHECK_EQUAL(extents[0].sector_count, 2);
    CHECK_EQUAL(extents[1].file_offset, 1024);
    CHECK_EQUAL(extents[1].sector_count, 2);
    CHECK_EQUAL(extents[1].sector, extents[0].sector + 3);
    CHECK(memcmp(disk.bytes + extents[1].sector * 512, data + 1024, 576) == 0);
    CHECK_EQUAL(fat_get_extents(file, 700, extents, 1, &count), FS_OK);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(extents[0].file_offset, 512);

    /* In one piece, given back when the file is closed. */
    CHECK_EQUAL(fat_set_size(other, 0), FS_OK);
    CHECK_EQUAL(fat_sync(volume), FS_OK);
    CHECK_EQUAL(fat_preallocate(other, 200 * 512, true), FS_OK);
    fat_get_info(volume, &info);
    CHECK_EQUAL(info.free_clusters, before.free_clusters - 4 - 200);
    CHECK_EQUAL(fat_preallocate(file, 300000, true), FS_NO_SPACE);
    CHECK_EQUAL(fat_set_size(other, 200 * 512), FS_OK);
    CHECK_EQUAL(fat_get_extents(other, 0, extents, 8, &count), FS_OK);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(fat_set_size(other, 10), FS_OK);
    CHECK_EQUAL(fat_preallocate(other, 50000, false), FS_OK);
    CHECK_EQUAL(fat_close(file), FS_OK);
    CHECK_EQUAL(fat_close(other), FS_OK);
    CHECK_EQUAL(fat_sync(volume), FS_OK);
    fat_get_info(volume, &info);
    CHECK_EQUAL(info.free_clusters, before.free_clusters - 4 - 1);
    finish();
}

/* A full FAT16 root directory, and a full volume. */
static void test_full(void)
{
    static uint8_t data[70000];
    struct fat_file *file;
    char name[20];
    size_t done;
    int error = FS_OK;
    unsigned count = 0;

    start(&fat16);
    while (error == FS_OK) {
        snprintf(name, sizeof(name), "/%u", count++);
        error = fat_open(volume, name, FAT_OPEN_CREATE, &file);
        if (error == FS_OK)
            CHECK_EQUAL(fat_close(file), FS_OK);
    }
    CHECK_EQUAL(error, FS_DIRECTORY_FULL);
    CHECK_EQUAL(count, 64); /* the label takes one of 64 entries */
    CHECK_EQUAL(fat_make_directory(volume, "/d"), FS_DIRECTORY_FULL);
    CHECK_EQUAL(fat_remove(volume, "/7"), FS_OK);
    CHECK_EQUAL(fat_make_directory(volume, "/a name of two pieces"), FS_DIRECTORY_FULL);
    CHECK_EQUAL(fat_make_directory(volume, "/d"), FS_OK);

    /* No place for the record of a renaming: nothing changes. */
    CHECK_EQUAL(fat_make_directory(volume, "/d/one"), FS_OK);
    CHECK_EQUAL(fat_make_directory(volume, "/d/two"), FS_OK);
    write_file("/d/one/file", "", 0);
    CHECK_EQUAL(fat_rename(volume, "/d/one/file", "/d/two/A long name"), FS_DIRECTORY_FULL);
    CHECK_EQUAL(fat_rename(volume, "/d/one/file", "/d/one/A long name"), FS_OK);

    error = FS_OK;
    for (count = 0; error == FS_OK; count++) {
        snprintf(name, sizeof(name), "/%u", count % 7);
        file = open_file(name, 0);
        error = fat_write(file, fat_file_size(file), data, sizeof(data), &done);
        CHECK_EQUAL(fat_close(file), FS_OK);
    }
    CHECK_EQUAL(error, FS_NO_SPACE);
    CHECK_EQUAL(count, 4082 / 137 + 1); /* clusters for each write, and three for directories */
    CHECK_EQUAL(fat_remove(volume, "/0"), FS_OK);
    write_file("/0", data, sizeof(data));
    finish();
}

/* --- Volumes --- */

static void test_info(void)
{
    struct fat_info info;

    start(&fat32);
    fat_get_info(volume, &info);
    CHECK_TEXT(info.label, "TEST");
    CHECK_EQUAL(info.serial, 0x12345678);
    CHECK_EQUAL(info.fat_bits, 32);
    CHECK_EQUAL(info.cluster_size, 512);
    CHECK_EQUAL(info.cluster_count, 600);
    CHECK_EQUAL(info.free_clusters, 599);
    CHECK(!info.read_only && !info.damaged && !info.was_dirty);
    CHECK_EQUAL(disk.writes, 0);
    finish();

    start(&fat16);
    fat_get_info(volume, &info);
    CHECK_TEXT(info.label, "TEST");
    CHECK_EQUAL(info.fat_bits, 16);
    CHECK_EQUAL(info.free_clusters, 4085);
    finish();
}

static void test_dirty(const struct format *format)
{
    struct fat_check_result result;
    struct fat_info info;
    struct checker checker;
    void *memory;

    start(format);
    write_file("/file", "data", 4);
    CHECK_EQUAL(fat_sync(volume), FS_OK);
    checker_run(&checker, disk.bytes, (size_t)disk.sector_count * disk.sector_size);
    CHECK(checker.is_dirty);
    checker_free(&checker);
    free(volume);

    /* The power was cut. The mark stays until the volume has been checked. */
    for (unsigned i = 0; i < 2; i++) {
        mount();
        fat_get_info(volume, &info);
        CHECK(info.was_dirty);
        CHECK_TEXT(disk.last_report, "the volume was not cleanly unmounted");
        check_contents("/file", "data");
        CHECK_EQUAL(fat_unmount(volume), FS_OK);
        free(volume);
    }
    mount();
    memory = malloc(fat_check_memory(volume));
    CHECK_EQUAL(fat_check(volume, memory, &result), FS_OK);
    CHECK_EQUAL(result.files, 1);
    CHECK_EQUAL(result.errors, 0);
    free(memory);
    finish();
}

static void test_read_only(void)
{
    struct fat_file *file;

    start(&fat32);
    write_file("/file", "data", 4);
    CHECK_EQUAL(fat_unmount(volume), FS_OK);
    free(volume);
    disk.read_only = true;
    mount();
    check_contents("/file", "data");
    CHECK_EQUAL(fat_open(volume, "/new", FAT_OPEN_CREATE, &file), FS_READ_ONLY);
    CHECK_EQUAL(fat_remove(volume, "/file"), FS_READ_ONLY);
    CHECK_EQUAL(fat_make_directory(volume, "/new"), FS_READ_ONLY);
    CHECK_EQUAL(fat_rename(volume, "/file", "/new"), FS_READ_ONLY);
    CHECK_EQUAL(fat_open(volume, "/file", FAT_OPEN_TRUNCATE, &file), FS_READ_ONLY);
    finish();
}

int main(void)
{
    test_short_names();
    test_bad_names();
    test_case();
    test_alike_names();
    test_paths();
    test_open_files();
    test_alone();
    test_too_many_open();
    test_sizes();
    test_gap();
    test_odd_memory();
    test_unfilled_gap();
    test_extents();
    test_full();
    test_info();
    test_dirty(&fat32);
    test_dirty(&fat16);
    test_read_only();
    return unit_result();
}
