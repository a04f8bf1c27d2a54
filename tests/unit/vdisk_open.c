/* Opening virtual disks: damaged files, names, and who may use a file that is a disk. */
#include "lib/big_endian.h"
#include "tests/vdisk_model.h"
#include "tests/vhd_sign.h"

static const struct format coarse = {true, 4096, 4096, 1, 200, 2, 0, false};

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

    store_start(&roomy);
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

        store_start(&roomy);
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

    store_start(&roomy);
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

    store_start(&roomy);
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
    store_start(&coarse);
    put_vhd("/g.vhd", DISK_SIZE, SMALL_BLOCK);
    check_refused("/g.vhd", 0,
                  "the store's disk has sectors of more than 512 bytes, in which the blocks of a "
                  "dynamic VHD cannot be: convert it to a fixed one");
    finish();
}

int main(void)
{
    srand(1);
    test_damage();
    test_footer_copy();
    test_names();
    test_exclusive();
    test_large_sectors();
    return unit_result();
}
