#include "parent/drivers/ata.h"

#include "parent/drivers/atapi.h"
#include "tests/unit/unit.h"

static uint16_t words[ATA_IDENTIFY_WORDS];
static struct ata_identity identity;

/* A SATA disk of 2^32 + 5 sectors with everything. */
static void make_disk(void)
{
    memset(words, 0, sizeof(words));
    for (unsigned i = 27; i < 47; i++)
        words[i] = ' ' << 8 | ' ';
    words[27] = 'D' << 8 | 'i';
    words[28] = 's' << 8 | 'k';
    words[29] = 0x01 << 8 | '1';
    words[49] = 0x0300;
    words[60] = 0xffff;
    words[61] = 0x0fff;
    words[63] = 0x0007;
    words[75] = 31;
    words[76] = 0x0100;
    words[82] = 0x0020;
    words[83] = 0x4400;
    words[84] = 0x4040;
    words[85] = 0x0020;
    words[88] = 0x203f;
    words[100] = 5;
    words[102] = 1;
}

static void test_disk(void)
{
    make_disk();
    CHECK(ata_parse_identity(words, false, &identity));
    CHECK_TEXT(identity.model, "Disk 1");
    CHECK_EQUAL(identity.sector_count, 0x100000005);
    CHECK_EQUAL(identity.sector_size, 512);
    CHECK(identity.lba48 && identity.dma && identity.ncq && identity.fua && identity.write_cache);
    CHECK_EQUAL(identity.queue_depth, 32);
    CHECK(identity.mode_selected);
    CHECK_EQUAL(identity.transfer_mode, 0x45);
    CHECK_EQUAL(ata_max_sectors(&identity), 2048);

    /* Without the marks of validity nothing of words 83 and 84 counts. */
    words[83] = 0x8400;
    CHECK(ata_parse_identity(words, false, &identity));
    CHECK(!identity.lba48 && !identity.ncq && !identity.fua);
    CHECK_EQUAL(identity.sector_count, 0x0fffffff);
    CHECK_EQUAL(ata_max_sectors(&identity), 256);

    make_disk();
    words[85] = 0;
    words[88] = 0;
    words[106] = 0x5000;
    words[117] = 2048;
    CHECK(ata_parse_identity(words, false, &identity));
    CHECK(!identity.write_cache && !identity.mode_selected);
    CHECK_EQUAL(identity.transfer_mode, 0x22);
    CHECK_EQUAL(identity.sector_size, 4096);
    CHECK_EQUAL(ata_max_sectors(&identity), 256);
}

static void check_refused(unsigned word, uint16_t value)
{
    make_disk();
    words[word] = value;
    CHECK(!ata_parse_identity(words, false, &identity));
}

static void test_bad_disks(void)
{
    check_refused(0, 0x8000);
    check_refused(49, 0x0100);
    check_refused(103, 1); /* 2^48 sectors and more */
    make_disk();
    memset(words + 100, 0, 8);
    CHECK(!ata_parse_identity(words, false, &identity));
    for (unsigned size = 0; size < 65536; size++) {
        make_disk();
        words[106] = 0x5000;
        words[117] = (uint16_t)size;

        bool fine = size == 256 || size == 512 || size == 1024 || size == 2048;

        CHECK_EQUAL(ata_parse_identity(words, false, &identity), fine);
    }
    make_disk();
    words[106] = 0x5000;
    words[118] = 1;
    CHECK(!ata_parse_identity(words, false, &identity));
    memset(words, 0xff, sizeof(words));
    CHECK(!ata_parse_identity(words, false, &identity));
    CHECK(!ata_parse_identity(words, true, &identity));
}

static void test_packet_device(void)
{
    make_disk();
    words[0] = 0x85c0;
    CHECK(ata_parse_identity(words, true, &identity));
    CHECK(identity.dma && !identity.ncq);
    CHECK_EQUAL(identity.sector_size, 2048);
    words[0] = 0x8581; /* packets of 16 bytes */
    CHECK(!ata_parse_identity(words, true, &identity));
    words[0] = 0x0040;
    CHECK(!ata_parse_identity(words, true, &identity));
}

static struct ata_taskfile taskfile_of(enum block_operation operation, uint64_t sector,
                                       uint32_t count, bool fua)
{
    struct block_command command = {
        .operation = operation, .sector = sector, .sector_count = count, .force_unit_access = fua};
    struct ata_taskfile taskfile;

    ata_make_taskfile(&identity, &command, &taskfile);
    return taskfile;
}

static void test_taskfiles(void)
{
    struct ata_taskfile taskfile;

    identity = (struct ata_identity){.lba48 = true};
    taskfile = taskfile_of(BLOCK_READ, 0x123456789abc, 65536, false);
    CHECK_EQUAL(taskfile.command, ATA_READ_DMA_EXT);
    CHECK_EQUAL(taskfile.lba, 0x123456789abc);
    CHECK_EQUAL(taskfile.count, 0);
    CHECK_EQUAL(taskfile.device & 0x4f, ATA_DEVICE_LBA);
    CHECK(taskfile.wide);
    CHECK_EQUAL(taskfile_of(BLOCK_WRITE, 1, 1, false).command, ATA_WRITE_DMA_EXT);
    CHECK_EQUAL(taskfile_of(BLOCK_WRITE, 1, 1, true).command, ATA_WRITE_DMA_FUA_EXT);
    CHECK_EQUAL(taskfile_of(BLOCK_FLUSH, 0, 0, false).command, ATA_FLUSH_CACHE_EXT);

    identity.lba48 = false;
    taskfile = taskfile_of(BLOCK_READ, 0xabcdef1, 256, false);
    CHECK_EQUAL(taskfile.command, ATA_READ_DMA);
    CHECK_EQUAL(taskfile.lba & 0xffffff, 0xbcdef1);
    CHECK_EQUAL(taskfile.device & 0x4f, ATA_DEVICE_LBA | 0xa);
    CHECK_EQUAL(taskfile.count, 0);
    CHECK(!taskfile.wide);
    CHECK_EQUAL(taskfile_of(BLOCK_WRITE, 1, 1, false).command, ATA_WRITE_DMA);
    CHECK_EQUAL(taskfile_of(BLOCK_FLUSH, 0, 0, false).command, ATA_FLUSH_CACHE);
}

static void test_results(void)
{
    CHECK_EQUAL(ata_result(0x50, 0xff), BLOCK_OK);
    CHECK_EQUAL(ata_result(0x51, 0x40), BLOCK_ERROR_MEDIUM);
    CHECK_EQUAL(ata_result(0x51, 0x04), BLOCK_ERROR_MEDIUM);
    CHECK_EQUAL(ata_result(0x51, 0x84), BLOCK_ERROR_DEVICE);
    CHECK_EQUAL(ata_result(0x70, 0x00), BLOCK_ERROR_DEVICE);
}

static enum block_status result_of(uint8_t key, uint8_t code)
{
    uint8_t data[ATAPI_SENSE_SIZE] = {0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, 1};
    struct atapi_sense sense;

    atapi_parse_sense(data, &sense);
    CHECK_EQUAL(sense.key, key & 0xf);
    CHECK_EQUAL(sense.qualifier, 1);
    return atapi_result(&sense);
}

static void test_packets(void)
{
    static const uint8_t read[] = {0xa8, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 1, 2, 0, 0};
    const uint8_t capacity[] = {0, 0, 0x10, 0xff, 0, 0, 8, 0};
    const uint8_t largest[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 8, 0};
    const uint8_t odd[] = {0, 0, 0x10, 0xff, 0, 0, 9, 0x30};
    uint8_t packet[ATAPI_PACKET_SIZE];
    uint64_t sectors;
    uint32_t size;

    atapi_make_read(packet, 0x12345678, 0x102);
    CHECK(memcmp(packet, read, sizeof(read)) == 0);
    CHECK(atapi_parse_capacity(capacity, &sectors, &size));
    CHECK_EQUAL(sectors, 0x1100);
    CHECK_EQUAL(size, 2048);
    CHECK(atapi_parse_capacity(largest, &sectors, &size));
    CHECK_EQUAL(sectors, 1ull << 32);
    CHECK(!atapi_parse_capacity(odd, &sectors, &size));

    CHECK_EQUAL(result_of(2, 0x3a), BLOCK_ERROR_NO_MEDIUM);
    CHECK_EQUAL(result_of(2, 0x04), BLOCK_BUSY);
    CHECK_EQUAL(result_of(2, 0x05), BLOCK_ERROR_DEVICE);
    CHECK_EQUAL(result_of(3, 0x11), BLOCK_ERROR_MEDIUM);
    CHECK_EQUAL(result_of(5, 0x21), BLOCK_ERROR_MEDIUM);
    CHECK_EQUAL(result_of(5, 0x24), BLOCK_ERROR_DEVICE);
    CHECK_EQUAL(result_of(0xf6, 0x28), BLOCK_BUSY);
    CHECK_EQUAL(result_of(0, 0), BLOCK_ERROR_DEVICE);
}

int main(void)
{
    test_disk();
    test_bad_disks();
    test_packet_device();
    test_taskfiles();
    test_results();
    test_packets();
    return unit_result();
}
