/* Unit test of the floppy controller: resets, seeks, all commands, with DMA and without. */

#include "tests/devices/fake_disk.h"
#include "tests/devices/fake_floppy.h"
#include "tests/unit/unit.h"

#define DATA 0x8000 /* in the guest's memory */
#define SECTOR 512

static struct fake_floppy pc;
static struct fake_disk disk;
static uint8_t result[16];
static uint32_t result_length;

static uint8_t pattern(uint32_t sector)
{
    return (uint8_t)(sector * 7 + 3);
}

static void send(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4) & 0xc0, 0x80);
        fake_outb(&pc.machine, 0x3f5, bytes[i]);
    }
}

static void take_result(void)
{
    memset(result, 0, sizeof(result));
    result_length = 0;
    while ((fake_inb(&pc.machine, 0x3f4) & 0xd0) == 0xd0 && result_length < sizeof(result))
        result[result_length++] = fake_inb(&pc.machine, 0x3f5);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0x80);
}

/* A command, what the disk does with it, and its result. */
#define COMMAND(...)                                                                               \
    do {                                                                                           \
        static const uint8_t bytes[] = {__VA_ARGS__};                                              \
        send(bytes, sizeof(bytes));                                                                \
        fake_disk_run(&disk);                                                                      \
        take_result();                                                                             \
    } while (0)

static void check_result(uint32_t line, const uint8_t *expected, uint32_t length)
{
    if (result_length == length && memcmp(result, expected, length) == 0)
        return;
    fprintf(stderr, "line %u: the result is", line);
    for (uint32_t i = 0; i < result_length; i++)
        fprintf(stderr, " %02x", result[i]);
    fprintf(stderr, "\n");
    unit_failures++;
}

#define RESULT(...)                                                                                \
    do {                                                                                           \
        static const uint8_t expected[] = {__VA_ARGS__};                                           \
        check_result(__LINE__, expected, sizeof(expected));                                        \
    } while (0)

static void sense(uint8_t st0, uint8_t cylinder)
{
    CHECK(pc.irq.asserted);
    COMMAND(0x08);
    CHECK_EQUAL(result_length, 2);
    CHECK_EQUAL(result[0], st0);
    CHECK_EQUAL(result[1], cylinder);
}

/* As a BIOS does it. */
static void start_controller(uint8_t rate)
{
    fake_outb(&pc.machine, 0x3f2, 0x18);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0);
    fake_outb(&pc.machine, 0x3f2, 0x1c);
    sense(0xc0, 0);
    for (uint8_t i = 1; i < 4; i++) {
        COMMAND(0x08);
        CHECK_EQUAL(result[0], 0xc0 | i);
    }
    CHECK(!pc.irq.asserted);
    COMMAND(0x08);
    RESULT(0x80);
    COMMAND(0x03, 0xdf, 0x02);
    fake_outb(&pc.machine, 0x3f7, rate);
}

static void start(uint32_t sectors, uint8_t rate)
{
    struct disk *disks[2] = {&disk.disk, NULL};

    fake_disk_create(&disk, SECTOR, sectors, sectors);
    for (uint32_t i = 0; i < sectors; i++)
        memset(disk.data + i * SECTOR, pattern(i), SECTOR);
    fake_floppy_create(&pc, disks);
    start_controller(rate);
}

static void end(void)
{
    fake_disk_destroy(&disk);
    fake_destroy(&pc.machine);
}

static void program_dma(uint8_t mode, uint32_t size)
{
    fake_outb(&pc.machine, 0x0a, 6);
    fake_outb(&pc.machine, 0x0c, 0);
    fake_outb(&pc.machine, 0x0b, mode | 2);
    fake_outb(&pc.machine, 0x04, (uint8_t)DATA);
    fake_outb(&pc.machine, 0x04, DATA >> 8);
    fake_outb(&pc.machine, 0x81, 0);
    fake_outb(&pc.machine, 0x05, (uint8_t)(size - 1));
    fake_outb(&pc.machine, 0x05, (uint8_t)((size - 1) >> 8));
    fake_outb(&pc.machine, 0x0a, 2);
}

static void from_disk(uint32_t size)
{
    memset(pc.machine.ram + DATA, 0, 0x8000);
    program_dma(0x44, size);
}

/* Whether the guest's memory has @count sectors from @first on, and nothing behind. */
static bool has(uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count * SECTOR; i++) {
        if (pc.machine.ram[DATA + i] != pattern(first + i / SECTOR))
            return false;
    }
    return pc.machine.ram[DATA + count * SECTOR] == 0;
}

static void reading(void)
{
    start(2880, 0);
    from_disk(SECTOR);
    COMMAND(0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x00, 0, 0, 0, 0, 2, 2);
    CHECK(has(0, 1) && !pc.irq.asserted);
    from_disk(3 * SECTOR); /* over the end of a side */
    COMMAND(0xe6, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
    RESULT(0x04, 0, 0, 0, 1, 2, 2);
    CHECK(has(16, 3));
    from_disk(18 * SECTOR); /* all of a side, and what comes next */
    COMMAND(0x66, 4, 0, 1, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x04, 0, 0, 1, 1, 1, 2);
    CHECK(has(18, 18));
    from_disk(3 * SECTOR); /* no terminal count before the end */
    COMMAND(0x66, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    CHECK(has(16, 2));
    from_disk(700); /* within a sector */
    COMMAND(0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x00, 0, 0, 0, 0, 3, 2);
    CHECK(pc.machine.ram[DATA + 699] == pattern(1) && pc.machine.ram[DATA + 700] == 0);
    from_disk(4 * SECTOR);
    COMMAND(0x42, 0, 0, 0, 9, 2, 4, 0x1b, 0xff); /* the track, from its start on */
    RESULT(0x00, 0, 0, 1, 0, 1, 2);
    CHECK(has(0, 4));
    from_disk(2 * SECTOR); /* not deleted */
    COMMAND(0x4c, 0, 0, 0, 3, 2, 18, 0x1b, 0xff);
    RESULT(0x00, 0, 0x40, 0, 0, 4, 2);
    CHECK(has(2, 1));
    end();
}

static void not_found(void)
{
    start(2870, 0);
    from_disk(SECTOR);
    COMMAND(0x46, 0, 1, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x40, 0x04, 0x10, 1, 0, 1, 2);
    COMMAND(0x46, 0, 0xff, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x40, 0x04, 0x12, 0xff, 0, 1, 2);
    COMMAND(0x46, 0, 0, 1, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x40, 0x04, 0, 0, 1, 1, 2);
    COMMAND(0x46, 0, 0, 0, 0, 2, 18, 0x1b, 0xff);
    RESULT(0x40, 0x04, 0, 0, 0, 0, 2);
    COMMAND(0x46, 0, 0, 0, 19, 2, 19, 0x1b, 0xff);
    RESULT(0x40, 0x04, 0, 0, 0, 19, 2);
    COMMAND(0x46, 0, 0, 0, 1, 3, 18, 0x1b, 0xff);
    CHECK_EQUAL(result[1], 0x04);
    COMMAND(0x06, 0, 0, 0, 1, 2, 18, 0x1b, 0xff); /* FM */
    CHECK_EQUAL(result[1], 0x01);
    COMMAND(0x46, 1, 0, 0, 1, 2, 18, 0x1b, 0xff); /* no drive B */
    RESULT(0x41, 0x01, 0, 0, 0, 1, 2);
    COMMAND(0x46, 3, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x43, 0x01, 0, 0, 0, 1, 2);
    fake_outb(&pc.machine, 0x3f7, 2); /* the wrong rate */
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    CHECK_EQUAL(result[1], 0x01);
    fake_outb(&pc.machine, 0x3f4, 0);
    COMMAND(0x0f, 4, 79);
    sense(0x24, 79);
    COMMAND(0x46, 4, 79, 1, 9, 2, 18, 0x1b, 0xff); /* behind the end of a short image */
    CHECK_EQUAL(result[1], 0x04);
    COMMAND(0x46, 4, 79, 1, 8, 2, 18, 0x1b, 0xff);
    RESULT(0x04, 0, 0, 79, 1, 9, 2);
    CHECK_EQUAL(disk.requests, 1);
    COMMAND(0x46, 4, 79, 1, 8, 2, 18, 0x1b, 0xff); /* the channel is masked now */
    RESULT(0x44, 0x10, 0, 79, 1, 8, 2);
    disk.status = DISK_ERROR_MEDIUM;
    COMMAND(0x46, 4, 79, 1, 8, 2, 18, 0x1b, 0xff);
    RESULT(0x44, 0x20, 0x20, 79, 1, 8, 2);
    end();
}

static void writing(void)
{
    start(2880, 0);
    memset(pc.machine.ram + DATA, 0xa5, 0x1000);
    program_dma(0x48, 1000); /* the rest of a sector is zeroes */
    COMMAND(0xc5, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
    RESULT(0x04, 0, 0, 0, 1, 2, 2);
    CHECK(disk.data[17 * SECTOR] == 0xa5 && disk.data[17 * SECTOR + 999] == 0xa5);
    CHECK(disk.data[17 * SECTOR + 1000] == 0 && disk.data[16 * SECTOR] == pattern(16));
    CHECK(disk.data[19 * SECTOR - 1] == 0 && disk.data[19 * SECTOR] == pattern(19));
    program_dma(0x48, 8);
    fake_outb(&pc.machine, 0x0a, 6); /* masked: nothing is written */
    COMMAND(0x45, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
    RESULT(0x40, 0x10, 0, 0, 0, 5, 2);
    CHECK_EQUAL(disk.data[4 * SECTOR], pattern(4));
    disk.disk.read_only = true;
    program_dma(0x48, SECTOR);
    COMMAND(0x49, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
    RESULT(0x40, 0x02, 0, 0, 0, 5, 2);
    COMMAND(0x04, 0);
    RESULT(0x78);
    disk.disk.read_only = false;
    COMMAND(0x49, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
    RESULT(0x00, 0, 0, 0, 0, 6, 2);
    CHECK_EQUAL(disk.data[4 * SECTOR], 0xa5);
    disk.status = DISK_ERROR_READ_ONLY;
    program_dma(0x48, SECTOR);
    COMMAND(0x45, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
    CHECK_EQUAL(result[1], 0x02);
    end();
}

static void formatting(void)
{
    start(1440, 2);
    COMMAND(0x0f, 0, 2);
    sense(0x20, 2);
    for (uint8_t i = 0; i < 9; i++) {
        const uint8_t id[4] = {2, 1, (uint8_t)(i * 2 % 9 + 1), 2};

        memcpy(pc.machine.ram + DATA + 4 * i, id, 4);
    }
    program_dma(0x48, 9 * 4);
    COMMAND(0x4d, 4, 2, 9, 0x50, 0xf6);
    CHECK_EQUAL(result[0], 0x04);
    for (uint32_t i = 0; i < 9; i++)
        CHECK_EQUAL(disk.data[(45 + i) * SECTOR + SECTOR - 1], 0xf6);
    CHECK(disk.data[45 * SECTOR - 1] == pattern(44) && disk.data[54 * SECTOR] == pattern(54));
    program_dma(0x48, 8 * 4);
    COMMAND(0x4d, 4, 2, 8, 0x50, 0); /* another format than the image's */
    CHECK_EQUAL(result[1], 0x02);
    program_dma(0x48, 9 * 4);
    pc.machine.ram[DATA] = 3;
    COMMAND(0x4d, 4, 2, 9, 0x50, 0);
    CHECK_EQUAL(result[1], 0x04);
    CHECK_EQUAL(disk.data[45 * SECTOR], 0xf6);
    end();
}

static void verifying(void)
{
    start(2880, 0);
    COMMAND(0xd6, 0x80, 0, 0, 18, 2, 18, 0x1b, 2);
    RESULT(0x04, 0, 0, 0, 1, 2, 2);
    COMMAND(0x56, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x00, 0, 0, 1, 0, 1, 2);
    COMMAND(0x56, 0, 0, 0, 1, 2, 19, 0x1b, 0xff);
    CHECK_EQUAL(result[1], 0x04);
    COMMAND(0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 19); /* more than there are */
    CHECK_EQUAL(result[1], 0x80);
    end();
}

static void without_dma(void)
{
    static const uint8_t read[] = {0x46, 0, 0, 0, 17, 2, 18, 0x1b, 0xff};
    static const uint8_t write[] = {0x45, 0, 0, 0, 18, 2, 18, 0x1b, 0xff};
    uint32_t rises;

    start(2880, 0);
    COMMAND(0x03, 0xdf, 0x03);
    send(read, sizeof(read));
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0x10);
    for (uint32_t i = 0; i < 2 * SECTOR; i++) {
        fake_disk_run(&disk);
        CHECK(pc.irq.asserted);
        CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0xf0);
        rises = pc.irq.rises;
        CHECK_EQUAL(fake_inb(&pc.machine, 0x3f5), pattern(16 + i / SECTOR));
        CHECK(i % SECTOR == SECTOR - 1 || pc.irq.rises == rises + 1);
    }
    take_result();
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    send(write, sizeof(write));
    for (uint32_t i = 0; i < SECTOR; i++) {
        CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0xb0);
        fake_outb(&pc.machine, 0x3f5, 0x77);
    }
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0x10);
    fake_disk_run(&disk);
    take_result();
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    CHECK(disk.data[17 * SECTOR] == 0x77 && disk.data[18 * SECTOR - 1] == 0x77);
    CHECK_EQUAL(disk.data[18 * SECTOR], pattern(18));
    end();
}

static void seeking(void)
{
    start(2880, 0);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f7), 0x80);
    COMMAND(0x07, 0); /* there already: no step, the line stays */
    sense(0x20, 0);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f7), 0x80);
    COMMAND(0x0f, 0, 1);
    sense(0x20, 1);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f7), 0x00);
    COMMAND(0x04, 0);
    RESULT(0x28);
    COMMAND(0xcf, 0, 4);
    sense(0x20, 5);
    COMMAND(0x8f, 0, 2);
    sense(0x20, 3);
    COMMAND(0x4a, 4);
    RESULT(0x04, 0, 0, 3, 1, 1, 2);
    fake_pass(&pc.machine, 150000000);
    COMMAND(0x4a, 0);
    RESULT(0x00, 0, 0, 3, 0, 14, 2);
    COMMAND(0x0f, 0, 200); /* they hit the stop */
    sense(0x20, 200);
    COMMAND(0x4a, 0);
    CHECK_EQUAL(result[1], 0x01);
    COMMAND(0x07, 0);
    sense(0x70, 0);
    COMMAND(0x07, 0);
    sense(0x20, 0);
    COMMAND(0x04, 0);
    RESULT(0x38);
    COMMAND(0x07, 1); /* no drive */
    sense(0x71, 0);
    COMMAND(0x13, 0, 0x60, 0); /* seeks by itself */
    from_disk(SECTOR);
    COMMAND(0x46, 0, 40, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(0x00, 0, 0, 40, 0, 2, 2);
    CHECK(has(40 * 36, 1));
    end();
}

static void controller(void)
{
    start(2880, 0);
    COMMAND(0x10);
    RESULT(0x90);
    COMMAND(0x18);
    RESULT(0x80);
    COMMAND(0x13, 0, 0x57, 9);
    COMMAND(0x12, 0x85);
    COMMAND(0x94);
    RESULT(0x10);
    COMMAND(0x0f, 0, 7);
    sense(0x20, 7);
    COMMAND(0x0e);
    RESULT(7, 0, 0, 0, 0xdf, 0x02, 0, 0x85, 0x57, 9);
    fake_outb(&pc.machine, 0x3f4, 0x80); /* reset by the DSR */
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0x80);
    sense(0xc0, 0);
    COMMAND(0x0e);
    RESULT(0, 0, 0, 0, 0xdf, 0x02, 0, 0x84, 0x07, 9);
    COMMAND(0x14);
    RESULT(0x00);
    fake_outb(&pc.machine, 0x3f2, 0x14); /* no interrupts */
    CHECK(!pc.irq.asserted);
    COMMAND(0x0f, 0, 7);
    CHECK(!pc.irq.asserted);
    fake_outb(&pc.machine, 0x3f2, 0x1c);
    sense(0x20, 7);
    fake_outb(&pc.machine, 0x3f3, 0xff);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f3), 0x03);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f2), 0x1c);
    CHECK_EQUAL(i82077_drive_type(&pc.fdc, 0), 4);
    CHECK_EQUAL(i82077_drive_type(&pc.fdc, 1), 0);
    i82077_reset(&pc.fdc);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0x00);
    end();
}

/* A reset while the disk works: the buffer is the disk's until it has answered. */
static void reset_under_way(void)
{
    static const uint8_t read[] = {0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff};

    start(2880, 0);
    from_disk(SECTOR);
    send(read, sizeof(read));
    fake_outb(&pc.machine, 0x3f2, 0x18);
    fake_outb(&pc.machine, 0x3f2, 0x1c);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f4), 0x00);
    CHECK(!pc.irq.asserted);
    fake_disk_run(&disk);
    CHECK(pc.machine.ram[DATA] == 0);
    sense(0xc0, 0);
    send(read, sizeof(read));
    i82077_reset(&pc.fdc);
    fake_disk_run(&disk);
    CHECK(!pc.irq.asserted && pc.machine.ram[DATA] == 0);
    start_controller(0);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    CHECK(has(0, 1));
    end();
}

static void changing(void)
{
    static const uint8_t read[] = {0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff};

    start(2880, 0);
    COMMAND(0x0f, 0, 1);
    sense(0x20, 1);
    COMMAND(0x07, 0);
    sense(0x20, 0);
    from_disk(4 * SECTOR);
    send(read, sizeof(read));
    disk.disk.changed(disk.disk.device); /* another one: the command does not go on with it */
    fake_disk_run(&disk);
    take_result();
    RESULT(0x40, 0x01, 0, 0, 0, 2, 2);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f7), 0x80);
    disk.disk.sector_count = 1440;
    disk.disk.changed(disk.disk.device);
    fake_outb(&pc.machine, 0x3f7, 2);
    from_disk(SECTOR);
    COMMAND(0x46, 0, 0, 0, 1, 2, 9, 0x1b, 0xff);
    RESULT(0x00, 0, 0, 0, 0, 2, 2);
    disk.disk.sector_count = 0;
    disk.disk.changed(disk.disk.device);
    COMMAND(0x46, 0, 0, 0, 1, 2, 9, 0x1b, 0xff);
    RESULT(0x40, 0x01, 0, 0, 0, 1, 2);
    COMMAND(0x0f, 0, 3);
    sense(0x20, 3);
    CHECK_EQUAL(fake_inb(&pc.machine, 0x3f7), 0x80);
    CHECK_EQUAL(i82077_drive_type(&pc.fdc, 0), 4);
    end();
}

/* Each size with the rate of its drive: its first and its last sector. */
static void formats(void)
{
    static const struct {
        uint16_t sectors;
        uint8_t rate, cylinders, heads, track_sectors, type;
    } media[] = {
        {320, 2, 40, 1, 8, 1},   {720, 1, 40, 2, 9, 1},   {1440, 2, 80, 2, 9, 3},
        {2400, 0, 80, 2, 15, 2}, {2880, 0, 80, 2, 18, 4}, {5760, 3, 80, 2, 36, 5},
    };

    for (uint32_t i = 0; i < sizeof(media) / sizeof(media[0]); i++) {
        uint8_t cylinder = media[i].cylinders - 1, head = media[i].heads - 1;
        const uint8_t seek[] = {0x0f, 0, cylinder};
        const uint8_t read[] = {
            0x46, (uint8_t)(head << 2), cylinder, head, media[i].track_sectors, 2, 36, 0x1b, 0xff};

        start(media[i].sectors, media[i].rate);
        CHECK_EQUAL(i82077_drive_type(&pc.fdc, 0), media[i].type);
        send(seek, sizeof(seek));
        sense(0x20, cylinder);
        from_disk(SECTOR);
        send(read, sizeof(read));
        fake_disk_run(&disk);
        take_result();
        CHECK_EQUAL(result[0], head << 2);
        CHECK(has(media[i].sectors - 1u, 1));
        end();
    }
}

int main(void)
{
    reading();
    not_found();
    writing();
    formatting();
    verifying();
    without_dma();
    seeking();
    controller();
    reset_under_way();
    changing();
    formats();
    return unit_result();
}
