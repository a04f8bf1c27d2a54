/* Fuzzer of the IDE controller with hard disks and DVD drives: commands, packets, strings of data,
 * tables of regions, resets and media that change, while requests to the disks end now or later.
 * The disks check what they are asked for, the sanitizers the memory; in the end every drive must
 * answer again. */
#include "tests/devices/fake_ide.h"
#include "tests/fuzz/fuzz.h"
#include "worker/devices/ata.h"
#include "worker/devices/atapi.h"

#define DISKS 3
#define STORED 64u
#define TABLES 0x1000u

static struct fake_ide pc;
static struct fake_disk disks[DISKS];
static struct ata ata;
static struct atapi second, third; /* slave of the first channel; master of the other */

static void create(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);

    fake_ide_create(&pc);
    fake_disk_create(&disks[0], 512, choice & 1 ? 100000 : 1ull << 40, STORED);
    fake_disk_create(&disks[1], 2048, 2000, STORED);
    fake_disk_create(&disks[2], 2048, choice & 2 ? 0 : 3, STORED);
    disks[0].disk.read_only = choice & 4;
    ata_init(&ata, &disks[0].disk);
    atapi_init(&second, &disks[1].disk);
    atapi_init(&third, &disks[2].disk);
    if (!(choice & 8))
        ide_attach(&pc.ide.channels[0], 0, &ata.drive);
    if (!(choice & 16))
        ide_attach(&pc.ide.channels[0], 1, &second.drive);
    ide_attach(&pc.ide.channels[1], 0, &third.drive);
}

static uint16_t base(uint8_t choice)
{
    return choice & 0x80 ? 0x170 : 0x1f0;
}

/* A command of those that there are, or any. */
static void command(struct fuzz_input *in, uint8_t choice)
{
    static const uint8_t codes[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x3d, 0x40,
                                    0x42, 0x91, 0xa0, 0xa0, 0xa1, 0xc4, 0xc5, 0xc6, 0xc8, 0xca,
                                    0xce, 0xe7, 0xea, 0xec, 0xef, 0x90, 0x08, 0xf8, 0x27, 0x70};
    static const uint8_t features[] = {0x02, 0x03, 0x05, 0x55, 0x66, 0x82, 0x85, 0xaa, 0xcc, 0x77};
    uint8_t code = fuzz_byte(in);

    fake_outb(&pc.machine, base(choice) + 6, choice & 0x7f);
    for (uint16_t i = 1; i <= 5; i++) { /* previous values, mostly 0 */
        fake_outb(&pc.machine, base(choice) + i, choice & 0x20 ? fuzz_byte(in) & 1 : 0);
        if (i == 1 && codes[code % sizeof(codes)] == 0xef) { /* a feature that there is, mostly */
            fake_outb(&pc.machine, base(choice) + i, features[fuzz_byte(in) % sizeof(features)]);
            continue;
        }
        fake_outb(&pc.machine, base(choice) + i, fuzz_byte(in));
    }
    fake_outb(&pc.machine, base(choice) + 7,
              code < sizeof(codes) ? codes[code]
              : code % 4 == 0      ? 0xa0
                                   : code);
}

static void packet(struct fuzz_input *in, uint8_t choice)
{
    static const uint8_t codes[] = {0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x42,
                                    0x43, 0x46, 0x4a, 0x51, 0x5a, 0xa8, 0xad, 0xbd, 0xbe};
    uint8_t code = fuzz_byte(in);

    fake_outb(&pc.machine, base(choice) + 6, choice & 0x10);
    fake_outb(&pc.machine, base(choice) + 1, choice & 0x08 ? 1 : 0);
    fake_outb(&pc.machine, base(choice) + 4, fuzz_byte(in));
    fake_outb(&pc.machine, base(choice) + 5, fuzz_byte(in));
    fake_outb(&pc.machine, base(choice) + 7, 0xa0);
    fake_out(&pc.machine, base(choice), 4,
             (uint32_t)fuzz_number(in, 3) << 8 | codes[code % sizeof(codes)]);
    fake_out(&pc.machine, base(choice), 4, (uint32_t)fuzz_number(in, 3));
    fake_out(&pc.machine, base(choice), 4, (uint32_t)fuzz_number(in, 3));
}

/* Some descriptors, good or bad, and perhaps a start. */
static void table(struct fuzz_input *in, uint8_t choice)
{
    uint32_t at = TABLES + 8 * (fuzz_byte(in) * 4u), count = fuzz_byte(in) % 32;
    uint16_t registers = choice & 0x80 ? IDE_BM_COMMAND + 8 : IDE_BM_COMMAND;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t address = 0x10000 + (uint32_t)fuzz_number(in, 2) * (choice & 0x20 ? 16 : 1);
        uint32_t size = choice & 0x10 ? fuzz_byte(in) : fuzz_byte(in) * 64u;

        fake_ide_prd(&pc, at + 8 * i, choice & 0x08 && i == 5 ? 0xfec00000 : address, size,
                     i + 1 == count && choice & 0x40);
    }
    fake_out(&pc.machine, registers + 4, 4, fuzz_byte(in) == 9 ? 0xfffffff8 : at);
    fake_outb(&pc.machine, registers, 0x08);
    fake_outb(&pc.machine, registers, 0x09);
}

/* A string of words, or bytes or pairs of words, through a data port. */
static void string(struct fuzz_input *in, uint8_t choice)
{
    static uint8_t data[65536 * 4];
    const struct device_ports *ports = &pc.ide.channels[choice >> 7].command_ports;
    uint16_t offset = 0; /* mostly the data port's */
    uint32_t size = choice & 0x40 ? 4 : choice & 0x20 ? 1 : 2;
    uint32_t count = (uint32_t)fuzz_number(in, choice & 0x10 ? 2 : 1) * (choice & 0x10 ? 1 : 32);

    if (choice & 0x10)
        offset = fuzz_byte(in) & 8 ? 0 : fuzz_byte(in) & 7;
    if (offset != 0)
        size = 1;
    if (choice & 0x08)
        ports->read_block(ports->device, offset, size, count, data);
    else
        ports->write_block(ports->device, offset, size, count, data);
}

static void access(struct fuzz_input *in, uint8_t choice)
{
    uint16_t port =
        choice & 0x08 ? base(choice) + (fuzz_byte(in) & 7) : IDE_BM_COMMAND + (fuzz_byte(in) & 15);
    uint32_t size = 1u << (choice >> 4 & 3) % 3;

    if (choice & 0x40)
        fake_out(&pc.machine, port, size, (uint32_t)fuzz_number(in, size));
    else
        fake_in(&pc.machine, port, size);
}

static void change_medium(struct fuzz_input *in, uint8_t choice)
{
    struct fake_disk *fake = &disks[choice & 0x80 ? 2 : 1];

    fake->disk.sector_count = fuzz_number(in, 2);
    fake->disk.sector_size = fuzz_byte(in) == 1 ? 512 : 2048;
    fake->disk.changed(fake->disk.device);
}

static void rare(struct fuzz_input *in, uint8_t choice)
{
    switch (choice >> 3 & 7) {
    case 0:
        fake_outb(&pc.machine, base(choice) + 0x206, fuzz_byte(in));
        break;
    case 1:
        change_medium(in, choice);
        break;
    case 2:
        disks[(choice >> 6) % DISKS].bad = fuzz_byte(in);
        break;
    case 3:
        disks[choice >> 6 & 1].full = choice & 0x80;
        break;
    case 4:
        fake_ide_config(&pc, 0x04, 2, fuzz_byte(in));
        break;
    case 5:
        fake_ide_config(&pc, 0x04, 2, 0x0005);
        break;
    case 6:
        piix4_ide_reset(&pc.ide);
        break;
    default:
        fake_outb(&pc.machine, base(choice) + 7, 0x08);
    }
}

static void check(const struct ide_channel *channel)
{
    const struct ide_transfer *transfer = &channel->state.transfer;
    const struct ide_drive *drive = channel->drives[channel->state.drive];

    FUZZ_CHECK(channel->segments_first <= channel->segments_end);
    FUZZ_CHECK(channel->segments_end <= DISK_MAX_SEGMENTS + 1);
    if (transfer->phase == IDE_IDLE)
        return;
    FUZZ_CHECK(channel->state.drive == channel->state.selected);
    FUZZ_CHECK(channel->in_flight == (transfer->phase == IDE_DISK));
    FUZZ_CHECK((drive->registers.status & IDE_STATUS_DRQ) == 0 || transfer->phase == IDE_DRQ);
    FUZZ_CHECK((drive->registers.status & IDE_STATUS_BSY) == 0 || transfer->phase != IDE_DRQ);
    if (transfer->phase != IDE_DRQ)
        return;
    FUZZ_CHECK(transfer->position < transfer->block_end);
    FUZZ_CHECK(transfer->block_end <= transfer->filled && transfer->filled <= IDE_BUFFER_SIZE);
}

static void step(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);

    switch (choice & 7) {
    case 0:
        command(in, choice);
        break;
    case 1:
        packet(in, choice);
        break;
    case 2:
        table(in, choice);
        break;
    case 3:
        string(in, choice);
        break;
    case 4:
        access(in, choice);
        break;
    case 5:
        rare(in, choice);
        break;
    default:
        fake_disk_step(&disks[(choice >> 3) % DISKS]);
    }
    check(&pc.ide.channels[0]);
    check(&pc.ide.channels[1]);
}

/* After a reset, all is as it was. */
static void revive(void)
{
    for (uint32_t i = 0; i < 2; i++)
        fake_outb(&pc.machine, i == 0 ? 0x3f6 : 0x376, 0x04);
    for (uint32_t i = 0; i < DISKS; i++)
        fake_disk_run(&disks[i]);
    for (uint32_t i = 0; i < 2; i++) {
        fake_outb(&pc.machine, i == 0 ? 0x3f6 : 0x376, 0x00);
        FUZZ_CHECK(!pc.irqs[i].asserted);
    }
    if (pc.ide.channels[0].drives[0] != NULL) {
        FUZZ_CHECK(fake_inb(&pc.machine, 0x1f7) == 0x50);
        fake_ide_command(&pc, 0, 0, 0, 0xec);
        FUZZ_CHECK(pc.irqs[0].asserted && fake_inb(&pc.machine, 0x1f7) == 0x58);
    }
    fake_outb(&pc.machine, 0x177, 0xa1);
    FUZZ_CHECK(pc.irqs[1].asserted && fake_inb(&pc.machine, 0x177) == 0x58);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    create(&in);
    for (uint32_t i = 0; in.size > 0 && i < 200; i++)
        step(&in);
    revive();
    for (uint32_t i = 0; i < DISKS; i++)
        fake_disk_destroy(&disks[i]);
    fake_ide_destroy(&pc);
    return 0;
}
