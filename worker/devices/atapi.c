/* The ATA side of a packet drive: its few own commands, and how packets, answers and sectors move.
 */
#include "worker/devices/atapi.h"

#include "include/scsi.h"
#include "lib/mmc.h"
#include "lib/string.h"
#include "worker/devices/ide_identify.h"

/* Commands. ATA/ATAPI-6, 8. */
enum {
    NOP = 0x00,
    READ_SECTORS = 0x20,
    PACKET = 0xa0,
    IDENTIFY_PACKET_DEVICE = 0xa1,
};

#define FEATURE_TRANSFER_MODE 0x03 /* of SET FEATURES */

#define PACKET_DMA 0x01 /* features register of PACKET */
#define PACKET_OVERLAPPED 0x02

/* Interrupt reason, where other drives have the count of sectors. ATA/ATAPI-6, 7.11.5. */
#define REASON_COMMAND 0x01
#define REASON_TO_HOST 0x02

#define SIGNATURE_MID 0x14
#define SIGNATURE_HIGH 0xeb

#define MAX_LIMIT 0xfffeu
#define POWER_ACTIVE 0xff

static struct atapi *atapi_of(struct ide_drive *drive)
{
    return (struct atapi *)drive;
}

bool atapi_medium(const struct atapi *atapi)
{
    const struct disk *disk = atapi->drive.disk;

    return !atapi->state.open && disk->sector_count != 0 && disk->sector_size == ATAPI_SECTOR_SIZE;
}

/* --- Ends of packet commands -------------------------------------------------------------------
 */

static void set_reason(struct atapi *atapi, uint8_t reason)
{
    atapi->drive.registers.count[0] = reason;
}

void atapi_good(struct atapi *atapi)
{
    set_reason(atapi, REASON_COMMAND | REASON_TO_HOST);
    ide_complete(&atapi->drive, false);
}

void atapi_fail(struct atapi *atapi, uint32_t sense)
{
    uint8_t key = (uint8_t)(sense >> 16);

    atapi->state.sense = sense;
    set_reason(atapi, REASON_COMMAND | REASON_TO_HOST);
    ide_abort(&atapi->drive,
              (uint8_t)(key << 4 | (key == 0x05 || key == 0x0b ? IDE_ERROR_ABRT : 0)));
}

void atapi_respond(struct atapi *atapi, uint32_t size, uint32_t allocation)
{
    struct ide_transfer transfer = {.operation = IDE_DATA_IN,
                                    .dma = atapi->state.dma,
                                    .filled = size < allocation ? size : allocation,
                                    .block = atapi->state.limit};

    if (transfer.filled == 0)
        atapi_good(atapi);
    else
        ide_transfer(&atapi->drive, &transfer);
}

void atapi_read(struct atapi *atapi, uint64_t sector, uint32_t count)
{
    struct ide_transfer transfer = {.operation = IDE_READ,
                                    .dma = atapi->state.dma,
                                    .sector = sector,
                                    .sectors = count,
                                    .block = atapi->state.limit};

    if (transfer.block > ATAPI_SECTOR_SIZE)
        transfer.block -= transfer.block % ATAPI_SECTOR_SIZE;
    ide_transfer(&atapi->drive, &transfer);
}

static uint32_t sense_of(enum ide_end end)
{
    if (end == IDE_NO_MEDIUM)
        return SCSI_SENSE_NO_MEDIUM;
    return end == IDE_MEDIUM ? SCSI_SENSE_READ_ERROR : SCSI_SENSE_INTERNAL_FAILURE;
}

static void ended(struct ide_drive *drive, enum ide_end end)
{
    struct atapi *atapi = atapi_of(drive);
    uint8_t packet[ATAPI_PACKET_SIZE];

    if (end != IDE_OK) {
        atapi_fail(atapi, sense_of(end));
    } else if (drive->channel->state.transfer.operation == IDE_DATA_OUT) {
        memcpy(packet, drive->channel->state.buffer, sizeof(packet));
        atapi_execute(atapi, packet);
    } else {
        atapi_good(atapi);
    }
}

static void block(struct ide_drive *drive, uint32_t size)
{
    if (drive->channel->state.transfer.operation == IDE_DATA_OUT) {
        set_reason(atapi_of(drive), REASON_COMMAND);
        return;
    }
    set_reason(atapi_of(drive), REASON_TO_HOST);
    drive->registers.lba_mid[0] = (uint8_t)size;
    drive->registers.lba_high[0] = (uint8_t)(size >> 8);
}

/* --- ATA commands ------------------------------------------------------------------------------
 */

/* Takes the packet, which the guest sends without an interrupt to ask for it. */
static void begin_packet(struct atapi *atapi)
{
    const struct ide_registers *registers = &atapi->drive.registers;
    struct ide_transfer transfer = {
        .operation = IDE_DATA_OUT, .quiet = true, .filled = ATAPI_PACKET_SIZE};
    uint32_t limit = (uint32_t)(registers->lba_mid[0] | registers->lba_high[0] << 8) & MAX_LIMIT;

    if (registers->feature[0] & PACKET_OVERLAPPED) {
        ide_abort(&atapi->drive, IDE_ERROR_ABRT);
        return;
    }
    atapi->state.dma = registers->feature[0] & PACKET_DMA;
    atapi->state.limit = limit == 0 ? MAX_LIMIT : limit;
    ide_transfer(&atapi->drive, &transfer);
}

/* ATA/ATAPI-6, 8.16. */
static void identify(struct atapi *atapi)
{
    uint8_t *data = atapi->drive.channel->state.buffer;
    struct ide_transfer transfer = {.operation = IDE_DATA_IN, .filled = IDE_IDENTIFY_SIZE};

    ide_identify_common(&atapi->drive, "Veneer Virtual DVD", data);
    ide_identify_set(data, 0, 0x85c0);  /* CD-ROM, removable, packets of 12 bytes within 50 us */
    ide_identify_set(data, 49, 0x0b00); /* IORDY, LBA, DMA */
    ide_identify_set(data, 50, 0x4000);
    ide_identify_set(data, 53, 0x0006); /* words 64 to 70, and 88 are valid */
    for (uint32_t i = 82; i <= 85; i += 3)
        ide_identify_set(data, i, 0x4218); /* NOP, DEVICE RESET, PACKET, power management */
    ide_identify_set(data, 83, 0x4000);
    ide_identify_set(data, 84, 0x4000);
    ide_identify_set(data, 87, 0x4000);
    ide_identify_seal(data);
    ide_transfer(&atapi->drive, &transfer);
}

/* What drivers of hard disks try: the signature tells them what this is. */
static void show_signature(struct atapi *atapi)
{
    struct ide_registers *registers = &atapi->drive.registers;

    registers->count[0] = registers->lba_low[0] = 1;
    registers->lba_mid[0] = SIGNATURE_MID;
    registers->lba_high[0] = SIGNATURE_HIGH;
    ide_abort(&atapi->drive, IDE_ERROR_ABRT);
}

/* Commands that end at once; false: unknown, or not so. */
static bool execute(struct atapi *atapi, uint8_t code)
{
    struct ide_registers *registers = &atapi->drive.registers;

    switch (code) {
    case IDE_SET_FEATURES:
        return registers->feature[0] == FEATURE_TRANSFER_MODE &&
               ide_set_transfer_mode(&atapi->drive, registers->count[0]);
    case IDE_CHECK_POWER_MODE:
        registers->count[0] = POWER_ACTIVE;
        return true;
    case IDE_IDLE_IMMEDIATE:
    case IDE_STANDBY_IMMEDIATE:
    case IDE_SLEEP:
        return true;
    default:
        return false;
    }
}

static void command(struct ide_drive *drive, uint8_t code)
{
    struct atapi *atapi = atapi_of(drive);

    if (code == PACKET)
        begin_packet(atapi);
    else if (code == IDENTIFY_PACKET_DEVICE)
        identify(atapi);
    else if (code == IDE_IDENTIFY_DEVICE || code == READ_SECTORS)
        show_signature(atapi);
    else if (execute(atapi, code))
        ide_complete(drive, false);
    else
        ide_abort(drive, IDE_ERROR_ABRT);
}

/* --- Media -------------------------------------------------------------------------------------
 */

static void changed(void *device)
{
    struct atapi *atapi = device;
    bool medium = atapi->drive.disk->sector_count != 0;

    if (medium)
        atapi->state.open = false;
    atapi->state.attention = medium ? SCSI_SENSE_MEDIUM_CHANGED : 0;
    atapi->state.event = medium ? MMC_EVENT_NEW_MEDIUM : MMC_EVENT_MEDIUM_REMOVED;
}

/* The tray stays as it is. */
static void power_on(struct ide_drive *drive)
{
    struct atapi *atapi = atapi_of(drive);

    atapi->state = (struct atapi_state){.attention = SCSI_SENSE_RESET, .open = atapi->state.open};
    drive->registers.transfer_mode = IDE_DEFAULT_TRANSFER_MODE;
}

void atapi_init(struct atapi *atapi, struct disk *disk)
{
    static const struct ide_drive_ops ops = {.packet = true,
                                             .sector_size = ATAPI_SECTOR_SIZE,
                                             .after_reset = 0,
                                             .signature = {SIGNATURE_MID, SIGNATURE_HIGH},
                                             .command = command,
                                             .ended = ended,
                                             .block = block,
                                             .power_on = power_on};

    *atapi = (struct atapi){.drive = {.ops = &ops, .disk = disk}};
    disk->changed = changed;
    disk->device = atapi;
    power_on(&atapi->drive);
}
