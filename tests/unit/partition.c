#include <stdlib.h>

#include "lib/crc32.h"
#include "parent/block/partition.h"
#include "tests/unit/unit.h"

#define SECTORS 2048

struct image {
    uint8_t *bytes;
    uint32_t sector_size;
    int error_at; /* reading this sector fails; -1: none */
};

static struct image image;
static struct partition_table table;

static int read_image(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    (void)context;
    CHECK(sector < SECTORS && count <= SECTORS - sector);
    if ((int64_t)sector == image.error_at)
        return -16;
    memcpy(buffer, image.bytes + sector * image.sector_size, (size_t)count * image.sector_size);
    return 0;
}

static void create(uint32_t sector_size)
{
    free(image.bytes);
    image = (struct image){calloc(SECTORS, sector_size), sector_size, -1};
}

static int parse(void)
{
    struct partition_disk disk = {read_image, NULL, image.sector_size, SECTORS};
    uint8_t buffer[PARTITION_SECTOR_SIZE_MAX];

    return partition_table_read(&disk, buffer, &table);
}

static uint8_t *sector(uint64_t number)
{
    return image.bytes + number * image.sector_size;
}

static void put32(uint8_t *place, uint32_t value)
{
    memcpy(place, &value, sizeof(value));
}

static void put64(uint8_t *place, uint64_t value)
{
    memcpy(place, &value, sizeof(value));
}

static void put_mbr(uint64_t at, unsigned index, uint8_t status, uint8_t type, uint32_t start,
                    uint32_t count)
{
    uint8_t *entry = sector(at) + 446 + index * 16;

    entry[0] = status;
    entry[4] = type;
    put32(entry + 8, start);
    put32(entry + 12, count);
    sector(at)[510] = 0x55;
    sector(at)[511] = 0xaa;
}

/* --- MBR --- */

static void test_no_table(void)
{
    create(512);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.scheme, PARTITION_SCHEME_NONE);

    /* Program code in the place of the entries. */
    put_mbr(0, 0, 0x80, 0x0c, 63, 100);
    put_mbr(0, 1, 0x33, 0xc0, 1, 1);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.scheme, PARTITION_SCHEME_NONE);
    CHECK_EQUAL(table.count, 0);

    image.error_at = 0;
    CHECK_EQUAL(parse(), -16);
}

static void test_primary(uint32_t sector_size)
{
    create(sector_size);
    put_mbr(0, 0, 0x80, 0x0c, 63, 100);
    put_mbr(0, 2, 0x00, 0x83, 163, SECTORS - 163);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.scheme, PARTITION_SCHEME_MBR);
    CHECK(table.warning == NULL);
    CHECK_EQUAL(table.count, 2);
    CHECK_EQUAL(table.partitions[0].start, 63);
    CHECK_EQUAL(table.partitions[0].count, 100);
    CHECK_EQUAL(table.partitions[0].mbr_type, 0x0c);
    CHECK(table.partitions[0].bootable);
    CHECK_EQUAL(table.partitions[1].number, 3);
    CHECK(!table.partitions[1].bootable);
}

static void test_bad_primary(void)
{
    create(512);
    put_mbr(0, 0, 0x80, 0x0c, 63, 100);
    put_mbr(0, 1, 0x00, 0x0c, 162, 10); /* shares a sector with the first */
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 1);
    CHECK_TEXT(table.warning, "a partition overlaps another one; it is left out");

    put_mbr(0, 1, 0x00, 0x0c, 163, SECTORS - 162);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 1);
    CHECK_TEXT(table.warning, "a partition is not inside of the disk; it is left out");

    put_mbr(0, 1, 0x00, 0x0c, 0xffffffff, 0xffffffff);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 1);
}

static void test_logical(void)
{
    create(512);
    put_mbr(0, 0, 0, 0x0c, 63, 37);
    put_mbr(0, 1, 0, 0x0f, 100, 1000);
    put_mbr(100, 0, 0, 0x83, 1, 99);
    put_mbr(100, 1, 0, 0x05, 300, 200);
    put_mbr(400, 0, 0x80, 0x0b, 1, 199);
    CHECK_EQUAL(parse(), 0);
    CHECK(table.warning == NULL);
    CHECK_EQUAL(table.count, 3);
    CHECK_EQUAL(table.partitions[1].number, 5);
    CHECK_EQUAL(table.partitions[1].start, 101);
    CHECK_EQUAL(table.partitions[2].number, 6);
    CHECK_EQUAL(table.partitions[2].start, 401);
    CHECK_EQUAL(table.partitions[2].count, 199);

    /* Out of the extended partition. */
    put_mbr(400, 0, 0, 0x0b, 1, 700);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 2);
    CHECK(table.warning != NULL);

    /* A chain that comes back to its beginning. */
    put_mbr(400, 0, 0, 0, 0, 0);
    put_mbr(400, 1, 0, 0x05, 0, 200);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 2);
    CHECK_TEXT(table.warning, "the list of logical partitions does not end");

    /* And one that leads away. */
    put_mbr(400, 1, 0, 0x05, 1000, 200);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 2);
    CHECK_TEXT(table.warning, "the list of logical partitions leads out of the extended one");

    put_mbr(0, 1, 0, 0x0f, SECTORS, 1000);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 1);
    CHECK_TEXT(table.warning, "the list of logical partitions leads out of the disk");
}

/* --- GPT --- */

#define ENTRY_COUNT 128
#define ENTRY_SIZE 128

static uint32_t table_sectors(void)
{
    return ENTRY_COUNT * ENTRY_SIZE / image.sector_size;
}

static uint64_t table_start(bool backup)
{
    return backup ? SECTORS - 1 - table_sectors() : 2;
}

static void put_entry(unsigned index, uint64_t first, uint64_t last, const char *name)
{
    for (unsigned copy = 0; copy < 2; copy++) {
        uint8_t *entry = sector(table_start(copy == 1)) + index * ENTRY_SIZE;

        memcpy(entry, &partition_guid_basic_data, 16);
        entry[16] = (uint8_t)(index + 1);
        put64(entry + 32, first);
        put64(entry + 40, last);
        for (unsigned i = 0; i < 36; i++)
            entry[56 + 2 * i] = i < strlen(name) ? (uint8_t)name[i] : 0;
    }
}

static void sign_header(uint8_t *header)
{
    put32(header + 16, 0);
    put32(header + 16, crc32(0, header, 92));
}

/* Writes both headers, for the entries that are there. */
static void put_headers(void)
{
    for (unsigned copy = 0; copy < 2; copy++) {
        uint64_t own = copy == 1 ? SECTORS - 1 : 1;
        uint8_t *header = sector(own);

        memcpy(header, "EFI PART", 8);
        put32(header + 8, 0x10000);
        put32(header + 12, 92);
        put64(header + 24, own);
        put64(header + 32, SECTORS - own);
        put64(header + 40, 2 + table_sectors());
        put64(header + 48, SECTORS - 2 - table_sectors());
        put64(header + 72, table_start(copy == 1));
        put32(header + 80, ENTRY_COUNT);
        put32(header + 84, ENTRY_SIZE);
        put32(header + 88, crc32(0, sector(table_start(copy == 1)), ENTRY_COUNT * ENTRY_SIZE));
        sign_header(header);
    }
}

static void create_gpt(uint32_t sector_size)
{
    create(sector_size);
    put_mbr(0, 0, 0, 0xee, 1, SECTORS - 1);
    put_entry(0, 100, 199, "boot");
    put_entry(5, 200, 200, "one sector");
    put_headers();
}

static void test_gpt(uint32_t sector_size)
{
    create_gpt(sector_size);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.scheme, PARTITION_SCHEME_GPT);
    CHECK(table.warning == NULL);
    CHECK_EQUAL(table.count, 2);
    CHECK_EQUAL(table.partitions[0].start, 100);
    CHECK_EQUAL(table.partitions[0].count, 100);
    CHECK_EQUAL(table.partitions[0].number, 1);
    CHECK_TEXT(table.partitions[0].name, "boot");
    CHECK(memcmp(&table.partitions[0].type, &partition_guid_basic_data, 16) == 0);
    CHECK_EQUAL(table.partitions[1].number, 6);
    CHECK_EQUAL(table.partitions[1].count, 1);
    CHECK_EQUAL(table.partitions[1].id.bytes[0], 6);
    CHECK_TEXT(table.partitions[1].name, "one sector");

    /* A hybrid MBR changes nothing. */
    put_mbr(0, 1, 0x80, 0x0c, 100, 100);
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.scheme, PARTITION_SCHEME_GPT);
    CHECK_EQUAL(table.count, 2);
}

static void check_backup_used(void)
{
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 2);
    CHECK_TEXT(table.warning,
               "the GPT at the start of the disk is damaged; its copy at the end is used");
}

static void test_backup(uint32_t sector_size)
{
    create_gpt(sector_size);
    sector(1)[60] ^= 1;
    check_backup_used();

    create_gpt(sector_size);
    sector(2)[40] ^= 1;
    check_backup_used();

    create_gpt(sector_size);
    image.error_at = 1;
    check_backup_used();

    create_gpt(sector_size);
    sector(1)[60] ^= 1;
    sector(SECTORS - 1)[60] ^= 1;
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.scheme, PARTITION_SCHEME_GPT);
    CHECK_EQUAL(table.count, 0);
    CHECK_TEXT(table.warning, "the GPT header is damaged");

    create_gpt(sector_size);
    sector(1)[60] ^= 1;
    image.error_at = SECTORS - 1;
    CHECK_EQUAL(parse(), -16);
    CHECK_EQUAL(table.count, 0);
}

/* What both copies say, and neither may. */
static void check_refused(const char *text)
{
    put_headers();
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, 0);
    CHECK_TEXT(table.warning, text);
}

static void test_bad_entries(void)
{
    create_gpt(512);
    put_entry(1, 150, 160, "");
    check_refused("two GPT partitions overlap");

    static const uint64_t outside[][2] = {
        {33, 40}, {300, 299}, {300, SECTORS - 33}, {0, UINT64_MAX}, {300, UINT64_MAX}};

    for (unsigned i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        create_gpt(512);
        put_entry(127, outside[i][0], outside[i][1], "");
        check_refused("a GPT partition is not inside of the usable part of the disk");
    }
}

static void test_bad_headers(void)
{
    static const struct {
        unsigned offset;
        uint64_t value;
        unsigned size;
    } changes[] = {
        {8, 0x20000, 4},     {12, 91, 4},   {12, 513, 4},        {12, UINT32_MAX, 4},
        {24, 7, 8},          {40, 2010, 8}, {40, 1, 8},          {48, SECTORS, 8},
        {48, UINT64_MAX, 8}, {72, 1, 8},    {72, 34, 8},         {72, SECTORS - 2, 8},
        {72, UINT64_MAX, 8}, {80, 1025, 4}, {80, UINT32_MAX, 4}, {84, 0, 4},
        {84, 64, 4},         {84, 192, 4},  {84, 1024, 4},       {84, 1u << 31, 4},
    };

    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        create_gpt(512);
        for (unsigned copy = 0; copy < 2; copy++) {
            uint8_t *header = sector(copy == 1 ? SECTORS - 1 : 1);

            memcpy(header + changes[i].offset, &changes[i].value, changes[i].size);
            sign_header(header);
        }
        CHECK_EQUAL(parse(), 0);
        CHECK_EQUAL(table.count, 0);
        CHECK(table.warning != NULL);
    }
}

static void test_many(void)
{
    create_gpt(512);
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        put_entry(i, 100 + i, 100 + i, "many");
    put_headers();
    CHECK_EQUAL(parse(), 0);
    CHECK_EQUAL(table.count, PARTITIONS_MAX);
    CHECK_TEXT(table.warning, "the disk has more partitions than can be used");
}

static void test_crc32(void)
{
    CHECK_EQUAL(crc32(0, "", 0), 0);
    CHECK_EQUAL(crc32(0, "123456789", 9), 0xcbf43926);
    CHECK_EQUAL(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}

int main(void)
{
    test_crc32();
    test_no_table();
    test_primary(512);
    test_primary(4096);
    test_bad_primary();
    test_logical();
    test_gpt(512);
    test_gpt(4096);
    test_backup(512);
    test_backup(4096);
    test_bad_entries();
    test_bad_headers();
    test_many();
    free(image.bytes);
    return unit_result();
}
