/* Unit test of the bus master of IDE: tables of regions, good and bad ones, and its registers. */
#include "tests/devices/fake_ide.h"
#include "tests/unit/unit.h"
#include "worker/devices/ata.h"

#define SECTORS 3000u
#define READY 0x50
#define FAILED 0x51
#define TABLE 0x1000u
#define ACTIVE 0x01
#define ERROR 0x02
#define INTERRUPT 0x04

static struct fake_ide pc;
static struct fake_disk disk;
static struct ata ata;

static void start(void)
{
    fake_ide_create(&pc);
    fake_ide_add_disk(&pc, &disk, &ata, SECTORS, SECTORS);
}

static void end(void)
{
    CHECK(disk.first == NULL);
    fake_disk_destroy(&disk);
    fake_ide_destroy(&pc);
}

static uint8_t in(uint16_t port)
{
    return fake_inb(&pc.machine, port);
}

static void out(uint16_t port, uint8_t value)
{
    fake_outb(&pc.machine, port, value);
}

static bool same(uint32_t address, uint32_t sector, uint32_t size)
{
    return memcmp(pc.machine.ram + address, disk.data + sector * 512, size) == 0;
}

/* As Linux does it: the exits of a large write. */
static void simple(void)
{
    start();
    for (uint32_t i = 0; i < 25; i++)
        fake_ide_prd(&pc, TABLE + 8 * i, 0x20000 + 0x2000 * i, 4096, i == 24);
    for (uint32_t i = 0; i < 25 * 0x2000; i++)
        pc.machine.ram[0x20000 + i] = (uint8_t)(i * 31 >> 3);
    fake_out(&pc.machine, IDE_BM_TABLE, 4, TABLE);
    out(IDE_BM_COMMAND, 0);
    fake_ide_command_ext(&pc, 0, 500, 200, 0x35);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    CHECK_EQUAL(disk.requests, 0);
    out(IDE_BM_COMMAND, 0x01);
    CHECK_EQUAL(in(IDE_BM_STATUS), ACTIVE);
    CHECK_EQUAL(disk.requests, 1);
    CHECK_EQUAL(disk.first->segment_count, 25);
    CHECK(disk.first->segments[0].data == pc.machine.ram + 0x20000);
    CHECK(!pc.irqs[0].asserted);
    fake_disk_run(&disk);
    CHECK_EQUAL(disk.requests, 1);
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_BM_STATUS), INTERRUPT);
    out(IDE_BM_COMMAND, 0);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    out(IDE_BM_STATUS, INTERRUPT);
    CHECK_EQUAL(in(IDE_BM_STATUS), 0);
    for (uint32_t i = 0; i < 25; i++)
        CHECK(same(0x20000 + 0x2000 * i, 500 + 8 * i, 4096));
    CHECK_EQUAL(pc.irqs[0].rises, 1);
    end();
}

static void scattered(void)
{
    uint32_t total = 0, entries = 0;

    start(); /* pieces of all sizes, more than a request can have, started before the command */
    while (total < 256 * 512) {
        uint32_t size = 2 + entries * 26 % 400;

        if (size > 256 * 512 - total)
            size = 256 * 512 - total;
        total += size;
        fake_ide_prd(&pc, TABLE + 8 * entries, 0x40001 + total - size + entries * 2, size | 1,
                     total == 256 * 512);
        entries++;
    }
    total = 0;
    fake_ide_start(&pc, TABLE, true);
    CHECK_EQUAL(in(IDE_BM_STATUS), ACTIVE);
    fake_ide_command(&pc, 0, 70, 0, 0xc8);
    fake_disk_run(&disk);
    CHECK(disk.requests > 2);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t words[2];

        memcpy(words, pc.machine.ram + TABLE + 8 * i, 8);
        words[1] &= 0xfffe;
        CHECK(memcmp(pc.machine.ram + (words[0] & ~1u), disk.data + 70 * 512 + total, words[1]) ==
              0);
        CHECK_EQUAL(pc.machine.ram[(words[0] & ~1u) + words[1]], 0);
        total += words[1];
    }
    end();
}

/* A descriptor is read once: what the guest changes then is too late. Neighbours become one. */
static void read_once(void)
{
    start();
    fake_ide_prd(&pc, TABLE, 0x20000, 512, false);
    fake_ide_prd(&pc, TABLE + 8, 0x20200, 512, true);
    fake_ide_start(&pc, TABLE, true);
    fake_ide_command(&pc, 0, 3, 2, 0xc8);
    CHECK_EQUAL(disk.first->segment_count, 1);
    fake_ide_prd(&pc, TABLE, 0xfffff000, 0, false);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(in(IDE_BM_STATUS), INTERRUPT);
    CHECK(same(0x20000, 3, 1024));
    end();
}

static void lengths(void)
{
    start(); /* too long */
    fake_ide_prd(&pc, TABLE, 0x20000, 0, true);
    fake_ide_start(&pc, TABLE, true);
    fake_ide_command(&pc, 0, 3, 2, 0xc8);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_BM_STATUS), ACTIVE | INTERRUPT);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK(same(0x20000, 3, 1024));
    CHECK_EQUAL(pc.machine.ram[0x20400], 0);
    out(IDE_BM_COMMAND, 0);
    CHECK_EQUAL(in(IDE_BM_STATUS), INTERRUPT);
    fake_ide_prd(&pc, TABLE, 0x20000, 1024, true); /* too short: what is there is read */
    fake_ide_start(&pc, TABLE, true);
    fake_ide_command(&pc, 0, 90, 8, 0xc8);
    fake_disk_run(&disk);
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_BM_STATUS) & (ACTIVE | ERROR), 0);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK(same(0x20000, 90, 1024));
    fake_ide_start(&pc, TABLE, false); /* nobody has what would be to be written */
    fake_ide_command(&pc, 0, 90, 8, 0xca);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_COUNT), 6);
    CHECK_EQUAL(in(IDE_LOW), 92);
    fake_ide_prd(&pc, TABLE, 0x20000, 100, true); /* not even a sector */
    fake_ide_start(&pc, TABLE, false);
    fake_ide_command(&pc, 0, 90, 8, 0xca);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    end();
}

static void bad_tables(void)
{
    static const uint32_t addresses[] = {FAKE_RAM_SIZE, 0xfee00000, 0xfffffffe,
                                         FAKE_RAM_SIZE - 512};

    start();
    for (uint32_t i = 0; i < 4; i++) {
        fake_ide_prd(&pc, TABLE, addresses[i], 1024, true);
        fake_ide_start(&pc, TABLE, true);
        fake_ide_command(&pc, 0, 90, 2, 0xc8);
        CHECK(pc.irqs[0].asserted);
        CHECK_EQUAL(in(IDE_BM_STATUS), ERROR | INTERRUPT);
        CHECK_EQUAL(in(IDE_STATUS), FAILED);
        CHECK_EQUAL(in(IDE_FEATURE), 0x04);
        out(IDE_BM_STATUS, ERROR | INTERRUPT);
    }
    CHECK_EQUAL(disk.requests, 0);
    fake_ide_start(&pc, 0xfffffff8, true); /* the table itself */
    fake_ide_command(&pc, 0, 90, 2, 0xc8);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    fake_ide_start(&pc, FAKE_RAM_SIZE - 16, true); /* one without end */
    fake_ide_prd(&pc, FAKE_RAM_SIZE - 16, 0x20000, 512, false);
    fake_ide_prd(&pc, FAKE_RAM_SIZE - 8, 0x20200, 512, false);
    out(IDE_BM_STATUS, ERROR | INTERRUPT);
    fake_ide_command(&pc, 0, 90, 4, 0xc8);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_BM_STATUS), ERROR | INTERRUPT);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK(same(0x20000, 90, 1024));                /* so far it was good */
    fake_ide_prd(&pc, TABLE, 0x20000, 1024, true); /* the channel lives on */
    fake_ide_start(&pc, TABLE, true);
    fake_ide_command(&pc, 0, 95, 2, 0xc8);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK(same(0x20000, 95, 1024));
    end();
}

static void stopping(void)
{
    start();
    fake_ide_prd(&pc, TABLE, 0x20000, 1024, true);
    fake_ide_start(&pc, TABLE, true);
    fake_ide_command(&pc, 0, 90, 2, 0xc8);
    out(IDE_BM_COMMAND, 0);
    CHECK_EQUAL(in(IDE_BM_STATUS), 0);
    out(IDE_CONTROL, 0x04);
    out(IDE_CONTROL, 0x00);
    fake_ide_start(&pc, TABLE, true);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(pc.irqs[0].rises, 0);
    fake_ide_command(&pc, 0, 90, 2, 0xc8);
    piix4_ide_reset(&pc.ide);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_BM_STATUS), 0);
    fake_ide_config(&pc, 0x04, 2, 0x0001); /* not master of the bus: it waits */
    fake_ide_start(&pc, TABLE, true);
    fake_ide_command(&pc, 0, 90, 2, 0xc8);
    CHECK_EQUAL(in(IDE_BM_STATUS), ACTIVE);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    fake_ide_config(&pc, 0x04, 2, 0x0005);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    end();
}

static void registers(void)
{
    start();
    fake_out(&pc.machine, IDE_BM_TABLE, 4, 0x12345677);
    CHECK_EQUAL(fake_in(&pc.machine, IDE_BM_TABLE, 4), 0x12345674);
    CHECK_EQUAL(fake_in(&pc.machine, IDE_BM_TABLE + 8, 4), 0);
    out(IDE_BM_STATUS, 0xff);
    CHECK_EQUAL(fake_in(&pc.machine, IDE_BM_COMMAND, 4), 0x00600000);
    fake_ide_command(&pc, 0, 0, 0, 0xe1); /* any interrupt shows */
    CHECK_EQUAL(in(IDE_BM_STATUS), 0x60 | INTERRUPT);
    fake_out(&pc.machine, 0xcf8, 4, 0x80003900);
    CHECK_EQUAL(fake_in(&pc.machine, 0xcfc, 4), 0x71118086);
    fake_out(&pc.machine, 0xcf8, 4, 0x80003908);
    CHECK_EQUAL(fake_in(&pc.machine, 0xcfc, 4), 0x01018001);
    fake_out(&pc.machine, 0xcf8, 4, 0x80003940);
    CHECK_EQUAL(fake_in(&pc.machine, 0xcfc, 4), 0x80008000);
    fake_ide_config(&pc, 0x20, 4, 0xffffffff);
    CHECK_EQUAL(fake_in(&pc.machine, 0xcfc, 4), 0xfffffff1);
    fake_ide_config(&pc, 0x10, 4, 0xffffffff);
    CHECK_EQUAL(fake_in(&pc.machine, 0xcfc, 4), 0);
    end();
}

int main(void)
{
    simple();
    scattered();
    read_once();
    lengths();
    bad_tables();
    stopping();
    registers();
    return unit_result();
}
