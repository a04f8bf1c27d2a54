/* Unit test of the CD and DVD drive on IDE: packets by programmed I/O and DMA, media, errors. */
#include "worker/devices/atapi.h"

#include "tests/devices/fake_ide.h"
#include "tests/unit/unit.h"

#define SECTORS 1000u
#define READY 0x50
#define DRQ 0x58
#define FAILED 0x51
#define TABLE 0x1000u

static struct fake_ide pc;
static struct fake_disk disk;
static struct atapi atapi;
static uint8_t data[256 * 1024];

static uint8_t in(uint16_t port)
{
    return fake_inb(&pc.machine, port);
}

static void out(uint16_t port, uint8_t value)
{
    fake_outb(&pc.machine, port, value);
}

static void begin(const uint8_t *cdb, uint8_t features, uint32_t limit)
{
    out(IDE_DEVICE, 0xa0);
    out(IDE_FEATURE, features);
    out(IDE_MID, (uint8_t)limit);
    out(IDE_HIGH, (uint8_t)(limit >> 8));
    out(IDE_STATUS, 0xa0);
    CHECK_EQUAL(in(IDE_STATUS), DRQ);
    CHECK_EQUAL(in(IDE_COUNT), 0x01);
    CHECK(!pc.irqs[0].asserted);
    fake_ide_write(&pc, cdb, 12, features == 0);
    fake_disk_run(&disk);
}

/* A command with data by programmed I/O; how much there was, UINT32_MAX if it failed. */
static uint32_t packet(const uint8_t *cdb, uint32_t limit)
{
    uint32_t total = 0;

    memset(data, 0xee, sizeof(data));
    begin(cdb, 0, limit);
    for (;;) {
        uint32_t size;
        uint8_t status;

        CHECK(pc.irqs[0].asserted);
        status = in(IDE_STATUS);
        if (status != DRQ) {
            CHECK(status == READY || status == FAILED);
            CHECK_EQUAL(in(IDE_COUNT), 0x03);
            return status == READY ? total : UINT32_MAX;
        }
        CHECK_EQUAL(in(IDE_COUNT), 0x02);
        size = in(IDE_MID) | (uint32_t)in(IDE_HIGH) << 8;
        CHECK(size > 0 && size <= (limit == 0 ? 0xfffe : limit));
        fake_ide_read(&pc, data + total, size + size % 2, true);
        total += size;
        fake_disk_run(&disk);
    }
}

static uint32_t sense(void)
{
    static const uint8_t cdb[12] = {0x03, 0, 0, 0, 18};

    CHECK_EQUAL(packet(cdb, 18), 18);
    CHECK_EQUAL(data[0], 0x70);
    return (uint32_t)(data[2] << 16 | data[12] << 8 | data[13]);
}

/* What the command, of which the first bytes are given, fails with; 0: it does not. */
static uint32_t failure(uint8_t code, uint8_t byte1, uint8_t byte2, uint8_t byte4, uint8_t byte8)
{
    uint8_t cdb[12] = {code, byte1, byte2, 0, byte4, 0, 0, 0, byte8};

    return packet(cdb, 0xfffe) == UINT32_MAX ? sense() : 0;
}

static void start(void)
{
    fake_ide_create(&pc);
    fake_disk_create(&disk, 2048, SECTORS, SECTORS);
    disk.disk.read_only = disk.disk.removable = true;
    for (uint32_t i = 0; i < SECTORS * 2048; i++)
        disk.data[i] = (uint8_t)(i / 2048 * 7 + i * 3);
    atapi_init(&atapi, &disk.disk);
    ide_attach(&pc.ide.channels[0], 0, &atapi.drive);
}

static void start_ready(void)
{
    start();
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0x062900);
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0);
}

static void end(void)
{
    CHECK(disk.first == NULL);
    fake_disk_destroy(&disk);
    fake_ide_destroy(&pc);
}

static void probe(void)
{
    start();
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQUAL(in(IDE_STATUS), 0);
        CHECK_EQUAL(in(IDE_MID), 0x14);
        CHECK_EQUAL(in(IDE_HIGH), 0xeb);
        out(IDE_MID, 0);
        if (i == 0) {
            out(IDE_STATUS, 0x08);
        } else {
            out(IDE_CONTROL, 0x04);
            out(IDE_CONTROL, 0x00);
        }
    }
    fake_ide_command(&pc, 0, 0, 0, 0xec);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_MID), 0x14);
    CHECK_EQUAL(in(IDE_HIGH), 0xeb);
    fake_ide_command(&pc, 0, 0, 0, 0xa1);
    CHECK_EQUAL(in(IDE_STATUS), DRQ);
    fake_ide_read(&pc, data, 512, true);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(data[0] | data[1] << 8, 0x85c0);
    out(IDE_FEATURE, 0x03);
    fake_ide_command(&pc, 0, 0, 0x20, 0xef);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    fake_ide_command(&pc, 0, 0, 0, 0xc8);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    out(IDE_FEATURE, 0x02); /* overlapped */
    out(IDE_STATUS, 0xa0);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    out(IDE_FEATURE, 0x00); /* a reset in the middle of a packet */
    out(IDE_STATUS, 0xa0);
    CHECK_EQUAL(in(IDE_STATUS), DRQ);
    out(IDE_STATUS, 0x08);
    CHECK_EQUAL(in(IDE_STATUS), 0);
    end();
}

static void answers(void)
{
    static const uint8_t inquiry[12] = {0x12, 0, 0, 0, 96}, cut[12] = {0x12, 0, 0, 0, 5};
    static const uint8_t capacity[12] = {0x25};
    static const uint8_t toc[12] = {0x43, 2, 0, 0, 0, 0, 0, 0, 12};
    static const uint8_t mode[12] = {0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255};
    static const uint8_t all[12] = {0x1a, 0, 0x3f, 0, 255};
    static const uint8_t dvd[12] = {0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4};
    static const uint8_t status[12] = {0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8};
    static const uint8_t subchannel[12] = {0x42, 0, 0x40, 1, 0, 0, 0, 0, 16};

    start();
    CHECK_EQUAL(packet(inquiry, 36), 36); /* a unit attention does not stop it */
    CHECK_EQUAL(data[0], 0x05);
    CHECK(memcmp(data + 8, "Veneer  Virtual DVD", 19) == 0);
    CHECK_EQUAL(packet(inquiry, 10), 36); /* in blocks */
    CHECK(memcmp(data + 8, "Veneer  Virtual DVD", 19) == 0);
    CHECK_EQUAL(packet(cut, 0), 5); /* an odd number */
    CHECK_EQUAL(data[4], 31);
    CHECK_EQUAL(data[5], 0);
    CHECK_EQUAL(failure(0x25, 0, 0, 0, 0), 0x062900);
    CHECK_EQUAL(packet(capacity, 8), 8);
    CHECK(memcmp(data, "\0\0\3\347\0\0\10\0", 8) == 0);
    CHECK_EQUAL(packet(toc, 12), 12);
    CHECK(memcmp(data, "\0\22\1\1\0\24\1\0\0\0\2\0", 12) == 0);
    CHECK_EQUAL(packet(mode, 255), 30);
    CHECK_EQUAL(data[2], 0x01);
    CHECK_EQUAL(data[8], 0x2a);
    CHECK_EQUAL(packet(all, 255), 4 + 8 + 22);
    CHECK_EQUAL(packet(dvd, 0xfffe), 2052);
    CHECK_EQUAL(data[9], 0x03);
    CHECK_EQUAL(packet(status, 8), 8);
    CHECK_EQUAL(packet(subchannel, 16), 16);
    CHECK_EQUAL(data[1], 0x15);
    CHECK_EQUAL(failure(0x46, 2, 0, 0, 8), 0);
    CHECK_EQUAL(data[7], 0x10);
    CHECK_EQUAL(failure(0x51, 0, 0, 0, 34), 0);
    CHECK_EQUAL(failure(0x2b, 0, 0, 0, 0), 0);
    CHECK_EQUAL(failure(0xbb, 0, 0, 0, 0), 0);
    CHECK_EQUAL(failure(0x0a, 0, 0, 0, 0), 0x052000);
    CHECK_EQUAL(in(IDE_FEATURE), 0); /* of REQUEST SENSE, which was fine */
    CHECK_EQUAL(failure(0x12, 1, 0, 36, 0), 0x052400);
    CHECK_EQUAL(failure(0x1a, 0, 0x05, 255, 0), 0x052400);
    CHECK_EQUAL(failure(0x2b, 0, 0x80, 0, 0), 0x052100);
    end();
}

static void reading(void)
{
    static const uint8_t read[12] = {0x28, 0, 0, 0, 0, 10, 0, 0, 100};
    static const uint8_t read_12[12] = {0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 2};
    static const uint8_t read_cd[12] = {0xbe, 0, 0, 0, 0, 7, 0, 0, 3, 0x10};
    static const uint8_t past[12] = {0xa8, 0, 0, 0, 3, 0xe7, 0, 0, 0, 2};
    static const uint8_t huge[12] = {0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint32_t limits[] = {0, 2048, 4097, 100, 0xffff};

    start_ready();
    for (uint32_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        pc.irqs[0].rises = 0;
        CHECK_EQUAL(packet(read, limits[i]), 100 * 2048);
        CHECK(memcmp(data, disk.data + 10 * 2048, 100 * 2048) == 0);
        if (limits[i] == 2048)
            CHECK_EQUAL(pc.irqs[0].rises, 101);
    }
    CHECK_EQUAL(packet(read_12, 0xfffe), 2 * 2048);
    CHECK(memcmp(data, disk.data + 3 * 2048, 2 * 2048) == 0);
    CHECK_EQUAL(packet(read_cd, 0xfffe), 3 * 2048);
    CHECK(memcmp(data, disk.data + 7 * 2048, 3 * 2048) == 0);
    CHECK_EQUAL(packet(past, 0xfffe), UINT32_MAX);
    CHECK_EQUAL(in(IDE_FEATURE), 0x54);
    CHECK_EQUAL(sense(), 0x052100);
    CHECK_EQUAL(packet(huge, 0xfffe), UINT32_MAX);
    CHECK_EQUAL(sense(), 0x052100);
    CHECK_EQUAL(sense(), 0); /* once */
    disk.bad = 60;
    CHECK_EQUAL(packet(read, 2048), UINT32_MAX);
    CHECK_EQUAL(in(IDE_FEATURE), 0x30);
    CHECK(memcmp(data, disk.data + 10 * 2048, 50 * 2048) == 0);
    CHECK_EQUAL(sense(), 0x031100);
    disk.bad = UINT64_MAX;
    CHECK_EQUAL(packet(read, 2048), 100 * 2048);
    end();
}

static void dma(void)
{
    static const uint8_t read[12] = {0x28, 0, 0, 0, 0, 20, 0, 0, 3};
    static const uint8_t inquiry[12] = {0x12, 0, 0, 0, 36};

    start_ready();
    fake_ide_prd(&pc, TABLE, 0x20000, 1000, false);
    fake_ide_prd(&pc, TABLE + 8, 0x30000, 3 * 2048 - 1000, true);
    begin(read, 1, 0);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    fake_ide_start(&pc, TABLE, true);
    fake_disk_run(&disk);
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_BM_STATUS), 0x04);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(in(IDE_COUNT), 0x03);
    CHECK(memcmp(pc.machine.ram + 0x20000, disk.data + 20 * 2048, 1000) == 0);
    CHECK(memcmp(pc.machine.ram + 0x30000, disk.data + 20 * 2048 + 1000, 3 * 2048 - 1000) == 0);
    out(IDE_BM_STATUS, 0x06);
    fake_ide_prd(&pc, TABLE, 0x20000, 10, false);
    fake_ide_prd(&pc, TABLE + 8, 0x30000, 26, true);
    fake_ide_start(&pc, TABLE, true);
    begin(inquiry, 1, 0);
    CHECK_EQUAL(in(IDE_BM_STATUS), 0x04);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK(memcmp(pc.machine.ram + 0x20008, "Ve", 2) == 0);
    CHECK(memcmp(pc.machine.ram + 0x30000, "neer", 4) == 0);
    CHECK(memcmp(pc.machine.ram + 0x2000a, disk.data + 20 * 2048 + 10, 990) == 0);
    fake_ide_prd(&pc, TABLE, 0x20000, 6 + 2048, true); /* two commands, the first with 5 bytes */
    fake_ide_start(&pc, TABLE, true);
    begin((const uint8_t[12]){0x12, 0, 0, 0, 5}, 1, 0);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    begin((const uint8_t[12]){0x28, 0, 0, 0, 0, 20, 0, 0, 1}, 1, 0);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK(memcmp(pc.machine.ram + 0x20006, disk.data + 20 * 2048, 2048) == 0);
    out(IDE_BM_STATUS, 0x06);
    fake_ide_prd(&pc, TABLE, 0xfee00000, 36, true);
    fake_ide_start(&pc, TABLE, true);
    begin(inquiry, 1, 0);
    CHECK_EQUAL(in(IDE_BM_STATUS), 0x06);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(sense(), 0x044400);
    end();
}

static void media(void)
{
    static const uint8_t event[12] = {0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8};
    static const uint8_t read[12] = {0x28, 0, 0, 0, 3, 0, 0, 0, 100};
    uint64_t sectors = SECTORS;

    start_ready();
    CHECK_EQUAL(failure(0x1e, 0, 0, 1, 0), 0);
    CHECK_EQUAL(failure(0x1b, 0, 0, 2, 0), 0x055302); /* locked */
    CHECK_EQUAL(failure(0x1e, 0, 0, 0, 0), 0);
    CHECK_EQUAL(failure(0x1b, 0, 0, 2, 0), 0);
    CHECK(disk.open);
    CHECK_EQUAL(packet(event, 8), 8);
    CHECK_EQUAL(data[4], 3);
    CHECK_EQUAL(data[5], 1);
    CHECK_EQUAL(packet(event, 8), 8);
    CHECK_EQUAL(data[4], 0);
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0x023a00);
    CHECK_EQUAL(failure(0x28, 0, 0, 0, 1), 0x023a00);
    CHECK_EQUAL(failure(0x43, 0, 0, 0, 12), 0x023a00);
    CHECK_EQUAL(failure(0x1b, 0, 0, 3, 0), 0);
    CHECK_EQUAL(disk.ejects, 2);
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0x062800);
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0);
    disk.disk.sector_count = 0; /* taken out by the host, in the middle of a command */
    begin((const uint8_t[12]){0x28, 0, 0, 0, 0, 0, 0, 0, 100}, 0, 0);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    disk.disk.sector_count = sectors;
    begin(read, 0, 0);
    CHECK_EQUAL(in(IDE_STATUS), DRQ);
    disk.disk.sector_count = 10;
    disk.disk.changed(disk.disk.device);
    fake_ide_read(&pc, data, 63488, true);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(sense(), 0x023a00);
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0x062800);
    disk.disk.sector_count = 0;
    disk.disk.changed(disk.disk.device);
    CHECK_EQUAL(failure(0x25, 0, 0, 0, 0), 0x023a00);
    CHECK_EQUAL(packet(event, 8), 8);
    CHECK_EQUAL(data[5], 0);
    disk.disk.sector_count = sectors;
    disk.disk.sector_size = 512; /* no such disc */
    disk.disk.changed(disk.disk.device);
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0x062800);
    CHECK_EQUAL(failure(0x00, 0, 0, 0, 0), 0x023a00);
    end();
}

int main(void)
{
    probe();
    answers();
    reading();
    dma();
    media();
    return unit_result();
}
