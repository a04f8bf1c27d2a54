/* Partition tables: a disk with an MBR, logical partitions and a GPT, damaged as the input says.
 * What is found must be on the disk and not overlap. */
#include "lib/crc32.h"
#include "parent/block/partition.h"
#include "tests/fuzz/fuzz.h"

#define SECTOR_SIZE_MAX 4096
#define SECTORS 64
#define EXTENDED 8
#define GPT_ENTRIES 32
#define READS_MAX 2000 /* far more than a disk of this size needs */

static uint8_t image[SECTORS * SECTOR_SIZE_MAX];
static uint32_t sector_size;
static unsigned reads;

static int read_image(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    (void)context;
    FUZZ_CHECK(sector < SECTORS && count == 1);
    FUZZ_CHECK(++reads < READS_MAX);
    memcpy(buffer, image + sector * sector_size, sector_size);
    return 0;
}

static void put_number(uint64_t at, uint64_t value, size_t size)
{
    memcpy(image + at, &value, size);
}

static void put_mbr_entry(uint64_t sector, unsigned index, uint8_t type, uint32_t start,
                          uint32_t count)
{
    uint64_t at = sector * sector_size + 446 + index * 16;

    put_number(at + 4, type, 1);
    put_number(at + 8, start, 4);
    put_number(at + 12, count, 4);
    put_number(sector * sector_size + 510, 0xaa55, 2);
}

static uint64_t gpt_table(bool backup)
{
    uint32_t sectors = (GPT_ENTRIES * 128 + sector_size - 1) / sector_size;

    return backup ? SECTORS - 1 - sectors : 2;
}

static void put_gpt(bool backup)
{
    uint64_t own = backup ? SECTORS - 1 : 1, header = own * sector_size;

    memcpy(image + header, "EFI PART", 8);
    put_number(header + 8, 0x10000, 4);
    put_number(header + 12, 92, 4);
    put_number(header + 24, own, 8);
    put_number(header + 32, SECTORS - own, 8);
    put_number(header + 40, 12, 8);
    put_number(header + 48, SECTORS - 12, 8);
    put_number(header + 72, gpt_table(backup), 8);
    put_number(header + 80, GPT_ENTRIES, 4);
    put_number(header + 84, 128, 4);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t entry = gpt_table(backup) * sector_size + i * 128;

        memcpy(image + entry, &partition_guid_basic_data, 16);
        put_number(entry + 32, 12 + i * 10, 8);
        put_number(entry + 40, 21 + i * 10, 8);
        put_number(entry + 56, 'A' + i, 2);
    }
}

/* So that damage is not always found by its checksum. */
static void sign_gpt(bool backup)
{
    uint64_t header = (backup ? SECTORS - 1 : 1) * sector_size;
    uint64_t start;
    uint32_t count, size, header_size;

    memcpy(&start, image + header + 72, 8);
    memcpy(&count, image + header + 80, 4);
    memcpy(&size, image + header + 84, 4);
    memcpy(&header_size, image + header + 12, 4);
    if (start < SECTORS && (uint64_t)count * size <= (SECTORS - start) * sector_size)
        put_number(header + 88, crc32(0, image + start * sector_size, (size_t)count * size), 4);
    put_number(header + 16, 0, 4);
    if (header_size <= sector_size)
        put_number(header + 16, crc32(0, image + header, header_size), 4);
}

static void build(bool is_gpt)
{
    memset(image, 0, sizeof(image));
    if (is_gpt) {
        put_mbr_entry(0, 0, 0xee, 1, SECTORS - 1);
        put_gpt(false);
        put_gpt(true);
        return;
    }
    put_mbr_entry(0, 0, 0x0c, 1, 7);
    put_mbr_entry(0, 1, 0x05, EXTENDED, SECTORS - EXTENDED);
    put_mbr_entry(EXTENDED, 0, 0x83, 1, 9);
    put_mbr_entry(EXTENDED, 1, 0x05, 10, 20);
    put_mbr_entry(EXTENDED + 10, 0, 0x83, 1, 9);
}

/* Sectors that hold tables are damaged more often than others. */
static void damage(struct fuzz_input *input)
{
    static const uint8_t sectors[] = {0,           1, 2, SECTORS - 1, EXTENDED, EXTENDED + 10,
                                      SECTORS - 2, 3};

    while (input->size >= 4) {
        uint64_t where = fuzz_number(input, 2);
        uint64_t sector = sectors[where % 8];
        size_t size = 1u << (where >> 14);
        uint64_t offset = (where >> 3) % 512;

        /* The entries of an MBR take only the end of their sector. */
        if (sector != 1 && sector != SECTORS - 1 && offset < 446 && (where & 0x800) != 0)
            offset = 446 + offset % 66;
        put_number(sector * sector_size + offset, fuzz_number(input, size), size);
    }
}

static void check(const struct partition_table *table)
{
    FUZZ_CHECK(table->count <= PARTITIONS_MAX);
    for (unsigned i = 0; i < table->count; i++) {
        const struct partition *one = &table->partitions[i];

        FUZZ_CHECK(one->count > 0 && one->start > 0 && one->start < SECTORS);
        FUZZ_CHECK(one->count <= SECTORS - one->start);
        FUZZ_CHECK(strlen(one->name) < PARTITION_NAME_SIZE);
        for (unsigned j = 0; j < i; j++) {
            const struct partition *other = &table->partitions[j];

            FUZZ_CHECK(other->number < one->number);
            FUZZ_CHECK(one->start + one->count <= other->start ||
                       other->start + other->count <= one->start);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct partition_table table;
    struct fuzz_input input = {data, size};
    uint8_t shape = fuzz_byte(&input);
    struct partition_disk disk = {.read = read_image, .sector_count = SECTORS};
    uint8_t *buffer;

    sector_size = (shape & 1) != 0 ? 4096 : 512;
    disk.sector_size = sector_size;
    build((shape & 2) != 0);
    damage(&input);
    if ((shape & 4) != 0)
        sign_gpt(false);
    if ((shape & 8) != 0)
        sign_gpt(true);
    buffer = malloc(sector_size); /* its exact size, for the address sanitizer */
    reads = 0;
    FUZZ_CHECK(partition_table_read(&disk, buffer, &table) == 0);
    check(&table);
    free(buffer);
    return 0;
}
