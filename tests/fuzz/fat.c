/* Damaged FAT volumes: one with files and directories in it is changed as the input says, then
 * checked, walked and used. Nothing may crash, hang, or touch what is outside of the volume
 * (tests/fat/disk.c ends the run then). */
#include "parent/fs/fat_format.h"
#include "tests/fat/checker.h"
#include "tests/fat/format.h"
#include "tests/fuzz/fuzz.h"

#define CALLS_MAX 60000 /* of the device in one run; a loop without end needs more */
#define OPERATIONS_MAX 24
#define ENTRIES_MAX 3000 /* of a directory, read in one go */
#define LISTED_DEPTH 3
#define PATH_SIZE 2400

static const struct format formats[] = {
    {true, 512, 512, 1, 200, 2, 0, false},
    {false, 512, 512, 1, 4085, 2, 64, false},
    {true, 4096, 4096, 1, 90, 1, 0, false},
    {true, 512, 1024, 2, 100, 2, 0, false},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

/* What is in the volume; also what is done to it goes by these names. */
static const char *const paths[] = {
    "/A.TXT",
    "/dir",
    "/dir/a long name for a file.dat",
    "/dir/sub",
    "/dir/sub/deep.bin",
    "/dir/sub/another long name",
    "/Ünïcödé name.txt",
    "/empty",
    "/dir/sub/deeper",
    "/dir/sub/deeper/x",
    "/new name that is not there",
    "/dir/new",
    "/",
    "/dir/sub/../A.TXT",
    "/A.TXT/x",
    "",
};

#define PATHS (sizeof(paths) / sizeof(paths[0]))

/* A volume as it was made, and the disk on which it gets damaged. */
struct original {
    uint8_t *bytes;
    struct disk disk;
};

static struct original originals[FORMATS];

static void fill(struct fat_volume *volume)
{
    static const uint8_t data[3000] = {1, 2, 3};
    static const unsigned sizes[] = {700, 0, 3000, 0, 2000, 1, 1500, 0, 0, 600};
    struct fat_file *file;
    size_t done;

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (i == 1 || i == 3 || i == 8) {
            FUZZ_CHECK(fat_make_directory(volume, paths[i]) == FS_OK);
            continue;
        }
        FUZZ_CHECK(fat_open(volume, paths[i], FAT_OPEN_CREATE, &file) == FS_OK);
        FUZZ_CHECK(fat_write(file, 0, data, sizes[i], &done) == FS_OK);
        FUZZ_CHECK(fat_close(file) == FS_OK);
    }
}

static void make_originals(void)
{
    for (unsigned i = 0; i < FORMATS; i++) {
        struct original *original = &originals[i];
        int error;

        format_disk(&original->disk, &formats[i]);

        struct fat_volume *volume = disk_mount(&original->disk, &error);
        size_t size = (size_t)original->disk.sector_count * original->disk.sector_size;

        FUZZ_CHECK(volume != NULL);
        fill(volume);
        FUZZ_CHECK(fat_unmount(volume) == FS_OK);
        free(volume);
        original->bytes = malloc(size);
        memcpy(original->bytes, original->disk.bytes, size);
    }
}

/* Where in the original things are, in bytes. */
struct places {
    uint64_t fat, root, data;
    uint32_t cluster_size, value_size;
};

static struct places find_places(const struct format *format)
{
    struct fat_boot_sector boot;
    struct places places = {.value_size = format->is_fat32 ? 4 : 2};

    memcpy(&boot, originals[format - formats].bytes, sizeof(boot));
    places.fat = boot.reserved_sectors * boot.bytes_per_sector;
    places.root =
        places.fat + (uint64_t)boot.fat_count * boot.bytes_per_sector *
                         (format->is_fat32 ? boot.fat32.fat_sectors : boot.fat_sectors_16);
    places.data = places.root + boot.root_entries * sizeof(struct fat_entry);
    places.cluster_size = boot.sectors_per_cluster * boot.bytes_per_sector;
    return places;
}

/* The sectors that differ from the original are the recorded ones and these. */
static uint64_t damaged[OPERATIONS_MAX];
static unsigned damaged_count;
static bool is_boot_damaged;

/* Changes up to 4 bytes in one place: in the boot sector, the FAT, an entry, or anywhere. */
static void damage(struct fuzz_input *input, const struct format *format, struct disk *disk)
{
    struct places places = find_places(format);
    uint64_t size = (uint64_t)disk->sector_count * disk->sector_size, where;
    unsigned kind = fuzz_byte(input) % 8, bytes = 1;

    if (kind == 0) {
        where = fuzz_byte(input) % sizeof(struct fat_boot_sector);
    } else if (kind <= 3) {
        where = places.fat + (uint64_t)fuzz_byte(input) % 64 * places.value_size;
        bytes = places.value_size;
    } else if (kind == 4) {
        where = places.root + fuzz_number(input, 2) % 1024;
    } else if (kind <= 6) {
        where = places.data + (uint64_t)(fuzz_byte(input) % 32) * places.cluster_size +
                fuzz_byte(input) % 8 * sizeof(struct fat_entry) +
                fuzz_byte(input) % sizeof(struct fat_entry);
        bytes = kind == 6 ? 4 : 1;
    } else {
        where = fuzz_number(input, 4) % size;
    }
    if (where + bytes > size)
        return;

    uint64_t value = fuzz_number(input, bytes);

    /* One sector is recorded: what goes over its end would not be undone. */
    if (where / disk->sector_size != (where + bytes - 1) / disk->sector_size)
        return;
    memcpy(disk->bytes + where, &value, bytes);
    damaged[damaged_count++] = where / disk->sector_size;
    is_boot_damaged |= where < sizeof(struct fat_boot_sector);
}

static void undo_sector(struct original *original, uint64_t sector)
{
    size_t size = original->disk.sector_size;

    memcpy(original->disk.bytes + sector * size, original->bytes + sector * size, size);
}

static void undo(struct original *original)
{
    for (unsigned i = 0; i < damaged_count; i++)
        undo_sector(original, damaged[i]);
    for (size_t i = 0; i < original->disk.event_count; i++)
        if (!original->disk.events[i].is_flush)
            undo_sector(original, original->disk.events[i].sector);
    disk_record(&original->disk);
}

/* --- Using it --- */

static void list(struct fat_volume *volume, const char *path, unsigned depth)
{
    struct fat_file *directory;
    struct fat_status status;
    uint32_t position = 0;

    if (fat_open(volume, path, FAT_OPEN_DIRECTORY, &directory) != FS_OK)
        return;
    for (unsigned i = 0;
         i < ENTRIES_MAX && fat_read_directory(directory, &position, &status) == FS_OK; i++) {
        char child[PATH_SIZE];

        FUZZ_CHECK(strlen(status.name) < FAT_NAME_SIZE);
        snprintf(child, sizeof(child), "%s/%s", path, status.name);
        if ((status.attributes & FAT_DIRECTORY) != 0 && depth < LISTED_DEPTH)
            list(volume, child, depth + 1);
    }
    FUZZ_CHECK(fat_close(directory) == FS_OK || depth < LISTED_DEPTH);
}

static void use_file(struct fat_volume *volume, struct fuzz_input *input, const char *path)
{
    uint8_t buffer[2500] = {0};
    unsigned kind = fuzz_byte(input);
    uint64_t offset = fuzz_number(input, 2);
    struct fat_extent extents[8];
    struct fat_file *file;
    unsigned count;
    size_t done = 0;

    if (fat_open(volume, path, kind >> 4 & 7, &file) != FS_OK)
        return;
    switch (kind % 8) {
    case 0:
    case 1:
        fat_read(file, offset, buffer, sizeof(buffer), &done);
        break;
    case 2:
    case 3:
        fat_write(file, offset % 20000, buffer, sizeof(buffer), &done);
        break;
    case 4:
        fat_set_size(file, offset % 20000);
        break;
    case 5:
        fat_preallocate(file, offset, (kind & 0x80) != 0);
        break;
    case 6:
        fat_get_extents(file, (uint32_t)offset, extents, 8, &count);
        break;
    default:
        fat_write(file, fat_file_size(file), buffer, 100, &done);
    }
    FUZZ_CHECK(done <= sizeof(buffer));
    fat_close(file);
}

/* What fat_check() is content with, and has tidied up, the other checker must be content with, too.
 */
static void compare_checkers(const struct disk *disk)
{
    struct checker checker;

    checker_run(&checker, disk->bytes, (size_t)disk->sector_count * disk->sector_size);
    FUZZ_CHECK(checker.errors + checker.lost_clusters + checker.long_chains + checker.orphans == 0);
    checker_free(&checker);
}

static void check_volume(struct fat_volume *volume, const struct disk *disk)
{
    struct fat_check_result result;
    void *memory = malloc(fat_check_memory(volume)); /* its exact size */
    struct fat_info info;
    int error = fat_check(volume, memory, &result);

    fat_get_info(volume, &info);
    FUZZ_CHECK(error == (result.errors > 0 ? FS_DAMAGED : FS_OK));
    if (error == FS_OK && !info.read_only && !is_boot_damaged)
        compare_checkers(disk);
    free(memory);
}

static void operate(struct fat_volume *volume, const struct disk *disk, struct fuzz_input *input)
{
    unsigned kind = fuzz_byte(input) % 16;
    const char *path = paths[fuzz_byte(input) % PATHS];
    struct fat_status status;

    switch (kind) {
    case 0:
        list(volume, "", 0);
        break;
    case 1:
        fat_remove(volume, path);
        break;
    case 2:
        fat_make_directory(volume, path);
        break;
    case 3:
        fat_remove_directory(volume, path);
        break;
    case 4:
    case 5:
    case 6:
        fat_rename(volume, path, paths[fuzz_byte(input) % PATHS]);
        break;
    case 7:
        fat_get_status(volume, path, &status);
        break;
    case 8:
        fat_sync(volume);
        break;
    case 9:
        check_volume(volume, disk);
        break;
    default:
        use_file(volume, input, path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    unsigned choice = fuzz_byte(&input);
    const struct format *format = &formats[choice % FORMATS];
    struct original *original = &originals[choice % FORMATS];
    struct disk *disk = &original->disk;
    unsigned damages = fuzz_byte(&input) % 8;
    static struct fat_volume *volume; /* large: allocated once */

    if (volume == NULL) {
        make_originals();
        volume = malloc(fat_volume_size());
    }
    disk_record(disk);
    disk->reads = disk->writes = disk->flushes = 0;
    disk->read_only = (choice & 0x80) != 0;
    damaged_count = 0;
    is_boot_damaged = false;
    for (unsigned i = 0; i < damages; i++)
        damage(&input, format, disk);

    struct fs_io io = disk_io(disk);
    struct fat_host host = disk_host(disk);

    if (fat_mount(volume, &io, &host) == FS_OK) {
        if ((choice & 0x40) != 0)
            check_volume(volume, disk);
        for (unsigned i = 0; i < OPERATIONS_MAX && input.size > 0; i++)
            operate(volume, disk, &input);
        FUZZ_CHECK(fat_unmount(volume) == FS_OK);
    }
    FUZZ_CHECK(disk->reads + disk->writes + disk->flushes < CALLS_MAX);
    undo(original);
    return 0;
}
