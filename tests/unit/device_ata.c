/* Unit test of the IDE channel with hard disks: task file, programmed I/O, resets, errors. */
#include "tests/devices/fake_ide.h"
#include "tests/unit/unit.h"
#include "worker/devices/ata.h"

#define SECTORS 5000u
#define READY 0x50
#define DRQ 0x58
#define FAILED 0x51

static struct fake_ide pc;
static struct fake_disk disk, second_disk;
static struct ata ata, second;
static uint8_t data[65536 * 2], expected[65536 * 2];

static void start(uint64_t sectors)
{
    fake_ide_create(&pc);
    fake_ide_add_disk(&pc, &disk, &ata, sectors, SECTORS);
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

static uint32_t word(uint32_t index)
{
    return (uint32_t)(data[2 * index] | data[2 * index + 1] << 8);
}

static void probe(void)
{
    start(SECTORS);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(in(IDE_FEATURE), 0x01);
    CHECK_EQUAL(in(IDE_COUNT), 1);
    CHECK_EQUAL(in(IDE_LOW), 1);
    CHECK_EQUAL(in(IDE_MID), 0);
    CHECK_EQUAL(in(IDE_HIGH), 0);
    out(IDE_COUNT, 0x55);
    out(IDE_LOW, 0xaa);
    CHECK_EQUAL(in(IDE_COUNT), 0x55);
    CHECK_EQUAL(in(IDE_LOW), 0xaa);
    out(IDE_DEVICE, 0xb0); /* the second drive, which is not there */
    CHECK_EQUAL(in(IDE_STATUS), 0);
    CHECK_EQUAL(in(IDE_CONTROL), 0);
    out(IDE_COUNT, 0x55);
    CHECK_EQUAL(in(IDE_COUNT), 0);
    out(IDE_STATUS, 0xec);
    CHECK_EQUAL(in(IDE_STATUS), 0);
    CHECK_EQUAL(pc.irqs[0].rises, 0);
    CHECK_EQUAL(in(0x177), 0x7f); /* a channel without drives */
    CHECK_EQUAL(in(0x376), 0x7f);
    out(0x172, 0x55);
    CHECK_EQUAL(in(0x172), 0x7f);
    out(0x177, 0xec);
    out(0x177, 0x90);
    CHECK_EQUAL(in(0x177), 0x7f);
    CHECK_EQUAL(pc.irqs[1].rises, 0);
    end();
}

static void identify(void)
{
    uint8_t sum = 0;

    start(0x123456789);
    fake_ide_command(&pc, 0, 0, 0, 0xec);
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_CONTROL), DRQ);
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_STATUS), DRQ);
    CHECK(!pc.irqs[0].asserted);
    fake_ide_read(&pc, data, 512, false);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(pc.irqs[0].rises, 1);
    CHECK_EQUAL(word(0), 0x0040);
    CHECK_EQUAL(word(1), 16383);
    CHECK_EQUAL(word(3), 16);
    CHECK_EQUAL(word(4), 63 * 512);
    CHECK_EQUAL(word(5), 512);
    CHECK_EQUAL(word(6), 63);
    CHECK(memcmp(data + 20, "AFEK", 4) == 0);
    CHECK(memcmp(data + 54, "eVenre", 6) == 0);
    CHECK_EQUAL(word(47), 0x8010);
    CHECK_EQUAL(word(59), 0x0110);
    CHECK_EQUAL(word(60) | word(61) << 16, 0x0fffffff);
    CHECK_EQUAL(word(63), 0x0007);
    CHECK_EQUAL(word(88), 0x0407);
    CHECK_EQUAL(word(83), 0x7400);
    CHECK_EQUAL(word(100) | word(101) << 16, 0x23456789);
    CHECK_EQUAL(word(102), 1);
    for (uint32_t i = 0; i < 512; i++)
        sum += data[i];
    CHECK_EQUAL(sum, 0);
    out(IDE_FEATURE, 0x03); /* multiword DMA 1 */
    fake_ide_command(&pc, 0, 0, 0x21, 0xef);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    fake_ide_command(&pc, 0, 0, 0, 0xec);
    fake_ide_read(&pc, data, 512, true);
    CHECK_EQUAL(word(63), 0x0207);
    CHECK_EQUAL(word(88), 0x0007);
    out(IDE_FEATURE, 0x03); /* a mode that there is not */
    fake_ide_command(&pc, 0, 0, 0x45, 0xef);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_FEATURE), 0x04);
    end();
}

static void read_pio(void)
{
    start(SECTORS);
    for (uint32_t block = 0; block < 2; block++) {
        fake_ide_command(&pc, 0, 100, 3, 0x20);
        CHECK_EQUAL(in(IDE_CONTROL), 0x80);
        out(IDE_COUNT, 77); /* ignored */
        out(IDE_STATUS, 0xec);
        fake_disk_run(&disk);
        for (uint32_t i = 0; i < 3; i++) {
            CHECK(pc.irqs[0].asserted);
            CHECK_EQUAL(in(IDE_STATUS), DRQ);
            fake_ide_read(&pc, data + 512 * i, 512, block);
        }
        CHECK_EQUAL(pc.irqs[0].rises, 3 + 3 * block);
        CHECK_EQUAL(in(IDE_CONTROL), READY);
        CHECK(memcmp(data, disk.data + 100 * 512, 3 * 512) == 0);
        CHECK_EQUAL(in(IDE_LOW), 102);
        CHECK_EQUAL(in(IDE_COUNT), 0);
    }
    CHECK_EQUAL(disk.requests, 2);
    memset(data, 0, sizeof(data)); /* 256 sectors, without care for interrupts, by 32 bits */
    fake_ide_command(&pc, 0, 7, 0, 0x20);
    fake_disk_run(&disk);
    for (uint32_t i = 0; i < 256 * 512; i += 4) {
        uint32_t value = fake_in(&pc.machine, IDE_DATA, 4);

        memcpy(data + i, &value, 4);
        if (i == 65536 - 4) {
            CHECK_EQUAL(in(IDE_CONTROL), 0x80);
            fake_disk_run(&disk);
        }
    }
    CHECK(memcmp(data, disk.data + 7 * 512, 256 * 512) == 0);
    CHECK_EQUAL(fake_in(&pc.machine, IDE_DATA, 2), 0xffff); /* there is no more */
    end();
}

static void multiple(void)
{
    start(SECTORS);
    fake_ide_command(&pc, 0, 0, 3, 0xc6); /* not a power of 2 */
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    fake_ide_command(&pc, 0, 0, 8, 0xc6);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    pc.irqs[0].rises = 0;
    fake_ide_command_ext(&pc, 0, 1000, 20, 0x29);
    fake_disk_run(&disk);
    for (uint32_t i = 0; i < 20; i += 8) {
        CHECK_EQUAL(in(IDE_STATUS), DRQ);
        fake_ide_read(&pc, data + 512 * i, i < 16 ? 4096 : 2048, true);
    }
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(pc.irqs[0].rises, 3);
    CHECK(memcmp(data, disk.data + 1000 * 512, 20 * 512) == 0);
    fake_ide_command(&pc, 0, 0, 0, 0xc6);
    fake_ide_command(&pc, 0, 0, 1, 0xc4);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_FEATURE), 0x04);
    end();
}

static void write_pio(void)
{
    start(SECTORS);
    for (uint32_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 13 >> 4);
    for (uint32_t block = 0; block < 2; block++) {
        pc.irqs[0].rises = 0;
        fake_ide_command(&pc, 0, 30 + block, 2, 0x30);
        CHECK_EQUAL(in(IDE_STATUS), DRQ);
        CHECK_EQUAL(pc.irqs[0].rises, 0);
        fake_ide_write(&pc, data, 512, block);
        CHECK(pc.irqs[0].asserted);
        CHECK_EQUAL(in(IDE_STATUS), DRQ);
        fake_ide_write(&pc, data + 512, 512, block);
        CHECK_EQUAL(in(IDE_STATUS), 0x80);
        CHECK_EQUAL(pc.irqs[0].rises, 1);
        fake_disk_run(&disk);
        CHECK_EQUAL(pc.irqs[0].rises, 2);
        CHECK_EQUAL(in(IDE_STATUS), READY);
        CHECK(memcmp(disk.data + (30 + block) * 512, data, 1024) == 0);
    }
    CHECK_EQUAL(disk.flushes, 0);
    out(IDE_FEATURE, 0x82); /* without a write cache all is on the medium */
    fake_ide_command(&pc, 0, 0, 0, 0xef);
    fake_ide_command_ext(&pc, 0, 50, 200, 0x34); /* larger than the buffer */
    fake_ide_write(&pc, data, 65536, true);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    fake_disk_run(&disk);
    fake_ide_write(&pc, data + 65536, 72 * 512, true);
    fake_disk_step(&disk);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(disk.flushes, 1);
    CHECK(memcmp(disk.data + 50 * 512, data, 200 * 512) == 0);
    disk.disk.read_only = true;
    fake_ide_command(&pc, 0, 0, 1, 0x30);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_FEATURE), 0x04);
    end();
}

static void chs(void)
{
    start(SECTORS);
    out(IDE_DEVICE, 0xa0 | 15);
    out(IDE_COUNT, 1);
    out(IDE_LOW, 63);
    out(IDE_MID, 1);
    out(IDE_HIGH, 0);
    out(IDE_STATUS, 0x20);
    fake_disk_run(&disk);
    fake_ide_read(&pc, data, 512, true);
    CHECK(memcmp(data, disk.data + (31 * 63 + 62) * 512, 512) == 0);
    CHECK_EQUAL(in(IDE_LOW), 63);
    out(IDE_DEVICE, 0xa0 | 3); /* 4 heads of 17 */
    out(IDE_COUNT, 17);
    out(IDE_STATUS, 0x91);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    out(IDE_COUNT, 2);
    out(IDE_LOW, 17);
    out(IDE_MID, 5);
    out(IDE_STATUS, 0x20);
    fake_disk_run(&disk);
    fake_ide_read(&pc, data, 1024, true);
    CHECK(memcmp(data, disk.data + ((5 * 4 + 3) * 17 + 16) * 512, 1024) == 0);
    CHECK_EQUAL(in(IDE_LOW), 1);
    CHECK_EQUAL(in(IDE_MID), 6);
    CHECK_EQUAL(in(IDE_DEVICE), 0xa0);
    out(IDE_LOW, 0); /* there is no sector 0, nor one of 18 */
    out(IDE_STATUS, 0x20);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_FEATURE), 0x10);
    out(IDE_LOW, 18);
    out(IDE_STATUS, 0x70);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    out(IDE_STATUS, 0xec);
    fake_ide_read(&pc, data, 512, true);
    CHECK_EQUAL(word(54), SECTORS / 68);
    CHECK_EQUAL(word(57), SECTORS / 68 * 68);
    end();
}

static void errors(void)
{
    start(SECTORS);
    fake_ide_command(&pc, 0, SECTORS - 1, 2, 0x20);
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_FEATURE), 0x10);
    CHECK_EQUAL(in(IDE_LOW) | in(IDE_MID) << 8, SECTORS);
    fake_ide_command_ext(&pc, 0, 0xffffffffffff, 0, 0x35);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(disk.requests, 0);
    disk.bad = 205;
    fake_ide_command(&pc, 0, 200, 20, 0x20); /* what is in front of it can be had */
    fake_disk_run(&disk);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK_EQUAL(in(IDE_STATUS), DRQ);
        fake_ide_read(&pc, data, 512, true);
        CHECK(memcmp(data, disk.data + (200 + i) * 512, 512) == 0);
        fake_disk_run(&disk);
    }
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_FEATURE), 0x40);
    CHECK_EQUAL(in(IDE_LOW), 205);
    CHECK_EQUAL(in(IDE_COUNT), 15);
    fake_ide_command(&pc, 0, 150, 0, 0x40);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_LOW), 205);
    disk.bad = UINT64_MAX;
    fake_ide_command(&pc, 0, 150, 0, 0x40);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    disk.full = true;
    fake_ide_command(&pc, 0, 5, 1, 0x30);
    fake_ide_write(&pc, data, 512, true);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), FAILED);
    CHECK_EQUAL(in(IDE_FEATURE), 0x04);
    end();
}

static void others(void)
{
    static const uint8_t fine[] = {0x10, 0x70, 0xe0, 0xe1, 0xe3, 0xe2, 0xe6, 0xe7, 0xea, 0x94};
    static const uint8_t aborted[] = {0x00, 0x08, 0xa0, 0xa1, 0xb0, 0xf1, 0xf5, 0xf9, 0x60, 0xff};

    start(SECTORS);
    for (uint32_t i = 0; i < sizeof(fine); i++) {
        fake_ide_command(&pc, 0, 0, 0, fine[i]);
        fake_disk_run(&disk);
        CHECK(pc.irqs[0].asserted);
        CHECK_EQUAL(in(IDE_STATUS), READY);
    }
    CHECK_EQUAL(disk.flushes, 2);
    for (uint32_t i = 0; i < sizeof(aborted); i++) {
        fake_ide_command(&pc, 0, 0, 0, aborted[i]);
        CHECK(pc.irqs[0].asserted);
        CHECK_EQUAL(in(IDE_STATUS), FAILED);
        CHECK_EQUAL(in(IDE_FEATURE), 0x04);
    }
    fake_ide_command(&pc, 0, 0, 0, 0xe5);
    CHECK_EQUAL(in(IDE_COUNT), 0x00);
    fake_ide_command(&pc, 0, 0, 1, 0x40);
    fake_disk_run(&disk);
    fake_ide_command(&pc, 0, 0, 0, 0xe5);
    CHECK_EQUAL(in(IDE_COUNT), 0xff);
    fake_ide_command(&pc, 0, 0, 0, 0xf8);
    CHECK_EQUAL(in(IDE_LOW) | in(IDE_MID) << 8, SECTORS - 1);
    fake_ide_command_ext(&pc, 0, 0x112233445566, 0x0708, 0x27);
    CHECK_EQUAL(in(IDE_LOW) | in(IDE_MID) << 8, SECTORS - 1);
    out(IDE_CONTROL, 0x80); /* what was written first */
    CHECK_EQUAL(in(IDE_COUNT), 0x07);
    CHECK_EQUAL(in(IDE_LOW), 0);
    out(IDE_COUNT, 9); /* a write ends it */
    CHECK_EQUAL(in(IDE_COUNT), 9);
    end();
}

static void resets(void)
{
    start(SECTORS);
    fake_ide_command(&pc, 0, 10, 1, 0x20);
    out(IDE_CONTROL, 0x04);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    out(IDE_CONTROL, 0x00);
    CHECK_EQUAL(in(IDE_STATUS), 0x80); /* the request is still under way */
    CHECK(pc.ide.channels[0].in_flight);
    out(IDE_STATUS, 0xec);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(pc.irqs[0].rises, 0);
    CHECK_EQUAL(in(IDE_LOW), 1);
    fake_ide_command(&pc, 0, 10, 1, 0x20);
    out(IDE_CONTROL, 0x04);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    out(IDE_CONTROL, 0x02);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    fake_ide_command(&pc, 0, 0, 0, 0xec); /* without interrupts */
    CHECK_EQUAL(in(IDE_CONTROL), DRQ);
    CHECK_EQUAL(pc.irqs[0].rises, 0);
    out(IDE_CONTROL, 0x00); /* it was only held back */
    CHECK_EQUAL(pc.irqs[0].rises, 1);
    out(IDE_CONTROL, 0x04); /* in the middle of data */
    out(IDE_CONTROL, 0x00);
    CHECK(!pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    fake_ide_command(&pc, 0, 10, 1, 0x20);
    piix4_ide_reset(&pc.ide);
    CHECK_EQUAL(in(IDE_STATUS), 0x80);
    fake_disk_run(&disk);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    fake_ide_command(&pc, 1, 0, 0, 0x90); /* by the absent drive, too */
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_DEVICE), 0xa0);
    CHECK_EQUAL(in(IDE_STATUS), READY);
    CHECK_EQUAL(in(IDE_FEATURE), 0x01);
    end();
}

static void two_drives(void)
{
    start(SECTORS);
    fake_disk_create(&second_disk, 512, 300, 300);
    memset(second_disk.data, 0x5a, 300 * 512);
    ata_init(&second, &second_disk.disk);
    ide_attach(&pc.ide.channels[0], 1, &second.drive);
    fake_ide_command(&pc, 1, 8, 1, 0x20);
    CHECK_EQUAL(disk.requests, 0);
    fake_disk_run(&second_disk);
    CHECK(pc.irqs[0].asserted);
    CHECK_EQUAL(in(IDE_STATUS), DRQ);
    fake_ide_read(&pc, data, 512, true);
    memset(expected, 0x5a, 512);
    CHECK(memcmp(data, expected, 512) == 0);
    fake_ide_command(&pc, 1, 0, 0, 0xe1); /* its interrupt is its own */
    out(IDE_DEVICE, 0xa0);
    CHECK(!pc.irqs[0].asserted);
    out(IDE_DEVICE, 0xb0);
    CHECK(pc.irqs[0].asserted);
    fake_disk_destroy(&second_disk);
    end();
}

int main(void)
{
    probe();
    identify();
    read_pio();
    multiple();
    write_pio();
    chs();
    errors();
    others();
    resets();
    two_drives();
    return unit_result();
}
