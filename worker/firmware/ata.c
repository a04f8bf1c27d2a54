#include "worker/firmware/ata.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/pic.h"
#include "worker/firmware/timing.h"

#define CMD_READ 0x20
#define CMD_READ_EXT 0x24
#define CMD_READ_MULTIPLE_EXT 0x29
#define CMD_WRITE 0x30
#define CMD_WRITE_EXT 0x34
#define CMD_WRITE_MULTIPLE_EXT 0x39
#define CMD_VERIFY 0x40
#define CMD_VERIFY_EXT 0x42
#define CMD_IDENTIFY_PACKET 0xa1
#define CMD_READ_MULTIPLE 0xc4
#define CMD_WRITE_MULTIPLE 0xc5
#define CMD_SET_MULTIPLE 0xc6
#define CMD_IDENTIFY 0xec

#define CONTROL_RESET 0x04
#define DEVICE_LBA 0x40
#define DEVICE_OBSOLETE 0xa0
#define SIGNATURE_PACKET 0xeb14
#define MULTIPLE_SECTORS 16
#define LBA28_SECTORS 0x10000000

/* Words of IDENTIFY DEVICE */
#define ID_TYPE 0
#define ID_CYLINDERS 1
#define ID_HEADS 3
#define ID_SECTORS 6
#define ID_MODEL 27
#define ID_CAPABILITIES 49
#define ID_LBA28_SECTORS 60
#define ID_COMMANDS 83
#define ID_LBA48_SECTORS 100

#define COMMAND_TIMEOUT_MS 30000
#define SELECT_TIMEOUT_MS 2000

struct ata_drive ata_drives[ATA_DRIVES];

/* After a command the status is valid in 400 ns: four reads. */
static void settle(struct ata_drive *drive)
{
    for (unsigned i = 0; i < 4; i++)
        inb(drive->control);
}

uint8_t ata_wait(struct ata_drive *drive)
{
    struct deadline deadline = deadline_ms(COMMAND_TIMEOUT_MS);
    uint8_t status;

    while ((status = inb(drive->control)) & ATA_STATUS_BSY) {
        if (deadline_passed(&deadline))
            return ATA_STATUS_BSY;
        idle();
    }
    /* This also takes back the interrupt. */
    return inb((uint16_t)(drive->io + ATA_STATUS));
}

bool ata_select(struct ata_drive *drive)
{
    struct deadline deadline = deadline_ms(SELECT_TIMEOUT_MS);

    while (inb(drive->control) & (ATA_STATUS_BSY | ATA_STATUS_DRQ)) {
        if (deadline_passed(&deadline))
            return false;
    }
    outb((uint16_t)(drive->io + ATA_DEVICE), drive->device | DEVICE_OBSOLETE);
    settle(drive);
    while (inb(drive->control) & ATA_STATUS_BSY) {
        if (deadline_passed(&deadline))
            return false;
    }
    return true;
}

void ata_command(struct ata_drive *drive, uint8_t command)
{
    outb(drive->control, 0);
    bda_write8(BDA_DISK_INTERRUPT, 0);
    outb((uint16_t)(drive->io + ATA_STATUS), command);
    settle(drive);
}

void ata_discard(struct ata_drive *drive, uint16_t words)
{
    while (words--)
        inw(drive->io);
}

void ata_reset(struct ata_drive *drive)
{
    struct deadline deadline = deadline_ms(SELECT_TIMEOUT_MS);

    outb(drive->control, CONTROL_RESET);
    delay_us(10);
    outb(drive->control, 0);
    delay_us(2000);
    while (inb(drive->control) & ATA_STATUS_BSY && !deadline_passed(&deadline))
        ;
}

/* A command without data. */
static bool simple_command(struct ata_drive *drive, uint8_t command)
{
    ata_command(drive, command);
    return !(ata_wait(drive) & (ATA_STATUS_BSY | ATA_STATUS_DF | ATA_STATUS_ERR));
}

static void set_address(struct ata_drive *drive, uint64_t lba, uint16_t count, bool ext)
{
    if (ext) {
        outb((uint16_t)(drive->io + ATA_COUNT), (uint8_t)(count >> 8));
        outb((uint16_t)(drive->io + ATA_LBA_LOW), (uint8_t)(lba >> 24));
        outb((uint16_t)(drive->io + ATA_LBA_MIDDLE), (uint8_t)(lba >> 32));
        outb((uint16_t)(drive->io + ATA_LBA_HIGH), (uint8_t)(lba >> 40));
    }
    outb((uint16_t)(drive->io + ATA_COUNT), (uint8_t)count);
    outb((uint16_t)(drive->io + ATA_LBA_LOW), (uint8_t)lba);
    outb((uint16_t)(drive->io + ATA_LBA_MIDDLE), (uint8_t)(lba >> 8));
    outb((uint16_t)(drive->io + ATA_LBA_HIGH), (uint8_t)(lba >> 16));
    outb((uint16_t)(drive->io + ATA_DEVICE),
         (uint8_t)(drive->device | DEVICE_OBSOLETE | DEVICE_LBA | (ext ? 0 : (lba >> 24) & 15)));
}

/* Beyond 28 bits only the commands with EXT reach; before, the others are what every drive has. */
static bool start(struct ata_drive *drive, const struct ata_request *request, uint8_t command,
                  uint8_t command_ext)
{
    bool ext = request->lba + request->count > LBA28_SECTORS;

    if ((ext && !drive->lba48) || !ata_select(drive))
        return false;
    set_address(drive, request->lba, request->count, ext);
    ata_command(drive, ext ? command_ext : command);
    return true;
}

static bool transfer(struct ata_drive *drive, const struct ata_request *request, bool write,
                     uint16_t *done)
{
    uint16_t segment = request->segment, offset = request->offset;
    uint16_t block = drive->multiple ? drive->multiple : 1;

    *done = 0;
    while (*done < request->count) {
        uint16_t sectors = (uint16_t)(request->count - *done);
        uint8_t status = ata_wait(drive);

        if (status & (ATA_STATUS_BSY | ATA_STATUS_DF | ATA_STATUS_ERR) ||
            !(status & ATA_STATUS_DRQ))
            return false;
        if (sectors > block)
            sectors = block;
        if (write)
            out_words(drive->io, segment, offset, (uint16_t)(sectors * (ATA_SECTOR_SIZE / 2)));
        else
            in_words(drive->io, segment, offset, (uint16_t)(sectors * (ATA_SECTOR_SIZE / 2)));
        offset = (uint16_t)(offset + sectors * ATA_SECTOR_SIZE);
        settle(drive);
        *done = (uint16_t)(*done + sectors);
    }
    if (!write)
        return true;
    return !(ata_wait(drive) & (ATA_STATUS_BSY | ATA_STATUS_DF | ATA_STATUS_ERR));
}

bool ata_read(struct ata_drive *drive, const struct ata_request *request, uint16_t *done)
{
    *done = 0;
    if (!(drive->multiple ? start(drive, request, CMD_READ_MULTIPLE, CMD_READ_MULTIPLE_EXT)
                          : start(drive, request, CMD_READ, CMD_READ_EXT)))
        return false;
    return transfer(drive, request, false, done);
}

bool ata_write(struct ata_drive *drive, const struct ata_request *request, uint16_t *done)
{
    *done = 0;
    if (!(drive->multiple ? start(drive, request, CMD_WRITE_MULTIPLE, CMD_WRITE_MULTIPLE_EXT)
                          : start(drive, request, CMD_WRITE, CMD_WRITE_EXT)))
        return false;
    return transfer(drive, request, true, done);
}

bool ata_verify(struct ata_drive *drive, const struct ata_request *request)
{
    if (!start(drive, request, CMD_VERIFY, CMD_VERIFY_EXT))
        return false;
    return !(ata_wait(drive) & (ATA_STATUS_BSY | ATA_STATUS_DF | ATA_STATUS_ERR));
}

/* --- Looking for drives ------------------------------------------------------------------------
 */

static bool identify(struct ata_drive *drive, uint8_t command, uint16_t *words)
{
    uint8_t status;

    if (!ata_select(drive))
        return false;
    ata_command(drive, command);
    status = inb(drive->control);
    if (!status || status == 0xff || status == 0x7f)
        return false;
    status = ata_wait(drive);
    if (status & (ATA_STATUS_BSY | ATA_STATUS_DF | ATA_STATUS_ERR) || !(status & ATA_STATUS_DRQ))
        return false;
    in_words(drive->io, FIRMWARE_DATA, (uint16_t)(uintptr_t)words, 256);
    settle(drive);
    return true;
}

/* The bytes of words are swapped in names; blanks at the end are not part of them. */
static void copy_model(struct ata_drive *drive, const uint16_t *words)
{
    unsigned length = 0;

    for (unsigned i = 0; i < ATA_MODEL_SIZE - 1; i++) {
        uint8_t c = (uint8_t)(words[ID_MODEL + i / 2] >> (i & 1 ? 0 : 8));

        drive->model[i] = (char)(c >= ' ' && c < 0x7f ? c : ' ');
        if (drive->model[i] != ' ')
            length = i + 1;
    }
    drive->model[length] = 0;
}

static void take_disk(struct ata_drive *drive, const uint16_t *words)
{
    drive->kind = ATA_DISK;
    drive->lba = words[ID_CAPABILITIES] & 0x200;
    drive->lba48 = (words[ID_COMMANDS] & 0xc400) == 0x4400;
    drive->cylinders = words[ID_CYLINDERS];
    drive->heads = words[ID_HEADS];
    drive->sectors_per_track = words[ID_SECTORS];
    if (drive->lba48)
        drive->sectors = words[ID_LBA48_SECTORS] | (uint32_t)words[ID_LBA48_SECTORS + 1] << 16 |
                         (uint64_t)words[ID_LBA48_SECTORS + 2] << 32 |
                         (uint64_t)words[ID_LBA48_SECTORS + 3] << 48;
    else
        drive->sectors = words[ID_LBA28_SECTORS] | (uint32_t)words[ID_LBA28_SECTORS + 1] << 16;
    if (!drive->lba || !drive->sectors) {
        drive->kind = ATA_NONE; /* older than LBA: nothing emulates that */
        return;
    }
    if (!ata_select(drive))
        return;
    outb((uint16_t)(drive->io + ATA_COUNT), MULTIPLE_SECTORS);
    if (simple_command(drive, CMD_SET_MULTIPLE))
        drive->multiple = MULTIPLE_SECTORS;
}

static void look_at(struct ata_drive *drive)
{
    uint16_t words[256];

    drive->kind = ATA_NONE;
    if (identify(drive, CMD_IDENTIFY, words)) {
        copy_model(drive, words);
        take_disk(drive, words);
        return;
    }
    if ((inb((uint16_t)(drive->io + ATA_LBA_MIDDLE)) | inb((uint16_t)(drive->io + ATA_LBA_HIGH))
                                                           << 8) != SIGNATURE_PACKET)
        return;
    if (!identify(drive, CMD_IDENTIFY_PACKET, words))
        return;
    copy_model(drive, words);
    drive->kind = ATA_PACKET;
    drive->is_cd = (words[ID_TYPE] >> 8 & 0x1f) == 5;
}

void ata_init(void)
{
    for (unsigned i = 0; i < ATA_DRIVES; i++) {
        struct ata_drive *drive = &ata_drives[i];

        drive->io = i < 2 ? 0x1f0 : 0x170;
        drive->control = (uint16_t)(drive->io + 0x206);
        drive->device = (uint8_t)((i & 1) << 4);
        if (!(i & 1)) {
            uint8_t status = inb(drive->control);

            if (status == 0xff || status == 0x7f) { /* an empty channel */
                i++;
                continue;
            }
            ata_reset(drive);
        }
        look_at(drive);
    }
}

void disk_interrupt(struct frame *frame);

/* IRQ 14 and 15. */
void disk_interrupt(struct frame *frame)
{
    (void)frame;
    bda_write8(BDA_DISK_INTERRUPT, 0xff);
    pic_end_slave();
}
