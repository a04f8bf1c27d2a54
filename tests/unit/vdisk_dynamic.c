/* Dynamic VHDs on a store: random requests against a model, qemu-img's opinion of the files in both
 * directions, full stores, and errors of the device. */
#include <unistd.h>

#include "tests/vdisk_model.h"

static const struct format tight = {true, 512, 512, 1, 600, 2, 0, false};
static const struct format large = {true, 512, 512, 8, 3000, 2, 0, false};

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

static void test_random(void)
{
    store_start(&roomy);
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

    store_start(&roomy);
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

    store_start(&roomy);
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

    store_start(&large);
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

    store_start(&large);
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

    store_start(&tight);
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

/* Each call of the device fails once: the request says so, and the disk is whole afterwards, with
 * what had been written before. */
static void test_errors(void)
{
    bool failed = true;

    for (long at = 0; failed && unit_failures == 0; at++) {
        store_start(&roomy);
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
    test_errors();
    return unit_result();
}
