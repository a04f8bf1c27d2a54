/* Dynamic VHDs on a store: random requests against a model, qemu-img's opinion of the files in both
 * directions, full stores, damaged files, and who may use a file that is a disk. */
#include <unistd.h>

#include "lib/big_endian.h"
#include "tests/unit/unit.h"
#include "tests/vdisk_store.h"
#include "tests/vhd_sign.h"

#define SECTOR 512u
#define SMALL_BLOCK 4096u
#define DISK_SIZE (200u * SMALL_BLOCK + 3 * SECTOR)
#define MOVE_MAX 40u /* sectors */

static const struct format roomy = {true, 512, 512, 2, 2000, 2, 0, false};
static const struct format tight = {true, 512, 512, 1, 600, 2, 0, false};
static const struct format large = {true, 512, 512, 8, 3000, 2, 0, false};
static const struct format coarse = {true, 4096, 4096, 1, 200, 2, 0, false};

static uint8_t model[16u << 20], buffer[1u << 20];

/* Leaves something old in all free clusters, which no guest may ever see. */
static void start(const struct format *format)
{
    struct fat_info info;

    store_start(format);
    fat_get_info(store_volume, &info);

    size_t size = (size_t)info.free_clusters * info.cluster_size;
    uint8_t *old = malloc(size);

    memset(old, 0xee, size);
    store_write_file("/old", old, size);
    CHECK_EQUAL(fat_remove(store_volume, "/old"), FS_OK);
    CHECK_EQUAL(fat_sync(store_volume), FS_OK);
    free(old);
}

static void finish(void)
{
    store_end();
    disk_destroy(&store_disk);
}

static struct vdisk *open_disk(const char *path, unsigned flags)
{
    const char *error = NULL;
    struct vdisk *disk = vdisk_open(path, flags, &error);

    if (disk == NULL) {
        fprintf(stderr, "%s: %s\n", path, error);
        exit(1);
    }
    return disk;
}

static void check_refused(const char *path, unsigned flags, const char *expected)
{
    const char *error = NULL;

    CHECK(vdisk_open(path, flags, &error) == NULL);
    CHECK_TEXT(error, expected);
}

static void compare(struct vdisk *disk, uint64_t sector, uint32_t count)
{
    memset(buffer, 0x55, count * SECTOR);
    CHECK_EQUAL(store_move(disk, VDISK_READ, sector, count, buffer, false), VDISK_OK);
    CHECK(memcmp(buffer, model + sector * SECTOR, count * SECTOR) == 0);
}

static void compare_all(struct vdisk *disk)
{
    for (uint64_t sector = 0; sector < disk->sector_count; sector += MOVE_MAX) {
        uint64_t left = disk->sector_count - sector;

        compare(disk, sector, left < MOVE_MAX ? (uint32_t)left : MOVE_MAX);
    }
}

static enum vdisk_status write_some(struct vdisk *disk, uint64_t sector, uint32_t count, bool force)
{
    for (uint32_t i = 0; i < count * SECTOR; i++)
        buffer[i] = (uint8_t)rand();

    enum vdisk_status status = store_move(disk, VDISK_WRITE, sector, count, buffer, force);

    if (status == VDISK_OK)
        memcpy(model + sector * SECTOR, buffer, count * SECTOR);
    return status;
}

static void step(struct vdisk *disk)
{
    uint64_t sector = (unsigned)rand() % disk->sector_count, left = disk->sector_count - sector;
    uint32_t count = 1 + (unsigned)rand() % MOVE_MAX;
    unsigned choice = (unsigned)rand() % 16;

    if (count > left)
        count = (uint32_t)left;
    if (choice == 0) {
        CHECK_EQUAL(store_flush(disk), VDISK_OK);
    } else if (choice == 1) {
        CHECK_EQUAL(store_request(disk, &(struct vdisk_request){.operation = VDISK_ZERO,
                                                                .sector = sector,
                                                                .sector_count = count}),
                    VDISK_OK);
        memset(model + sector * SECTOR, 0, count * SECTOR);
    } else if (choice < 8) {
        compare(disk, sector, count);
    } else {
        CHECK_EQUAL(write_some(disk, sector, count, choice == 8), VDISK_OK);
    }
}

/* What qemu-img reads from the file is the model. */
static void check_by_qemu(const char *path, uint64_t size)
{
    char name[] = "/tmp/vdisk-XXXXXX", command[300];
    int descriptor = mkstemp(name);
    size_t length;
    uint8_t *bytes = store_read_file(path, &length);

    CHECK_EQUAL(write(descriptor, bytes, length), length);
    snprintf(command, sizeof(command), "qemu-img convert -f vpc -O raw %s %s.raw", name, name);
    CHECK_EQUAL(system(command), 0);
    strcat(strcpy(command, name), ".raw");

    FILE *raw = fopen(command, "rb");
    uint8_t *seen = calloc(1, size);

    CHECK_EQUAL(fread(seen, 1, size, raw), size);
    CHECK_EQUAL(fgetc(raw), EOF);
    CHECK(memcmp(seen, model, size) == 0);
    fclose(raw);
    free(seen);
    free(bytes);
    close(descriptor);
    unlink(name);
    unlink(command);
}

/* The file ends behind the last block, in a valid footer. */
static void check_compact(const char *path)
{
    const char *error;
    struct image_file *file = image_file_open(path, false, &error);
    struct vhd_image image;

    CHECK(vhd_image_read(file, &image) == NULL);
    CHECK(!image.footer_damaged);
    CHECK_EQUAL(image.data_limit, image.data_end);
    CHECK_EQUAL(image.data_end, 2560 + image.allocated * vhd_block_bytes(SMALL_BLOCK));
    vhd_image_free(&image);
    image_file_close(file);
}

static void put_vhd(const char *path, uint64_t disk_size, uint32_t block_size)
{
    size_t size;
    uint8_t *bytes = store_make_vhd(disk_size, block_size, &size);

    store_write_file(path, bytes, size);
    free(bytes);
    memset(model, 0, disk_size);
}

static void test_random(void)
{
    start(&roomy);
    put_vhd("/a.vhd", DISK_SIZE, SMALL_BLOCK);
    for (unsigned round = 0; round < 8; round++) {
        struct vdisk *disk = open_disk("/a.vhd", 0);

        CHECK_EQUAL(disk->sector_count, DISK_SIZE / SECTOR);
        CHECK_EQUAL(disk->identity[2], 3);
        compare_all(disk);
        for (unsigned i = 0; i < 60; i++)
            step(disk);
        /* Pieces of other files between those of this one. */
        store_write_file((char[]){'/', 'a' + (char)round, '\0'}, buffer, 3000);
        compare_all(disk);
        vdisk_close(disk);
        check_compact("/a.vhd");
        check_by_qemu("/a.vhd", DISK_SIZE);
    }
    finish();
}

/* Many requests at once, of which several want the same new block. */
static void test_parallel(void)
{
    enum { COUNT = 48, EACH = 5 };
    static struct vdisk_request requests[COUNT];
    static struct block_segment segments[COUNT];
    static uint8_t data[COUNT][EACH * SECTOR];
    bool done[COUNT] = {0};

    start(&roomy);
    put_vhd("/p.vhd", DISK_SIZE, SMALL_BLOCK);

    struct vdisk *disk = open_disk("/p.vhd", 0);

    for (unsigned i = 0; i < COUNT; i++) {
        memset(data[i], (int)i + 1, sizeof(data[i]));
        segments[i] = (struct block_segment){virtual_to_physical(data[i]), sizeof(data[i])};
        requests[i] = (struct vdisk_request){.operation = i % 12 == 7 ? VDISK_FLUSH : VDISK_WRITE,
                                             .sector = i * EACH,
                                             .segments = &segments[i],
                                             .segment_count = 1,
                                             .done = store_done,
                                             .context = &done[i]};
        if (requests[i].operation == VDISK_WRITE)
            memset(model + i * sizeof(data[i]), (int)i + 1, sizeof(data[i]));
        vdisk_submit(disk, &requests[i]);
    }
    CHECK(disk->active > COUNT / 2);
    while (store_step())
        ;
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(done[i] && requests[i].status == VDISK_OK);
    CHECK_EQUAL(disk->active, 0);
    compare_all(disk);
    vdisk_close(disk);
    check_by_qemu("/p.vhd", DISK_SIZE);
    finish();
}

/* Sectors whose bits are 0 are zeros, whatever the block holds, until they are written to. */
static void test_bitmaps(void)
{
    uint64_t block = vhd_block_bytes(SMALL_BLOCK);
    size_t size;

    start(&roomy);
    put_vhd("/b.vhd", DISK_SIZE, SMALL_BLOCK);

    struct vdisk *disk = open_disk("/b.vhd", 0);

    for (uint64_t sector = 0; sector < 160; sector += 32)
        CHECK_EQUAL(write_some(disk, sector, 32, false), VDISK_OK);
    vdisk_close(disk);

    uint8_t *bytes = store_read_file("/b.vhd", &size);

    for (unsigned i = 0; i < 10; i++) {
        uint8_t *bitmap = bytes + 2560 + 2 * i * block; /* of every second block */

        *bitmap = (uint8_t)(i * 37);
        for (unsigned bit = 0; bit < 8; bit++)
            if ((*bitmap & 0x80 >> bit) == 0)
                memset(model + 2 * i * SMALL_BLOCK + bit * SECTOR, 0, SECTOR);
    }
    store_write_file("/b.vhd", bytes, size);
    free(bytes);
    disk = open_disk("/b.vhd", VDISK_OPEN_READ_ONLY);
    compare_all(disk);
    CHECK_EQUAL(write_some(disk, 0, 1, false), VDISK_ERROR_READ_ONLY);
    vdisk_close(disk);
    disk = open_disk("/b.vhd", 0);
    compare_all(disk);
    for (uint64_t sector = 3; sector < 160; sector += 16)
        CHECK_EQUAL(write_some(disk, sector, 1, sector % 32 == 3), VDISK_OK);
    compare_all(disk);
    for (unsigned i = 0; i < 100; i++)
        step(disk);
    vdisk_close(disk);
    disk = open_disk("/b.vhd", 0);
    compare_all(disk);
    vdisk_close(disk);
    finish();
}

/* Blocks whose bitmaps take several sectors. */
static void test_large_blocks(void)
{
    uint32_t block = 4u << 20, block_sectors = block / SECTOR;
    uint64_t disk_size = 3ull * block - 7 * SECTOR;
    size_t size;

    start(&large);
    put_vhd("/l.vhd", disk_size, block);
    for (unsigned round = 0; round < 2; round++) {
        struct vdisk *disk = open_disk("/l.vhd", 0);

        CHECK_EQUAL(disk->sector_count, disk_size / SECTOR);
        for (unsigned i = 0; i < 20; i++)
            CHECK_EQUAL(write_some(disk, 2 * block_sectors + (unsigned)rand() % 8000, 30, false),
                        VDISK_OK);
        CHECK_EQUAL(write_some(disk, disk->sector_count - 20, 20, round == 0), VDISK_OK);
        CHECK_EQUAL(write_some(disk, block_sectors - 10, 10, false), VDISK_OK);
        compare_all(disk);
        vdisk_close(disk);
        check_by_qemu("/l.vhd", disk_size);
    }
    free(store_read_file("/l.vhd", &size));
    CHECK_EQUAL(size, 2048 + 2 * (1024 + block) + 512);
    finish();
}

/* Reads what qemu-img made, and goes on writing to it. */
static void test_qemu(void)
{
    char name[] = "/tmp/vdisk-XXXXXX", command[300];
    int descriptor = mkstemp(name);
    size_t disk_size = 7 << 20;
    FILE *file;

    memset(model, 0, disk_size);
    for (size_t i = 0; i < disk_size; i++)
        model[i] = i / 70000 % 3 == 0 ? (uint8_t)rand() : 0;
    memset(model + (2 << 20), 0, 2 << 20); /* a block that is not there */
    CHECK_EQUAL(write(descriptor, model, disk_size), disk_size);
    snprintf(command, sizeof(command), "qemu-img convert -f raw -O vpc -o force_size=on %s %s.vhd",
             name, name);
    CHECK_EQUAL(system(command), 0);
    snprintf(command, sizeof(command), "%s.vhd", name);
    file = fopen(command, "rb");

    size_t size = fread(buffer, 1, 0, file);
    uint8_t *bytes = malloc(16 << 20);

    size = fread(bytes, 1, 16 << 20, file);
    CHECK(size < disk_size);
    fclose(file);
    unlink(command);
    unlink(name);
    close(descriptor);

    start(&large);
    store_write_file("/q.vhd", bytes, size);
    free(bytes);

    struct vdisk *disk = open_disk("/q.vhd", 0);

    CHECK_EQUAL(disk->sector_count * SECTOR, disk_size);
    compare_all(disk);
    for (unsigned i = 0; i < 100; i++)
        step(disk);
    CHECK_EQUAL(write_some(disk, (2 << 20) / SECTOR + 7, 9, false), VDISK_OK);
    compare_all(disk);
    vdisk_close(disk);
    check_by_qemu("/q.vhd", disk_size);
    finish();
}

/* No room on the store: the request fails, the disk goes on with what it has, and goes on growing
 * when there is room again. */
static void test_full(void)
{
    unsigned written = 0;

    start(&tight);
    put_vhd("/f.vhd", DISK_SIZE, SMALL_BLOCK);
    store_write_file("/ballast", model, 20000);

    struct vdisk *disk = open_disk("/f.vhd", 0);

    while (written < 200 && write_some(disk, written * 8, 8, false) == VDISK_OK)
        written++;
    CHECK(written > 20 && written < 100);
    CHECK_EQUAL(write_some(disk, 199 * 8, 1, false), VDISK_ERROR_NO_SPACE);
    CHECK_EQUAL(write_some(disk, 0, 8, true), VDISK_OK);
    CHECK_EQUAL(store_flush(disk), VDISK_OK);
    compare_all(disk);
    CHECK_EQUAL(fat_remove(store_volume, "/ballast"), FS_OK);

    unsigned reads = store_disk.reads;

    CHECK_EQUAL(write_some(disk, 199 * 8, 1, false), VDISK_ERROR_NO_SPACE); /* without a look */
    CHECK_EQUAL(store_disk.reads, reads);
    store_time += 2000000;
    CHECK_EQUAL(write_some(disk, 199 * 8, 1, false), VDISK_OK);
    compare_all(disk);
    vdisk_close(disk);
    check_compact("/f.vhd");
    check_by_qemu("/f.vhd", DISK_SIZE);
    finish();
}

/* Changes 4 bytes at @offset of a sound file, perhaps with the right checksum of the structure of
 * @size bytes at @structure, and tries to open it. */
static void try_damage(uint32_t offset, uint32_t value, uint32_t structure, uint32_t size,
                       uint32_t checksum, const char *expected)
{
    size_t length;
    uint8_t *bytes = store_read_file("/good.vhd", &length);

    store_be32(bytes + offset, value);
    if (size > 0)
        vhd_sign(bytes + structure, size, checksum);
    store_write_file("/bad.vhd", bytes, length);
    check_refused("/bad.vhd", 0, expected);
    CHECK_EQUAL(fat_remove(store_volume, "/bad.vhd"), FS_OK); /* it is not open */
    free(bytes);
}

static void test_damage(void)
{
    const char *bad_entry = "a block lies outside of the file or on another one";

    start(&roomy);
    put_vhd("/good.vhd", DISK_SIZE, SMALL_BLOCK);

    struct vdisk *disk = open_disk("/good.vhd", 0);

    CHECK_EQUAL(write_some(disk, 0, 24, false), VDISK_OK);
    vdisk_close(disk);

    size_t length;

    free(store_read_file("/good.vhd", &length));
    CHECK_EQUAL(length, 2560 + 3 * 4608 + 512);

    uint32_t end = (uint32_t)length - 512;

    try_damage(512 + 40, 1, 0, 0, 0, "the header's checksum is wrong");
    try_damage(512, 1, 0, 0, 0, "the header of a dynamic disk is missing");
    try_damage(512 + 32, 3 << 20, 512, 1024, 36, "the block size cannot be right");
    try_damage(512 + 28, 2, 512, 1024, 36, "the block table does not fit the size of the disk");
    try_damage(512 + 20, 1024, 512, 1024, 36,
               "a structure lies outside of the file or on another one");
    try_damage(end + 60, VHD_DIFFERENCING, end, 512, 64,
               "a differencing disk cannot be used yet: merge it with the disk it is based on");
    try_damage(end + 60, 9, end, 512, 64, "its type of disk is not known");
    try_damage(end + 20, 0x7fffffff, end, 512, 64,
               "a structure lies outside of the file or on another one");
    try_damage(end + 52, 0, end, 512, 64, "the size of the disk cannot be right");
    try_damage(end + 52, 1 << 20, end, 512, 64,
               "the block table does not fit the size of the disk");
    try_damage(1536, 6, 0, 0, 0, bad_entry);             /* overlaps the next block */
    try_damage(1536, 14, 0, 0, 0, bad_entry);            /* is the next block */
    try_damage(1536, 4, 0, 0, 0, bad_entry);             /* overlaps the table */
    try_damage(1536, 0x7fffffff, 0, 0, 0, bad_entry);    /* outside */
    try_damage(1536, end / 512 - 8, 0, 0, 0, bad_entry); /* overlaps the footer */
    finish();
}

/* The footer at the end is damaged, missing, or overwritten by half of a block: its copy is good
 * enough, and a disk that may be written gets another one. */
static void test_footer_copy(void)
{
    static const int cuts[] = {0, 512, 511, 200};

    for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        size_t length;

        start(&roomy);
        put_vhd("/c.vhd", DISK_SIZE, SMALL_BLOCK);

        struct vdisk *disk = open_disk("/c.vhd", 0);

        CHECK_EQUAL(write_some(disk, 5, 40, false), VDISK_OK);
        vdisk_close(disk);

        uint8_t *bytes = store_read_file("/c.vhd", &length);

        bytes[length - 400] ^= 1;
        store_write_file("/c.vhd", bytes, length - (size_t)cuts[i]);
        store_log[0] = '\0';
        disk = open_disk("/c.vhd", VDISK_OPEN_READ_ONLY);
        CHECK_TEXT(store_log, "/c.vhd: the footer at the end of the file is damaged: its copy at "
                              "the start is used");
        compare_all(disk);
        vdisk_close(disk);
        disk = open_disk("/c.vhd", 0);
        CHECK_TEXT(store_log, "/c.vhd: the footer at the end of the file is damaged: its copy at "
                              "the start is used, and written there again");
        compare_all(disk);
        CHECK_EQUAL(write_some(disk, 100, 40, false), VDISK_OK);
        vdisk_close(disk);
        check_compact("/c.vhd");
        bytes[0] ^= 1; /* neither */
        store_write_file("/c.vhd", bytes, length);
        check_refused("/c.vhd", 0, "the footer's checksum is wrong");
        free(bytes);
        finish();
    }
}

/* What a guest writes to a raw disk does not make it a VHD. */
static void test_names(void)
{
    size_t length;

    start(&roomy);
    put_vhd("/d.vhd", DISK_SIZE, SMALL_BLOCK);

    uint8_t *bytes = store_read_file("/d.vhd", &length);

    store_write_file("/raw.img", bytes, length);
    store_write_file("/CD.ISO", bytes, length);
    store_write_file("/RAW.VHD", model, 4096);
    store_write_file("/tiny", model, 511);
    free(bytes);

    struct vdisk *disk = open_disk("/raw.img", 0);

    CHECK_EQUAL(disk->sector_count, length / SECTOR);
    vdisk_close(disk);
    disk = open_disk("/cd.iso", 0);
    CHECK(disk->read_only && disk->removable && disk->sector_size == 2048);
    vdisk_close(disk);
    check_refused("/raw.vhd", 0, "there is no VHD footer");
    check_refused("/tiny", 0, "it is too small for a disk");
    check_refused("/none", 0, "no such file or directory");
    check_refused("none", 0,
                  "there is no such device: disks shows those that there are, and the path of a "
                  "file begins with /");
    finish();
}

/* A file that is a disk is nobody else's, and is closed before the store ends. */
static void test_exclusive(void)
{
    struct fat_file *file;

    start(&roomy);
    put_vhd("/e.vhd", DISK_SIZE, SMALL_BLOCK);

    struct vdisk *disk = open_disk("/e.vhd", 0), *other;

    check_refused("/E.VHD", 0, "it is in use");
    check_refused("//e.vhd", VDISK_OPEN_READ_ONLY, "it is in use");
    CHECK_EQUAL(fat_open(store_volume, "/e.vhd", 0, &file), FS_BUSY);
    CHECK_EQUAL(fat_remove(store_volume, "/e.vhd"), FS_BUSY);
    CHECK_EQUAL(write_some(disk, 0, 40, false), VDISK_OK);

    /* What is under way is done first. */
    struct block_segment segment = {virtual_to_physical(buffer), 4 * SECTOR};
    bool done = false;
    struct vdisk_request request = {.operation = VDISK_WRITE,
                                    .sector = 400,
                                    .segments = &segment,
                                    .segment_count = 1,
                                    .done = store_done,
                                    .context = &done};

    memset(buffer, 0x42, 4 * SECTOR);
    memset(model + 400 * SECTOR, 0x42, 4 * SECTOR);
    vdisk_submit(disk, &request);
    CHECK(!done);
    vdisk_stop_all();
    CHECK(done && request.status == VDISK_OK);
    CHECK_EQUAL(store_flush(disk), VDISK_ERROR_NO_MEDIUM);
    CHECK_EQUAL(write_some(disk, 0, 40, false), VDISK_ERROR_NO_MEDIUM);
    store_end();
    vdisk_close(disk);
    store_mount_disk();
    disk = open_disk("/e.vhd", VDISK_OPEN_READ_ONLY);
    other = open_disk("/e.vhd", VDISK_OPEN_READ_ONLY);
    check_refused("/e.vhd", 0, "it is in use");
    compare_all(disk);
    vdisk_close(disk);
    check_refused("/e.vhd", 0, "it is in use");
    vdisk_close(other);
    finish();
}

static void test_large_sectors(void)
{
    start(&coarse);
    put_vhd("/g.vhd", DISK_SIZE, SMALL_BLOCK);
    check_refused("/g.vhd", 0,
                  "the store's disk has sectors of more than 512 bytes, in which the blocks of a "
                  "dynamic VHD cannot be: convert it to a fixed one");
    finish();
}

/* Each call of the device fails once: the request says so, and the disk is whole afterwards, with
 * what had been written before. */
static void test_errors(void)
{
    bool failed = true;

    for (long at = 0; failed && unit_failures == 0; at++) {
        start(&roomy);
        put_vhd("/h.vhd", DISK_SIZE, SMALL_BLOCK);

        struct vdisk *disk = open_disk("/h.vhd", 0);

        CHECK_EQUAL(write_some(disk, 0, 20, false), VDISK_OK);
        CHECK_EQUAL(store_flush(disk), VDISK_OK);
        store_disk.calls_until_failure = at;

        enum vdisk_status status = write_some(disk, 100, 20, false);
        enum vdisk_status flushed = store_flush(disk);

        failed = store_disk.failures > 0;
        store_disk.calls_until_failure = -1;
        CHECK_EQUAL(failed, status != VDISK_OK || flushed != VDISK_OK);
        CHECK_EQUAL(write_some(disk, 100, 20, false), VDISK_OK);
        vdisk_close(disk);
        disk = open_disk("/h.vhd", 0);
        compare_all(disk);
        vdisk_close(disk);
        finish();
    }
}

int main(void)
{
    srand(1);
    test_random();
    test_parallel();
    test_bitmaps();
    test_large_blocks();
    test_qemu();
    test_full();
    test_damage();
    test_footer_copy();
    test_names();
    test_exclusive();
    test_large_sectors();
    test_errors();
    return unit_result();
}
