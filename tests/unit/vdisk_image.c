/* Making, converting, describing and checking images, with qemu-img as the judge. */
#include "parent/vdisk/image_tools.h"

#include <unistd.h>

#include "lib/big_endian.h"
#include "tests/unit/unit.h"
#include "tests/vdisk_store.h"

#define SIZE (9u * (512 << 10)) /* not whole blocks of 2 MiB */
#define ENOUGH 1000000u

static const struct format large = {true, 512, 512, 8, 8000, 2, 0, false};
static const struct format tight = {true, 512, 512, 8, 900, 2, 0, false};

static const enum image_kind kinds[] = {IMAGE_RAW, IMAGE_FIXED, IMAGE_DYNAMIC};
static const char *const paths[] = {"/raw.img", "/fixed.vhd", "/dynamic.vhd"};

static uint8_t model[SIZE];
static unsigned steps_left;

static bool step(void *context, uint64_t done, uint64_t total)
{
    CHECK(context == &steps_left && done <= total);
    return steps_left > 0 && steps_left-- > 0;
}

static const struct image_progress progress = {step, &steps_left};

static void finish(void)
{
    store_end();
    disk_destroy(&store_disk);
}

static bool exists(const char *path)
{
    static struct fat_status status;

    return fat_get_status(store_volume, path, &status) == FS_OK;
}

/* qemu-img takes the file for a disk of just that content. */
static void ask_qemu(const char *path, enum image_kind kind)
{
    char name[] = "/tmp/vdisk-image-XXXXXX", command[300];
    const char *format = kind == IMAGE_RAW ? "raw" : "vpc";
    int descriptor = mkstemp(name);
    size_t size;
    uint8_t *bytes = store_read_file(path, &size), *seen = malloc(SIZE + 1);

    CHECK_EQUAL(write(descriptor, bytes, size), size);
    snprintf(command, sizeof(command),
             "qemu-img info -f %s %s | grep -q '(%u bytes)' && "
             "qemu-img convert -f %s -O raw %s %s.raw && cat %s.raw && rm %s.raw",
             format, name, SIZE, format, name, name, name, name);

    FILE *pipe = popen(command, "r");

    CHECK_EQUAL(fread(seen, 1, SIZE + 1, pipe), SIZE);
    CHECK_EQUAL(pclose(pipe), 0);
    CHECK(memcmp(seen, model, SIZE) == 0);
    free(seen);
    free(bytes);
    close(descriptor);
    unlink(name);
}

static void check_good(const char *path, enum image_kind kind, unsigned allocated)
{
    struct image_description found, described;

    steps_left = ENOUGH;
    CHECK(image_check(path, &progress, &found) == NULL);
    CHECK(image_describe(path, &described) == NULL);
    CHECK(memcmp(&found, &described, sizeof(found)) == 0); /* nothing was found */
    CHECK_EQUAL(found.kind, kind);
    CHECK_EQUAL(found.disk_size, SIZE);
    CHECK_EQUAL(found.allocated, allocated);
    if (kind == IMAGE_DYNAMIC) {
        CHECK_EQUAL(found.blocks, 3);
        CHECK_EQUAL(found.block_size, VHD_BLOCK_SIZE_DEFAULT);
    }
    if (kind != IMAGE_RAW)
        CHECK_EQUAL(found.identity[6] >> 4, 4);
}

static void test_create(void)
{
    store_start(&large);
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < 3; i++) {
        steps_left = ENOUGH;
        CHECK(image_create(paths[i], kinds[i], SIZE, &progress) == NULL);
        ask_qemu(paths[i], kinds[i]);
        check_good(paths[i], kinds[i], 0);
        CHECK_TEXT(image_create(paths[i], kinds[i], SIZE, &progress),
                   "a file or directory of this name exists already");
    }
    finish();
}

static void test_convert(void)
{
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < 90000; i++)
        model[i] = model[SIZE - 1 - i] = (uint8_t)rand(); /* the block between is not there */
    store_start(&large);
    store_write_file("/raw.img", model, SIZE);
    for (unsigned i = 0; i < 9; i++) {
        enum image_kind kind = kinds[i % 3];
        const char *to = kind == IMAGE_RAW ? "/to.img" : "/to.vhd";

        steps_left = ENOUGH;
        if (i >= 3 && !exists(paths[i / 3]))
            CHECK(image_convert("/raw.img", paths[i / 3], kinds[i / 3], &progress) == NULL);
        CHECK(image_convert(paths[i / 3], to, kind, &progress) == NULL);
        ask_qemu(to, kind);
        check_good(to, kind, kind == IMAGE_DYNAMIC ? 2 : 0);
        CHECK_EQUAL(fat_remove(store_volume, to), FS_OK);
    }
    finish();
}

/* What is stopped, or has no room, leaves nothing. */
static void test_failures(void)
{
    struct fat_info before, after;

    store_start(&tight);
    memset(model, 1, sizeof(model));
    store_write_file("/small.img", model, 1 << 20);
    CHECK_EQUAL(fat_sync(store_volume), FS_OK);
    fat_get_info(store_volume, &before);
    for (unsigned i = 0; i < 3; i++) {
        for (steps_left = 0; steps_left < 4; steps_left++) {
            unsigned steps = steps_left;
            const char *path = kinds[i] == IMAGE_RAW ? "/x.img" : "/x.vhd";

            CHECK_TEXT(image_convert("/small.img", path, kinds[i], &progress), IMAGE_STOPPED);
            CHECK(!exists(path));
            steps_left = steps;
            if (kinds[i] != IMAGE_DYNAMIC)
                CHECK_TEXT(image_create(path, kinds[i], 1 << 20, &progress), IMAGE_STOPPED);
            CHECK(!exists(path));
            steps_left = steps;
        }
        steps_left = ENOUGH;
        if (kinds[i] != IMAGE_DYNAMIC)
            CHECK_TEXT(image_create(paths[i], kinds[i], SIZE, &progress),
                       "the store is full, or the image as large as a file can be");
        CHECK(!exists(paths[i]));
    }
    CHECK(image_create("/big.vhd", IMAGE_DYNAMIC, VHD_DISK_SIZE_MAX, &progress) != NULL);
    CHECK_EQUAL(fat_sync(store_volume), FS_OK);
    fat_get_info(store_volume, &after);
    CHECK_EQUAL(before.free_clusters, after.free_clusters);
    finish();
}

static void test_refusals(void)
{
    struct image_description description;

    store_start(&large);
    store_write_file("/a.vhd", model, 4096);
    CHECK_TEXT(image_create("/b.img", IMAGE_FIXED, SIZE, &progress),
               "the name of a VHD ends in .vhd");
    CHECK_TEXT(image_create("/b.VHD", IMAGE_RAW, SIZE, &progress),
               "a name that ends in .vhd is that of a VHD: say fixed or dynamic");
    CHECK_TEXT(image_create("b.vhd", IMAGE_DYNAMIC, SIZE, &progress),
               "the path of a file begins with /");
    CHECK_TEXT(image_create("/b.vhd", IMAGE_DYNAMIC, 1000, &progress),
               "the size of a disk is a multiple of 512 bytes");
    CHECK_TEXT(image_create("/b.vhd", IMAGE_DYNAMIC, VHD_DISK_SIZE_MAX + 512, &progress),
               "a disk has at most 2040 GiB");
    CHECK_TEXT(image_create("/none/b.vhd", IMAGE_DYNAMIC, SIZE, &progress),
               "no such file or directory");
    CHECK(image_create("/b.vhd", IMAGE_FIXED, 4ull << 30, &progress) != NULL);
    CHECK(!exists("/b.vhd"));
    CHECK_TEXT(image_describe("/a.vhd", &description), "there is no VHD footer");
    CHECK_TEXT(image_check("/a.vhd", &progress, &description), "there is no VHD footer");
    CHECK_TEXT(image_check("/none", &progress, &description), "no such file or directory");
    CHECK_TEXT(image_convert("/a.vhd", "/b.vhd", IMAGE_FIXED, &progress), "there is no VHD footer");
    CHECK_TEXT(image_convert("/none", "/b.vhd", IMAGE_FIXED, &progress),
               "no such file or directory");
    /* A file that is in use is not read while it changes. */
    CHECK(image_create("/c.vhd", IMAGE_DYNAMIC, SIZE, &progress) == NULL);

    const char *error;
    struct vdisk *disk = vdisk_open("/c.vhd", 0, &error);

    CHECK_TEXT(image_check("/c.vhd", &progress, &description), "it is in use");
    CHECK_TEXT(image_convert("/c.vhd", "/d.vhd", IMAGE_FIXED, &progress), "it is in use");
    CHECK_TEXT(image_convert("/a.vhd", "/c.vhd", IMAGE_FIXED, &progress), "there is no VHD footer");
    vdisk_close(disk);
    finish();
}

/* What is wrong or left over in a file, and does not make it unusable. */
static void test_findings(void)
{
    enum { BLOCK = 4096 };
    size_t block = (size_t)vhd_block_bytes(BLOCK), size;
    struct image_description found;
    uint8_t *bytes = store_make_vhd(20 * BLOCK, BLOCK, &size), *table = bytes + 1536;

    bytes = realloc(bytes, size + 5 * block);
    table = bytes + 1536;
    memmove(bytes + size - 512 + 5 * block, bytes + size - 512, 512);
    memset(bytes + size - 512, 0xff, 5 * block);
    store_be32(table + 4, (uint32_t)((size - 512) / 512));              /* the first, */
    store_be32(table + 12, (uint32_t)((size - 512 + 3 * block) / 512)); /* the fourth of five */
    bytes[size - 512 + 3 * block + 1] = 0xff;
    bytes[size - 512 + 3 * block] = 0xf7;
    size += 5 * block;
    store_start(&large);
    store_write_file("/f.vhd", bytes, size);
    steps_left = ENOUGH;
    CHECK(image_check("/f.vhd", &progress, &found) == NULL);
    CHECK_EQUAL(found.allocated, 2);
    CHECK_EQUAL(found.orphans, 2);
    CHECK_EQUAL(found.room, block);
    CHECK_EQUAL(found.partly_filled, 1);
    CHECK(!found.copy_differs && !found.footer_damaged);
    steps_left = 1;
    CHECK_TEXT(image_check("/f.vhd", &progress, &found), IMAGE_STOPPED);
    bytes[20] ^= 1;
    store_write_file("/f.vhd", bytes, size);
    steps_left = ENOUGH;
    CHECK(image_check("/f.vhd", &progress, &found) == NULL);
    CHECK(found.copy_differs && !found.footer_damaged);
    bytes[20] ^= 1;
    bytes[size - 500] ^= 1;
    store_write_file("/f.vhd", bytes, size);
    steps_left = ENOUGH;
    CHECK(image_check("/f.vhd", &progress, &found) == NULL);
    CHECK(!found.copy_differs && found.footer_damaged);
    store_be32(table + 8, (uint32_t)((size - 512) / 512) - 1);
    store_write_file("/f.vhd", bytes, size);
    CHECK_TEXT(image_check("/f.vhd", &progress, &found),
               "a block lies outside of the file or on another one");
    free(bytes);
    finish();
}

int main(void)
{
    srand(1);
    test_create();
    test_convert();
    test_failures();
    test_refusals();
    test_findings();
    return unit_result();
}
