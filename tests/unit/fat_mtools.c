/* Volumes made by mkfs.fat: what we write mtools reads, what mtools writes we read, and fsck.fat is
 * content with both. */
#include <stdarg.h>
#include <unistd.h>

#include "tests/fat/fixture.h"

#define FILE_SIZE 50000
#define COMMAND_SIZE 600

/* mtools has patterns, and no characters beyond 16 bits. */
static const char *const names[] = {
    "A.TXT",         "lower.txt",
    "MixedCase.Txt", "A rather long name that needs several pieces of thirteen characters.conf",
    "exactly13char", "two words",
    ".hidden",       "Grüße aus Köln.txt",
    "Дом.vhd",       "虚拟磁盘.vhdx",
    "a+b=c;d,e].x",  "NAME~1.TXT",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static char directory[] = "/tmp/fat-mtools-XXXXXX";

/* Runs a command in the directory; it must succeed. */
static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
    char command[COMMAND_SIZE], full[COMMAND_SIZE + 200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    snprintf(full, sizeof(full),
             "cd %s && export LC_ALL=C.UTF-8 MTOOLS_SKIP_CHECK=1 && (%s) > log 2>&1 "
             "|| { echo '%s' >&2; cat log >&2; exit 1; }",
             directory, command, command);
    CHECK_EQUAL(system(full), 0);
}

static void make_data(uint8_t *data, unsigned seed)
{
    for (unsigned i = 0; i < FILE_SIZE; i++)
        data[i] = (uint8_t)(seed * 31 + i * 7 + i / 256);
}

static void save_file(const char *name, const uint8_t *data, size_t size)
{
    char path[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "wb");
    CHECK_EQUAL(fwrite(data, 1, size, file), size);
    CHECK_EQUAL(fclose(file), 0);
}

static void save_image(void)
{
    char path[300];

    CHECK_EQUAL(fat_unmount(volume), FS_OK);
    free(volume);
    snprintf(path, sizeof(path), "%s/image", directory);
    disk_save(&disk, path);
    disk_destroy(&disk);
}

static void load_image(void)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/image", directory);
    disk_load(&disk, path, 512);
    mount();
}

static size_t size_of(unsigned i)
{
    return i * FILE_SIZE / NAMES;
}

/* We write in the root and in a directory; mtools copies everything back. */
static void write_for_mtools(void)
{
    uint8_t data[FILE_SIZE];
    char path[300];

    load_image();
    CHECK_EQUAL(fat_make_directory(volume, "/Ein Verzeichnis für alle"), FS_OK);
    for (unsigned i = 0; i < NAMES; i++) {
        make_data(data, i);
        snprintf(path, sizeof(path), "/%s", names[i]);
        write_file(path, data, size_of(i));
        snprintf(path, sizeof(path), "/Ein Verzeichnis für alle/%s", names[i]);
        write_file(path, data, size_of(i));
    }
    save_image();
    run("/usr/sbin/fsck.fat -n image");
    for (unsigned i = 0; i < NAMES; i++) {
        make_data(data, i);
        save_file("expected", data, size_of(i));
        run("mcopy -n -i image \"::/%s\" back && cmp expected back && rm back", names[i]);
        run("mcopy -n -i image \"::/Ein Verzeichnis für alle/%s\" back && cmp expected back && "
            "rm back",
            names[i]);
        run("mdir -b -i image ::/ | grep -q -F -x \"::/%s\"", names[i]);
    }
}

/* mtools deletes, renames and writes; we read all of it. */
static void read_from_mtools(void)
{
    uint8_t data[FILE_SIZE], back[FILE_SIZE];
    struct fat_status status;
    char path[300];

    run("mdeltree -i image '::/Ein Verzeichnis für alle'");
    run("mmd -i image '::/of mtools' '::/of mtools/sub'");
    for (unsigned i = 0; i < NAMES; i++) {
        make_data(data, i + 100);
        save_file("data", data, size_of(i) + 1);
        run("mdel -i image \"::/%s\"", names[i]);
        run("mcopy -n -i image data \"::/of mtools/%s\"", names[i]);
    }
    run("mren -i image '::/of mtools/A.TXT' '::/of mtools/Renamed by mtools'");
    load_image();
    for (unsigned i = 0; i < NAMES; i++) {
        struct fat_file *file;
        size_t done;

        make_data(data, i + 100);
        snprintf(path, sizeof(path), "/of mtools/%s", i == 0 ? "Renamed by mtools" : names[i]);
        file = open_file(path, 0);
        CHECK_EQUAL(fat_read(file, 0, back, sizeof(back), &done), FS_OK);
        CHECK_EQUAL(done, size_of(i) + 1);
        CHECK(memcmp(data, back, done) == 0);
        CHECK_EQUAL(fat_close(file), FS_OK);
        CHECK_EQUAL(fat_get_status(volume, path, &status), FS_OK);
        CHECK_TEXT(status.name, strrchr(path, '/') + 1);
    }
}

/* And we change what mtools has left. */
static void change_after_mtools(void)
{
    CHECK_EQUAL(fat_rename(volume, "/of mtools/sub", "/moved by us"), FS_OK);
    CHECK_EQUAL(fat_rename(volume, "/of mtools/lower.txt", "/moved by us/UPPER.TXT"), FS_OK);
    CHECK_EQUAL(fat_rename(volume, "/of mtools/two words", "/of mtools/.hidden"), FS_OK);
    CHECK_EQUAL(fat_remove(volume, "/of mtools/Дом.vhd"), FS_OK);
    save_image();
    run("/usr/sbin/fsck.fat -n image");
    run("mdir -b -i image '::/moved by us' | grep -q -F -x '::/moved by us/UPPER.TXT'");
    run("! mdir -b -i image '::/of mtools/Дом.vhd'");
}

static void test(const char *size, const char *options, const char *label)
{
    struct fat_info info;

    run("rm -f image && truncate -s %s image && /usr/sbin/mkfs.fat %s -n '%s' image", size, options,
        label);
    load_image();
    fat_get_info(volume, &info);
    CHECK_TEXT(info.label, label);
    save_image();
    write_for_mtools();
    read_from_mtools();
    change_after_mtools();
}

int main(void)
{
    CHECK(mkdtemp(directory) != NULL);
    test("20M", "-F 16", "VENEER");
    test("40M", "-F 32 -s 1", "VENEER");
    test("80M", "-F 32 -s 1 -f 1 -S 1024", "V 2");
    run("rm -f image data expected log");
    CHECK_EQUAL(rmdir(directory), 0);
    return unit_result();
}
