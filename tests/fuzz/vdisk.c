/* A dynamic VHD that somebody has damaged, perhaps with right checksums: it is refused, or it is a
 * disk that keeps what is written to it, now and when it is opened again. Other files of the store
 * are never touched. */
#include "lib/big_endian.h"
#include "tests/fuzz/fuzz.h"
#include "tests/vdisk_store.h"
#include "tests/vhd_sign.h"

#define BLOCK 4096u
#define BLOCKS 12u
#define PRESENT 5u /* blocks that are there */
#define PATH "/a.vhd"
#define PLACES 6u
#define COUNT 5u /* sectors of a place */

static const struct format format = {true, 512, 512, 1, 330, 2, 0, false};

/* Sectors of the disk that are written and read, and what they have. */
struct place {
    uint64_t sector;
    uint8_t content[COUNT * 512];
};

static uint8_t *make_image(struct fuzz_input *input, size_t *size)
{
    size_t block = (size_t)vhd_block_bytes(BLOCK), end;
    uint8_t *bytes = store_make_vhd(BLOCKS * BLOCK - 3 * 512, BLOCK, size);
    uint8_t bits = fuzz_byte(input);

    end = *size - VHD_FOOTER_SIZE;
    *size += PRESENT * block;
    bytes = realloc(bytes, *size);
    memcpy(bytes + *size - VHD_FOOTER_SIZE, bytes, VHD_FOOTER_SIZE);
    for (uint32_t i = 0; i < PRESENT; i++) {
        uint8_t *at = bytes + end + i * block;

        store_be32(bytes + 1536 + 4 * (2 * i + 1), (uint32_t)((size_t)(at - bytes) / 512));
        memset(at, (bits >> i & 1) != 0 ? 0xff : bits, 512);
        memset(at + 512, (int)i + 1, BLOCK);
    }
    return bytes;
}

/* Changes some fields, and signs the structures again or not. */
static void damage(struct fuzz_input *input, uint8_t *bytes, size_t size)
{
    size_t starts[] = {0, 512, 1536, size - 512};
    uint8_t shape = fuzz_byte(input);

    for (unsigned i = shape & 7; i > 0; i--) {
        uint8_t where = fuzz_byte(input);
        size_t at = starts[where & 3] + (where >> 2);

        if ((where & 3) == 2 && (shape & 64) != 0) /* an entry that may lead to a block */
            store_be32(bytes + at / 4 * 4, (uint32_t)(fuzz_byte(input) % (size / 512)));
        else
            store_be32(bytes + at, (uint32_t)fuzz_number(input, 4));
    }
    if ((shape & 8) != 0)
        vhd_sign(bytes + size - 512, 512, 64);
    if ((shape & 16) != 0)
        vhd_sign(bytes, 512, 64);
    if ((shape & 32) != 0)
        vhd_sign(bytes + 512, 1024, 36);
}

static void check_place(struct vdisk *disk, const struct place *place)
{
    uint8_t seen[COUNT * 512];

    FUZZ_CHECK(store_move(disk, VDISK_READ, place->sector, COUNT, seen, false) == VDISK_OK);
    FUZZ_CHECK(memcmp(seen, place->content, sizeof(seen)) == 0);
}

static void write_place(struct fuzz_input *input, struct vdisk *disk, struct place *place)
{
    uint8_t what = fuzz_byte(input), data[COUNT * 512];
    struct vdisk_request zero = {
        .operation = VDISK_ZERO, .sector = place->sector, .sector_count = COUNT};
    enum vdisk_status status;

    memset(data, (what & 3) == 0 ? 0 : what, sizeof(data));
    if ((what & 3) == 0)
        status = store_request(disk, &zero);
    else
        status = store_move(disk, VDISK_WRITE, place->sector, COUNT, data, (what & 4) != 0);
    FUZZ_CHECK(status == VDISK_OK || status == VDISK_ERROR_NO_SPACE);
    if (status == VDISK_OK)
        memcpy(place->content, data, sizeof(data));
    if ((what & 8) != 0)
        FUZZ_CHECK(store_flush(disk) == VDISK_OK);
}

/* Chooses places that do not overlap, and reads them. Returns how many there are. */
static unsigned choose(struct fuzz_input *input, struct vdisk *disk, struct place *places)
{
    unsigned count = 0;

    if (disk->sector_count < COUNT)
        return 0;
    for (unsigned i = 0; i < PLACES; i++) {
        struct place *place = &places[count];
        bool good = true;

        place->sector = fuzz_number(input, 4) % (disk->sector_count - COUNT + 1);
        for (unsigned j = 0; j < count; j++)
            good = good && (place->sector >= places[j].sector + COUNT ||
                            places[j].sector >= place->sector + COUNT);
        if (!good)
            continue;
        FUZZ_CHECK(store_move(disk, VDISK_READ, place->sector, COUNT, place->content, false) ==
                   VDISK_OK);
        count++;
    }
    return count;
}

static void use_disk(struct fuzz_input *input, struct vdisk *disk)
{
    struct place places[PLACES];
    unsigned count = choose(input, disk, places);
    const char *error;

    while (count > 0 && input->size > 0) {
        write_place(input, disk, &places[fuzz_byte(input) % count]);
        for (unsigned i = 0; i < count; i++)
            check_place(disk, &places[i]);
    }
    vdisk_close(disk);
    disk = vdisk_open(PATH, 0, &error);
    FUZZ_CHECK(disk != NULL);
    for (unsigned i = 0; i < count; i++)
        check_place(disk, &places[i]);
    vdisk_close(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct fat_check_result result;
    uint8_t other[9000];
    const char *error;
    size_t length;
    uint8_t *bytes = make_image(&input, &length);

    damage(&input, bytes, length);
    if ((fuzz_byte(&input) & 1) != 0)
        length -= fuzz_number(&input, 2) % length;
    srand(1);
    memset(other, 0x5a, sizeof(other));
    format_disk(&store_disk, &format);
    store_mount_disk();
    store_write_file("/before", other, sizeof(other));
    store_write_file(PATH, bytes, length);
    store_write_file("/after", other, sizeof(other));
    free(bytes);

    struct vdisk *disk = vdisk_open(PATH, 0, &error);

    if (disk != NULL)
        use_disk(&input, disk);
    for (unsigned i = 0; i < 2; i++) {
        bytes = store_read_file(i == 0 ? "/before" : "/after", &length);
        FUZZ_CHECK(length == sizeof(other) && memcmp(bytes, other, length) == 0);
        free(bytes);
    }

    void *memory = malloc(fat_check_memory(store_volume));

    FUZZ_CHECK(fat_check(store_volume, memory, &result) == FS_OK);
    free(memory);
    store_end();
    disk_destroy(&store_disk);
    return 0;
}
