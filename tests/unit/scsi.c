/* Unit test of vsp/storvsp/scsi*.c: each command with good and bad CDBs, in tables, and what the
 * answers say. */
#include "include/scsi.h"
#include "lib/big_endian.h"
#include "tests/unit/unit.h"
#include "vsp/storvsp/scsi.h"

#define SECTORS 0x10000u
#define BUFFER 0x80000u

static struct vdisk disk = {.sector_size = 512,
                            .physical_sector_size = 4096,
                            .sector_count = SECTORS,
                            .can_unmap = true,
                            .identity = {0x12, 0xab}};
static struct vdisk read_only = {
    .sector_size = 512, .physical_sector_size = 512, .sector_count = SECTORS, .read_only = true};
static struct vdisk cd = {.sector_size = 2048,
                          .physical_sector_size = 2048,
                          .sector_count = 300000,
                          .read_only = true,
                          .removable = true};
static struct scsi_unit hard, protected, dvd, empty;
static struct scsi_command command;

static void reset_units(void)
{
    hard = (struct scsi_unit){.disk = &disk};
    protected = (struct scsi_unit){.disk = &read_only};
    dvd = (struct scsi_unit){.disk = &cd, .removable = true};
    empty = (struct scsi_unit){.removable = true};
}

static enum scsi_step decode(struct scsi_unit *unit, const uint8_t cdb[16], uint32_t buffer)
{
    command.cdb = cdb;
    command.transfer_length = buffer;
    command.luns = 0x80000005;
    return scsi_decode(unit, &command);
}

/* Requests to the disk. */
static const struct {
    uint8_t cdb[16];
    enum vdisk_operation operation;
    uint64_t sector, count; /* VDISK_FLUSH: 0 */
    bool force;
} requests[] = {
    {{SCSI_READ_6, 0xe0, 1, 2, 3}, VDISK_READ, 0x102, 3, false}, /* bits of an old LUN field */
    {{SCSI_READ_6, 0, 0, 0, 0}, VDISK_READ, 0, 256, false},
    {{SCSI_WRITE_6, 0, 0, 9, 1}, VDISK_WRITE, 9, 1, false},
    {{SCSI_READ_10, 0, 0, 0, 0x12, 0x34, 0, 0, 8}, VDISK_READ, 0x1234, 8, false},
    {{SCSI_READ_10, 8, 0, 0, 0xff, 0xff, 0, 0, 1}, VDISK_READ, 0xffff, 1, false},
    {{SCSI_WRITE_10, 8, 0, 0, 0, 1, 0, 4, 0}, VDISK_WRITE, 1, 1024, true},
    {{SCSI_READ_12, 0, 0, 0, 0, 2, 0, 0, 0, 3}, VDISK_READ, 2, 3, false},
    {{SCSI_WRITE_12, 0, 0, 0, 0, 2, 0, 0, 0, 3}, VDISK_WRITE, 2, 3, false},
    {{SCSI_READ_16, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2}, VDISK_READ, 7, 2, false},
    {{SCSI_WRITE_16, 8, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2}, VDISK_WRITE, 7, 2, true},
    {{SCSI_SYNCHRONIZE_CACHE_10}, VDISK_FLUSH, 0, 0, false},
    {{SCSI_SYNCHRONIZE_CACHE_16, 2}, VDISK_FLUSH, 0, 0, false}, /* IMMED */
    {{SCSI_SYNCHRONIZE_CACHE_10, 0, 0, 0, 0xff, 0xff, 0, 0, 1}, VDISK_FLUSH, 0, 0, false},
    {{SCSI_START_STOP_UNIT, 0, 0, 0, 0}, VDISK_FLUSH, 0, 0, false},
    {{SCSI_WRITE_SAME_16, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 0}, VDISK_ZERO, 7, 0xfff9, false},
};

static void test_requests(void)
{
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        uint64_t count = requests[i].count;

        uint8_t cdb[16];
        memcpy(cdb, requests[i].cdb, 16);
        if (requests[i].operation == VDISK_ZERO) /* up to the end */
            store_be32(cdb + 10, (uint32_t)count);
        CHECK_EQUAL(decode(&hard, cdb, BUFFER), SCSI_DISK);
        CHECK_EQUAL(command.operation, requests[i].operation);
        CHECK_EQUAL(command.sector, requests[i].sector);
        CHECK_EQUAL(command.sector_count, count);
        CHECK_EQUAL(command.force_unit_access, requests[i].force);
        if (requests[i].operation == VDISK_READ || requests[i].operation == VDISK_WRITE)
            CHECK_EQUAL(command.data_size, count * 512);
    }
}

/* Commands that are refused. */
static const struct {
    struct scsi_unit *unit;
    uint8_t cdb[16];
    uint32_t buffer, sense;
} refused[] = {
    {&hard, {0xff}, 0, SCSI_SENSE_INVALID_OPCODE},
    {&hard, {0x85}, 512, SCSI_SENSE_INVALID_OPCODE}, /* ATA PASS-THROUGH */
    {&hard, {SCSI_READ_TOC}, 512, SCSI_SENSE_INVALID_OPCODE},
    {&hard, {SCSI_READ_6, 0x1f, 0xff, 0xff, 1}, BUFFER, SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard, {SCSI_READ_10, 0, 0, 1, 0, 0, 0, 0, 1}, BUFFER, SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard, {SCSI_READ_10, 0, 0, 0, 0xff, 0xff, 0, 0, 2}, BUFFER, SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard, {SCSI_READ_10, 0, 0, 1, 0, 1, 0, 0, 0}, BUFFER, SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard, {SCSI_READ_10, 0, 0, 0, 0, 0, 0, 4, 1}, BUFFER, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_READ_10, 0, 0, 0, 0, 0, 0, 0, 2}, 1023, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_READ_10, 0x20, 0, 0, 0, 0, 0, 0, 1}, 512, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard,
     {SCSI_READ_16, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     512,
     SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard,
     {SCSI_READ_16, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1},
     512,
     SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard,
     {SCSI_READ_16, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
     BUFFER,
     SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&protected, {SCSI_WRITE_10, 0, 0, 0, 0, 0, 0, 0, 1}, 512, SCSI_SENSE_WRITE_PROTECTED},
    {&protected,
     {SCSI_WRITE_SAME_16, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     0,
     SCSI_SENSE_WRITE_PROTECTED},
    {&protected, {SCSI_UNMAP, 0, 0, 0, 0, 0, 0, 0, 24}, 24, SCSI_SENSE_INVALID_OPCODE},
    {&hard, {SCSI_UNMAP, 1, 0, 0, 0, 0, 0, 0, 24}, 24, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_WRITE_SAME_10}, 512, SCSI_SENSE_INVALID_FIELD_IN_CDB}, /* no sectors */
    {&hard, {SCSI_VERIFY_10, 2, 0, 0, 0, 0, 0, 0, 1}, 512, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_VERIFY_10, 0, 0, 1, 0, 0, 0, 0, 1}, 0, SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard, {SCSI_SYNCHRONIZE_CACHE_10, 0, 0, 1, 0, 0, 0, 0, 1}, 0, SCSI_SENSE_LBA_OUT_OF_RANGE},
    {&hard, {SCSI_INQUIRY, 0, 0x80, 0, 255}, 255, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_INQUIRY, 1, 0x77, 0, 255}, 255, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_INQUIRY, 2, 0, 0, 255}, 255, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_MODE_SENSE_6, 0, 0x1c, 0, 255}, 255, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_MODE_SENSE_6, 0, 0xc8, 0, 255}, 255, 0x053900}, /* saved values */
    {&hard, {SCSI_MODE_SENSE_10, 0, 8, 1, 0, 0, 0, 0, 255}, 255, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_SERVICE_ACTION_IN_16, 0x12}, 32, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_REPORT_LUNS, 0, 3, 0, 0, 0, 0, 0, 1, 0}, 256, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_REPORT_LUNS, 0, 0, 0, 0, 0, 0, 0, 0, 8}, 256, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_REQUEST_SENSE, 1, 0, 0, 18}, 18, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&hard, {SCSI_START_STOP_UNIT, 0, 0, 0, 2}, 0, SCSI_SENSE_INVALID_FIELD_IN_CDB}, /* eject */
    {&dvd, {SCSI_READ_TOC, 0, 3, 0, 0, 0, 0, 0, 255}, 255, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&dvd, {SCSI_READ_TOC, 0, 0, 0, 0, 0, 2, 0, 255}, 255, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&dvd,
     {SCSI_GET_CONFIGURATION, 3, 0, 0, 0, 0, 0, 0, 255},
     255,
     SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&dvd, {SCSI_GET_EVENT_STATUS, 0, 0, 0, 0x10, 0, 0, 0, 8}, 8, SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&dvd,
     {SCSI_READ_DISC_INFORMATION, 1, 0, 0, 0, 0, 0, 0, 34},
     34,
     SCSI_SENSE_INVALID_FIELD_IN_CDB},
    {&dvd, {SCSI_WRITE_10, 0, 0, 0, 0, 0, 0, 0, 1}, 2048, SCSI_SENSE_WRITE_PROTECTED},
    {&empty, {SCSI_TEST_UNIT_READY}, 0, SCSI_SENSE_NO_MEDIUM},
    {&empty, {SCSI_READ_10, 0, 0, 0, 0, 0, 0, 0, 1}, 2048, SCSI_SENSE_NO_MEDIUM},
    {&empty, {SCSI_READ_CAPACITY_10}, 8, SCSI_SENSE_NO_MEDIUM},
    {&empty, {SCSI_READ_TOC, 0, 0, 0, 0, 0, 0, 0, 255}, 255, SCSI_SENSE_NO_MEDIUM},
    {&empty, {SCSI_READ_DISC_INFORMATION, 0, 0, 0, 0, 0, 0, 0, 34}, 34, SCSI_SENSE_NO_MEDIUM},
};

static void test_refused(void)
{
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CHECK_EQUAL(decode(refused[i].unit, refused[i].cdb, refused[i].buffer), SCSI_DONE);
        if (command.sense != refused[i].sense)
            fprintf(stderr, "refused[%u], code %x:\n", i, refused[i].cdb[0]);
        CHECK_EQUAL(command.sense, refused[i].sense);
        CHECK_EQUAL(command.response_size, 0);
    }
}

/* Answers: bytes at an offset. */
static const struct {
    struct scsi_unit *unit;
    uint8_t cdb[16];
    uint32_t buffer, size, offset, length;
    uint8_t bytes[12];
} answers[] = {
    {&hard, {SCSI_INQUIRY, 0, 0, 0, 36}, 36, 36, 0, 8, {0, 0, 6, 2, 31, 0, 0, 2}},
    {&hard, {SCSI_INQUIRY, 0, 0, 0, 5}, 36, 5, 4, 1, {31}}, /* cut; says how much there is */
    {&hard, {SCSI_INQUIRY, 0, 0, 0, 255}, 20, 20, 8, 8, {'V', 'e', 'n', 'e', 'e', 'r', ' ', ' '}},
    {&dvd, {SCSI_INQUIRY, 0, 0, 1, 0}, 255, 36, 0, 2, {5, 0x80}},
    {&hard,
     {SCSI_INQUIRY, 1, 0, 0, 255},
     255,
     10,
     0,
     10,
     {0, 0, 0, 6, 0, 0x80, 0x83, 0xb0, 0xb1, 0xb2}},
    {&hard, {SCSI_INQUIRY, 1, 0x80, 0, 255}, 255, 36, 0, 8, {0, 0x80, 0, 32, '1', '2', 'a', 'b'}},
    {&hard, {SCSI_INQUIRY, 1, 0x83, 0, 255}, 255, 48, 0, 9, {0, 0x83, 0, 44, 2, 1, 0, 40, 'V'}},
    {&hard, {SCSI_INQUIRY, 1, 0xb0, 0, 255}, 255, 64, 8, 4, {0, 0, 4, 0}}, /* 512 KiB */
    {&hard, {SCSI_INQUIRY, 1, 0xb0, 0, 255}, 255, 64, 24, 8, {0, 0, 0, 1, 0, 0, 0, 8}},
    {&protected, {SCSI_INQUIRY, 1, 0xb0, 0, 255}, 255, 64, 20, 8, {0}}, /* no UNMAP */
    {&hard, {SCSI_INQUIRY, 1, 0xb1, 0, 255}, 255, 64, 4, 2, {0, 1}},
    {&hard, {SCSI_INQUIRY, 1, 0xb2, 0, 255}, 255, 8, 4, 3, {0, 0xe0, 2}},
    {&protected, {SCSI_INQUIRY, 1, 0xb2, 0, 255}, 255, 8, 4, 3, {0}},
    {&dvd, {SCSI_INQUIRY, 1, 0, 0, 255}, 255, 5, 0, 5, {5, 0, 0, 1, 0}},
    {&hard, {SCSI_READ_CAPACITY_10}, 8, 8, 0, 8, {0, 0, 0xff, 0xff, 0, 0, 2, 0}},
    {&hard,
     {SCSI_SERVICE_ACTION_IN_16, 0x10, [13] = 32},
     32,
     32,
     7,
     8,
     {0xff, 0, 0, 2, 0, 0, 3, 0x80}},
    {&hard,
     {SCSI_SERVICE_ACTION_IN_16, 0x10, [13] = 12},
     32,
     12,
     0,
     8,
     {0, 0, 0, 0, 0, 0, 0xff, 0xff}},
    {&hard, {SCSI_MODE_SENSE_6, 8, 8, 0, 255}, 255, 24, 0, 7, {23, 0, 0x10, 0, 8, 18, 4}},
    {&hard, {SCSI_MODE_SENSE_6, 8, 0x48, 0, 255}, 255, 24, 4, 3, {8, 18, 0}}, /* changeable */
    {&hard, {SCSI_MODE_SENSE_6, 0, 0x3f, 0, 4}, 4, 4, 0, 4, {35, 0, 0x10, 0}},
    {&protected, {SCSI_MODE_SENSE_6, 0, 0x3f, 0, 4}, 4, 4, 2, 1, {0x90}},
    {&hard,
     {SCSI_MODE_SENSE_10, 0, 8, 0, 0, 0, 0, 0, 255},
     255,
     28,
     0,
     10,
     {0, 26, 0, 0x10, 0, 0, 0, 0, 8, 18}},
    {&dvd, {SCSI_MODE_SENSE_10, 0, 0x2a, 0, 0, 0, 0, 0, 128}, 128, 30, 8, 3, {0x2a, 20, 0x3b}},
    {&hard, {SCSI_REPORT_LUNS, [8] = 16}, 4096, 32, 0, 12, {0, 0, 0, 24, 0, 0, 0, 0, 0, 0}},
    {&hard, {SCSI_REPORT_LUNS, [8] = 16}, 4096, 32, 24, 2, {0, 31}},
    {&hard, {SCSI_REPORT_LUNS, 0, 1, [8] = 16}, 4096, 8, 0, 4, {0}}, /* well-known units: none */
    {&hard, {SCSI_REQUEST_SENSE, 0, 0, 0, 18}, 18, 18, 0, 8, {0x70, 0, 0, 0, 0, 0, 0, 10}},
    {&dvd,
     {SCSI_READ_TOC, 0, 0, 0, 0, 0, 0, 0, 12},
     12,
     12,
     0,
     12,
     {0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0}},
    {&dvd,
     {SCSI_READ_TOC, 0, 0, 0, 0, 0, 0xaa, 0, 12},
     12,
     12,
     4,
     8,
     {0, 0x14, 0xaa, 0, 0, 4, 0x93, 0xe0}},
    {&dvd, {SCSI_READ_TOC, 2, 0, 0, 0, 0, 0xaa, 0, 12}, 12, 12, 8, 4, {0, 66, 42, 0}}, /* MSF */
    {&dvd, {SCSI_READ_TOC, 0, 1, 0, 0, 0, 0, 0, 12}, 12, 12, 0, 3, {0, 10, 1}}, /* sessions */
    {&dvd, {SCSI_READ_TOC, [8] = 12, [9] = 0x40}, 12, 12, 0, 3, {0, 10, 1}},
    {&dvd, {SCSI_READ_TOC, 0, 2, [8] = 255}, 255, 48, 29, 8, {0xa2, 0, 0, 0, 0, 66, 42, 0}},
    {&dvd, {SCSI_GET_CONFIGURATION, [8] = 8}, 8, 8, 0, 8, {0, 0, 0, 44, 0, 0, 0, 0x10}},
    {&empty, {SCSI_GET_CONFIGURATION, [8] = 8}, 8, 8, 6, 2, {0, 0}},
    {&dvd, {SCSI_GET_CONFIGURATION, 2, 0, 3, [8] = 255}, 255, 16, 8, 5, {0, 3, 3, 4, 0x29}},
    {&dvd, {SCSI_GET_EVENT_STATUS, 1, 0, 0, 0x10, [8] = 8}, 8, 8, 0, 6, {0, 6, 4, 0x10, 0, 2}},
    {&empty, {SCSI_GET_EVENT_STATUS, 1, 0, 0, 0x10, [8] = 8}, 8, 8, 4, 2, {0, 0}},
    {&dvd, {SCSI_GET_EVENT_STATUS, 1, 0, 0, 2, [8] = 8}, 8, 4, 0, 4, {0, 2, 0x80, 0x10}},
    {&dvd, {SCSI_READ_DISC_INFORMATION, [8] = 34}, 34, 34, 0, 4, {0, 32, 0x0e, 1}},
    {&dvd, {SCSI_READ_CAPACITY_10}, 8, 8, 0, 8, {0, 4, 0x93, 0xdf, 0, 0, 8, 0}},
    {&hard, {SCSI_TEST_UNIT_READY}, 0, 0, 0, 0, {0}},
    {&hard, {SCSI_VERIFY_16, [13] = 255}, 0, 0, 0, 0, {0}},
    {&hard, {SCSI_START_STOP_UNIT, 0, 0, 0, 1}, 0, 0, 0, 0, {0}},
    {&hard, {SCSI_START_STOP_UNIT, 0, 0, 0, 0x30}, 0, 0, 0, 0, {0}}, /* standby */
    {&hard, {SCSI_UNMAP}, 0, 0, 0, 0, {0}},                          /* of nothing */
    {&hard, {SCSI_READ_10}, 512, 0, 0, 0, {0}},
};

static void test_answers(void)
{
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        unsigned before = unit_failures;
        CHECK_EQUAL(decode(answers[i].unit, answers[i].cdb, answers[i].buffer), SCSI_DONE);
        CHECK_EQUAL(command.sense, 0);
        CHECK_EQUAL(command.response_size, answers[i].size);
        CHECK(memcmp(command.response + answers[i].offset, answers[i].bytes, answers[i].length) ==
              0);
        if (unit_failures > before)
            fprintf(stderr, "answers[%u], code %x\n", i, answers[i].cdb[0]);
    }
}

/* A unit attention is said once, and does not stop what must not be stopped. */
static void test_unit_attention(void)
{
    static const uint8_t passing[][16] = {{SCSI_INQUIRY, 0, 0, 0, 36},
                                          {SCSI_REPORT_LUNS, [8] = 16},
                                          {SCSI_MODE_SENSE_6, 0, 0x3f, 0, 255},
                                          {SCSI_MODE_SENSE_10, 0, 0x3f, 0, 0, 0, 0, 0, 255}};
    static const uint8_t ready[16] = {SCSI_TEST_UNIT_READY};
    static const uint8_t ask[16] = {SCSI_REQUEST_SENSE, 0, 0, 0, 18};

    hard.unit_attention = SCSI_SENSE_RESET;
    for (unsigned i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        decode(&hard, passing[i], 4096);
        CHECK_EQUAL(command.sense, 0);
        CHECK(command.response_size > 0);
    }
    decode(&hard, ready, 0);
    CHECK_EQUAL(command.sense, SCSI_SENSE_RESET);
    decode(&hard, ready, 0);
    CHECK_EQUAL(command.sense, 0);
    hard.unit_attention = SCSI_SENSE_RESET;
    decode(&hard, ask, 18);
    CHECK_EQUAL(command.response[2] << 16 | command.response[12] << 8 | command.response[13],
                SCSI_SENSE_RESET);
    decode(&hard, ready, 0);
    CHECK_EQUAL(command.sense, 0);
}

static void test_tray(void)
{
    static const uint8_t ready[16] = {SCSI_TEST_UNIT_READY};
    static const uint8_t eject[16] = {SCSI_START_STOP_UNIT, 0, 0, 0, 2};
    static const uint8_t load[16] = {SCSI_START_STOP_UNIT, 0, 0, 0, 3};
    static const uint8_t event[16] = {SCSI_GET_EVENT_STATUS, 1, 0, 0, 0x10, [8] = 8};
    static const uint8_t prevent[16] = {SCSI_PREVENT_ALLOW, 0, 0, 0, 1};
    static const uint8_t allow[16] = {SCSI_PREVENT_ALLOW};

    decode(&dvd, prevent, 0);
    decode(&dvd, eject, 0);
    CHECK_EQUAL(command.sense, SCSI_SENSE_REMOVAL_PREVENTED);
    decode(&dvd, allow, 0);
    decode(&dvd, eject, 0);
    CHECK_EQUAL(command.sense, 0);
    decode(&dvd, ready, 0);
    CHECK_EQUAL(command.sense, SCSI_SENSE_NO_MEDIUM);
    decode(&dvd, event, 8);
    CHECK_EQUAL(command.response[5], 1);
    decode(&dvd, load, 0);
    decode(&dvd, event, 8);
    CHECK_EQUAL(command.response[4], 2);
    CHECK_EQUAL(command.response[5], 2);
    decode(&dvd, ready, 0);
    CHECK_EQUAL(command.sense, SCSI_SENSE_MEDIUM_CHANGED);
    decode(&dvd, ready, 0);
    CHECK_EQUAL(command.sense, 0);
}

static void unmap(const uint8_t *list, uint32_t size, uint32_t length, uint32_t sense)
{
    uint8_t cdb[16] = {SCSI_UNMAP};

    store_be16(cdb + 7, (uint16_t)length);
    CHECK_EQUAL(decode(&hard, cdb, size), SCSI_PARAMETERS);
    scsi_parameters(&hard, &command, list, size);
    CHECK_EQUAL(command.sense, sense);
}

static void test_parameters(void)
{
    static const uint8_t same[16] = {SCSI_WRITE_SAME_10, 0, 0, 0, 0, 4, 0, 0, 9};
    uint8_t list[40] = {0, 22, 0, 16, [8 + 7] = 5, [8 + 11] = 6}, sector[512] = {0};

    unmap(list, 24, 24, 0);
    CHECK_EQUAL(command.operation, VDISK_UNMAP);
    CHECK_EQUAL(command.sector, 5);
    CHECK_EQUAL(command.sector_count, 6);
    unmap(list, 23, 24, SCSI_SENSE_PARAMETER_LIST_LENGTH); /* the guest's buffer is shorter */
    unmap(list, 24, 7, SCSI_SENSE_PARAMETER_LIST_LENGTH);
    unmap(list, 24, 23, SCSI_SENSE_PARAMETER_LIST_LENGTH);
    list[3] = 32;
    list[1] = 38;
    unmap(list, 40, 40, SCSI_SENSE_INVALID_FIELD_IN_PARAMETERS); /* two descriptors */
    list[3] = 16;
    list[1] = 22;
    list[8 + 5] = 1; /* behind the end */
    unmap(list, 24, 24, SCSI_SENSE_LBA_OUT_OF_RANGE);
    memset(list + 8, 0xff, 16);
    unmap(list, 24, 24, SCSI_SENSE_LBA_OUT_OF_RANGE);

    CHECK_EQUAL(decode(&hard, same, 512), SCSI_PARAMETERS);
    CHECK_EQUAL(scsi_parameters(&hard, &command, sector, 512), SCSI_DISK);
    CHECK_EQUAL(command.operation, VDISK_ZERO);
    CHECK_EQUAL(command.sector, 4);
    CHECK_EQUAL(command.sector_count, 9);
    sector[511] = 1;
    CHECK_EQUAL(decode(&hard, same, 512), SCSI_PARAMETERS);
    CHECK_EQUAL(scsi_parameters(&hard, &command, sector, 512), SCSI_DISK);
    CHECK_EQUAL(command.operation, VDISK_WRITE);
    CHECK(command.repeated);
    CHECK_EQUAL(command.data_size, 9 * 512);
    CHECK_EQUAL(decode(&hard, same, 511), SCSI_PARAMETERS);
    CHECK_EQUAL(scsi_parameters(&hard, &command, sector, 511), SCSI_DONE);
    CHECK_EQUAL(command.sense, SCSI_SENSE_INVALID_FIELD_IN_CDB);
}

static void test_absent(void)
{
    static const uint8_t inquiry[16] = {SCSI_INQUIRY, 0, 0, 0, 36},
                         luns[16] = {SCSI_REPORT_LUNS, [8] = 16};
    static const uint8_t ready[16] = {SCSI_TEST_UNIT_READY};

    command.transfer_length = 4096;
    command.cdb = inquiry;
    CHECK(scsi_decode_absent(&command));
    CHECK_EQUAL(command.response_size, 36);
    CHECK_EQUAL(command.response[0], 0x7f);
    command.cdb = luns;
    command.luns = 0;
    CHECK(scsi_decode_absent(&command));
    CHECK_EQUAL(command.response_size, 8);
    CHECK_EQUAL(load_be32(command.response), 0);
    command.cdb = ready;
    CHECK(!scsi_decode_absent(&command));
}

int main(void)
{
    reset_units();
    test_requests();
    test_refused();
    test_answers();
    test_unit_attention();
    test_tray();
    test_parameters();
    test_absent();
    return unit_result();
}
