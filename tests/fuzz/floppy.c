/* Fuzzer of the floppy controller and the DMA controllers that it moves data with: any accesses,
 * media that change, disks that answer late or with errors. The fake disk ends the run when a
 * request is not one that it may be given. */
#include "tests/devices/fake_disk.h"
#include "tests/devices/fake_floppy.h"
#include "tests/fuzz/fuzz.h"

#define SECTORS 360 /* of drive A's image; that of B is a little smaller than a format */
#define OTHER_SECTORS 317

static struct fake_floppy pc;
static struct fake_disk disks[2];

static void create(void)
{
    struct disk *both[2] = {&disks[0].disk, &disks[1].disk};

    fake_disk_create(&disks[0], 512, SECTORS, SECTORS);
    fake_disk_create(&disks[1], 512, OTHER_SECTORS, OTHER_SECTORS);
    fake_floppy_create(&pc, both);
}

/* So that most runs come to transfers at all: an enabled controller, a channel that moves. */
static void set_up(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);

    fake_outb(&pc.machine, 0x3f2, 0x3c | (choice & 1));
    fake_outb(&pc.machine, 0x3f7, choice & 0x10 ? choice : 2);
    fake_outb(&pc.machine, 0x0b, (choice & 2 ? 0x46 : 0x4a) | (choice & 4 ? 0x10 : 0));
    fake_outb(&pc.machine, 0x0a, 0x02);
    fake_outb(&pc.machine, 0x04, choice);
    fake_outb(&pc.machine, 0x81, choice >> 4);
    fake_outb(&pc.machine, 0x05, fuzz_byte(in));
    fake_outb(&pc.machine, 0x05, fuzz_byte(in) & 0x0f);
    fake_outb(&pc.machine, 0x3f5, 0x03); /* SPECIFY: without DMA? */
    fake_outb(&pc.machine, 0x3f5, 0xdf);
    fake_outb(&pc.machine, 0x3f5, choice >> 3 & 1);
}

/* A command that names sectors that may be there. */
static void transfer(struct fuzz_input *in)
{
    static const uint8_t codes[] = {0x46, 0xc6, 0x45, 0xc5, 0x4c, 0x49, 0x42, 0x56, 0xd6};
    uint8_t where = fuzz_byte(in), how = fuzz_byte(in), sectors = fuzz_byte(in);
    uint8_t head = where >> 7;
    const uint8_t command[] = {
        codes[how % sizeof(codes)],    (uint8_t)((where & 1) | head << 2 | (how & 0x80)),
        pc.fdc.state.track[where & 1], head,
        (uint8_t)(sectors % 10),       2,
        (uint8_t)(sectors / 25),       0x1b,
        (uint8_t)(how >> 4),
    };

    for (uint32_t i = 0; i < sizeof(command); i++)
        fake_outb(&pc.machine, 0x3f5, command[i]);
}

/* A command about a track, or about the controller. */
static void track_command(struct fuzz_input *in)
{
    static const uint8_t codes[] = {0x4d, 0x4d, 0x4a, 0x0e, 0x13, 0x94, 0x12};
    uint8_t how = fuzz_byte(in), sectors = fuzz_byte(in);
    const uint8_t command[] = {codes[how % sizeof(codes)],
                               how & 0x80 ? 4 : 0,
                               2,
                               sectors & 0x80 ? sectors & 0x1f : 18,
                               0x1b,
                               0xf6};

    for (uint32_t i = 0; i < sizeof(command); i++)
        fake_outb(&pc.machine, 0x3f5, command[i]);
    for (uint32_t i = 0; how & 0x40 && i < 18 * 4; i++) { /* where each sector is, without DMA */
        const uint8_t id[] = {pc.fdc.state.track[0], (uint8_t)(how >> 7), (uint8_t)(i / 4 + 1), 2};

        fake_outb(&pc.machine, 0x3f5, id[i % 4]);
    }
}

static void change(struct fuzz_input *in)
{
    static const uint16_t sizes[] = {0, 1, 316, SECTORS};
    uint8_t choice = fuzz_byte(in);
    struct fake_disk *disk = &disks[choice & 1];
    uint64_t size = sizes[choice >> 1 & 3];

    disk->status = (enum disk_status)(choice >> 3 & 3);
    if (!(choice & 0xc0)) {
        disk->disk.read_only = choice & 0x20;
        disk->disk.sector_count = size > OTHER_SECTORS && disk == &disks[1] ? OTHER_SECTORS : size;
        disk->disk.changed(disk->disk.device);
    }
}

static void step(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);
    uint16_t port;

    switch (choice & 7) {
    case 0:
        for (uint32_t i = 0; i < choice; i++)
            fake_in(&pc.machine, 0x3f5, 1);
        break;
    case 1:
        if (choice & 0x80) {
            track_command(in);
            break;
        }
        for (uint32_t i = choice >> 3 & 15; i > 0; i--)
            fake_outb(&pc.machine, 0x3f5, fuzz_byte(in));
        break;
    case 2:
        transfer(in);
        break;
    case 3:
        fake_disk_run(&disks[choice >> 3 & 1]);
        break;
    case 4:
        set_up(in);
        break;
    case 5:
        change(in);
        break;
    case 6:
        port = (uint16_t)(0x3f0 + (choice >> 3 & 7));
        if (choice & 0x40)
            fake_out(&pc.machine, port, choice & 0x80 ? 2 : 1, (uint32_t)fuzz_number(in, 2));
        else
            fake_in(&pc.machine, port, choice & 0x80 ? 4 : 1);
        break;
    default:
        port = fuzz_byte(in);
        if (choice & 0x40)
            fake_out(&pc.machine, port, choice & 0x80 ? 2 : 1, (uint32_t)fuzz_number(in, 2));
        else if (choice & 0x20)
            for (uint32_t i = 0; i < 512; i++)
                fake_outb(&pc.machine, 0x3f5, port & 0xff);
        else
            fake_in(&pc.machine, port, choice & 0x80 ? 4 : 1);
        break;
    }
    FUZZ_CHECK(pc.fdc.state.track[0] <= 83 && pc.fdc.state.track[1] <= 83);
    FUZZ_CHECK(!pc.irq.asserted || pc.fdc.state.dor & 8);
    FUZZ_CHECK(pc.fdc.state.phase != I82077_DISK || pc.fdc.submitted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    create();
    for (uint32_t i = 0; in.size > 0 && i < 500; i++)
        step(&in);
    fake_disk_run(&disks[0]);
    fake_disk_run(&disks[1]);
    FUZZ_CHECK(pc.fdc.state.phase != I82077_DISK && !pc.fdc.state.reset_waits);
    i8237_reset(&pc.dma);
    i82077_reset(&pc.fdc);
    FUZZ_CHECK(!pc.irq.asserted);
    fake_disk_destroy(&disks[0]);
    fake_disk_destroy(&disks[1]);
    fake_destroy(&pc.machine);
    return 0;
}
