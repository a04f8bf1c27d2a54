/* A dynamic VHD on a store in memory, and what each of its sectors must have. For one source of a
 * program. */
#ifndef VENEER_TESTS_VDISK_MODEL_H
#define VENEER_TESTS_VDISK_MODEL_H

#include "tests/unit/unit.h"
#include "tests/vdisk_store.h"

#define SECTOR 512u
#define SMALL_BLOCK 4096u
#define DISK_SIZE (200u * SMALL_BLOCK + 3 * SECTOR)
#define MOVE_MAX 40u /* sectors */

static const struct format roomy = {true, 512, 512, 2, 2000, 2, 0, false};

static uint8_t model[16u << 20], buffer[1u << 20];

static inline void finish(void)
{
    store_end();
    disk_destroy(&store_disk);
}

static inline struct vdisk *open_disk(const char *path, unsigned flags)
{
    const char *error = NULL;
    struct vdisk *disk = vdisk_open(path, flags, &error);

    if (disk == NULL) {
        fprintf(stderr, "%s: %s\n", path, error);
        exit(1);
    }
    return disk;
}

static inline void check_refused(const char *path, unsigned flags, const char *expected)
{
    const char *error = NULL;

    CHECK(vdisk_open(path, flags, &error) == NULL);
    CHECK_TEXT(error, expected);
}

static inline void compare(struct vdisk *disk, uint64_t sector, uint32_t count)
{
    memset(buffer, 0x55, count * SECTOR);
    CHECK_EQUAL(store_move(disk, VDISK_READ, sector, count, buffer, false), VDISK_OK);
    CHECK(memcmp(buffer, model + sector * SECTOR, count * SECTOR) == 0);
}

static inline void compare_all(struct vdisk *disk)
{
    for (uint64_t sector = 0; sector < disk->sector_count; sector += MOVE_MAX) {
        uint64_t left = disk->sector_count - sector;

        compare(disk, sector, left < MOVE_MAX ? (uint32_t)left : MOVE_MAX);
    }
}

static inline enum vdisk_status write_some(struct vdisk *disk, uint64_t sector, uint32_t count,
                                           bool force)
{
    for (uint32_t i = 0; i < count * SECTOR; i++)
        buffer[i] = (uint8_t)rand();

    enum vdisk_status status = store_move(disk, VDISK_WRITE, sector, count, buffer, force);

    if (status == VDISK_OK)
        memcpy(model + sector * SECTOR, buffer, count * SECTOR);
    return status;
}

/* The file ends behind the last block, in a valid footer. */
static inline void check_compact(const char *path)
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

static inline void put_vhd(const char *path, uint64_t disk_size, uint32_t block_size)
{
    size_t size;
    uint8_t *bytes = store_make_vhd(disk_size, block_size, &size);

    store_write_file(path, bytes, size);
    free(bytes);
    memset(model, 0, disk_size);
}

#endif
