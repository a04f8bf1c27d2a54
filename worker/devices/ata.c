#include "worker/devices/ata.h"

#include "lib/string.h"
#include "worker/devices/ide_identify.h"

/* ATA/ATAPI-6, 8; the obsolete ones: ATA-3. */
enum {
    RECALIBRATE = 0x10, /* to 1Fh */
    READ_SECTORS = 0x20,
    READ_SECTORS_NO_RETRY = 0x21,
    READ_SECTORS_EXT = 0x24,
    READ_DMA_EXT = 0x25,
    READ_NATIVE_MAX_EXT = 0x27,
    READ_MULTIPLE_EXT = 0x29,
    WRITE_SECTORS = 0x30,
    WRITE_SECTORS_NO_RETRY = 0x31,
    WRITE_SECTORS_EXT = 0x34,
    WRITE_DMA_EXT = 0x35,
    WRITE_MULTIPLE_EXT = 0x39,
    WRITE_VERIFY = 0x3c,
    WRITE_DMA_FUA_EXT = 0x3d,
    READ_VERIFY = 0x40,
    READ_VERIFY_NO_RETRY = 0x41,
    READ_VERIFY_EXT = 0x42,
    SEEK = 0x70, /* to 7Fh */
    INITIALIZE_DEVICE_PARAMETERS = 0x91,
    STANDBY_IMMEDIATE_OLD = 0x94, /* as E0h */
    IDLE_IMMEDIATE_OLD,
    STANDBY_OLD,
    IDLE_OLD,
    CHECK_POWER_MODE_OLD,
    SLEEP_OLD,
    READ_MULTIPLE = 0xc4,
    WRITE_MULTIPLE = 0xc5,
    SET_MULTIPLE_MODE = 0xc6,
    READ_DMA = 0xc8,
    READ_DMA_NO_RETRY = 0xc9,
    WRITE_DMA = 0xca,
    WRITE_DMA_NO_RETRY = 0xcb,
    WRITE_MULTIPLE_FUA_EXT = 0xce,
    STANDBY = 0xe2,
    IDLE = 0xe3,
    FLUSH_CACHE = 0xe7,
    FLUSH_CACHE_EXT = 0xea,
    READ_NATIVE_MAX = 0xf8,
};

/* SET FEATURES. ATA/ATAPI-6, table 43. */
enum {
    ENABLE_WRITE_CACHE = 0x02,
    SET_TRANSFER_MODE = 0x03,
    DISABLE_LOOK_AHEAD = 0x55,
    KEEP_SETTINGS = 0x66, /* over a software reset: they are kept anyway */
    DISABLE_WRITE_CACHE = 0x82,
    ENABLE_LOOK_AHEAD = 0xaa,
    REVERT_SETTINGS = 0xcc,
};

#define DEFAULT_HEADS 16
#define DEFAULT_SECTORS_PER_TRACK 63
#define DEFAULT_MULTIPLE 16
#define MAX_MULTIPLE 16
#define MAX_SECTORS_28 0x0fffffffu

#define POWER_STANDBY 0x00
#define POWER_IDLE 0x80
#define POWER_ACTIVE 0xff

/* Commands that move sectors. */
struct access {
    uint8_t code;
    enum ide_operation operation;
    bool wide, dma, multiple, flush;
};

static const struct access accesses[] = {
    {READ_SECTORS, IDE_READ},
    {READ_SECTORS_NO_RETRY, IDE_READ},
    {READ_SECTORS_EXT, IDE_READ, .wide = true},
    {READ_MULTIPLE, IDE_READ, .multiple = true},
    {READ_MULTIPLE_EXT, IDE_READ, .wide = true, .multiple = true},
    {READ_DMA, IDE_READ, .dma = true},
    {READ_DMA_NO_RETRY, IDE_READ, .dma = true},
    {READ_DMA_EXT, IDE_READ, .wide = true, .dma = true},
    {WRITE_SECTORS, IDE_WRITE},
    {WRITE_SECTORS_NO_RETRY, IDE_WRITE},
    {WRITE_SECTORS_EXT, IDE_WRITE, .wide = true},
    {WRITE_VERIFY, IDE_WRITE, .flush = true},
    {WRITE_MULTIPLE, IDE_WRITE, .multiple = true},
    {WRITE_MULTIPLE_EXT, IDE_WRITE, .wide = true, .multiple = true},
    {WRITE_MULTIPLE_FUA_EXT, IDE_WRITE, .wide = true, .multiple = true, .flush = true},
    {WRITE_DMA, IDE_WRITE, .dma = true},
    {WRITE_DMA_NO_RETRY, IDE_WRITE, .dma = true},
    {WRITE_DMA_EXT, IDE_WRITE, .wide = true, .dma = true},
    {WRITE_DMA_FUA_EXT, IDE_WRITE, .wide = true, .dma = true, .flush = true},
    {READ_VERIFY, IDE_VERIFY},
    {READ_VERIFY_NO_RETRY, IDE_VERIFY},
    {READ_VERIFY_EXT, IDE_VERIFY, .wide = true},
};

static struct ata *ata_of(struct ide_drive *drive)
{
    return (struct ata *)drive;
}

uint64_t ata_sectors(const struct ata *ata, bool wide)
{
    uint64_t count = ata->drive.disk->sector_count;

    return !wide && count > MAX_SECTORS_28 ? MAX_SECTORS_28 : count;
}

uint32_t ata_cylinders(const struct ata *ata)
{
    uint32_t per_cylinder = (uint32_t)ata->state.heads * ata->state.sectors_per_track;
    uint64_t cylinders = ata_sectors(ata, true) / per_cylinder;

    if (per_cylinder == DEFAULT_HEADS * DEFAULT_SECTORS_PER_TRACK && cylinders > 16383)
        return 16383;
    return cylinders > UINT16_MAX ? UINT16_MAX : (uint32_t)cylinders;
}

/* --- Addresses ---------------------------------------------------------------------------------
 */

#define NO_SECTOR UINT64_MAX

/* The address that the registers have; NO_SECTOR: none that there could be. */
static uint64_t get_sector(const struct ata *ata, bool wide)
{
    const struct ide_registers *r = &ata->drive.registers;
    uint32_t head = r->device & 0x0f, cylinder = r->lba_mid[0] | (uint32_t)r->lba_high[0] << 8;
    uint64_t low = r->lba_low[0] | cylinder << 8;

    if (wide)
        return low | (uint64_t)r->lba_low[1] << 24 | (uint64_t)r->lba_mid[1] << 32 |
               (uint64_t)r->lba_high[1] << 40;
    if (r->device & IDE_DEVICE_LBA)
        return low | (uint64_t)head << 24;
    if (r->lba_low[0] == 0 || r->lba_low[0] > ata->state.sectors_per_track ||
        head >= ata->state.heads)
        return NO_SECTOR;
    return ((uint64_t)cylinder * ata->state.heads + head) * ata->state.sectors_per_track +
           r->lba_low[0] - 1;
}

/* Shows the guest an address, in the form of the command. */
static void set_sector(struct ata *ata, bool wide, uint64_t sector)
{
    struct ide_registers *r = &ata->drive.registers;

    if (!wide && !(r->device & IDE_DEVICE_LBA)) {
        uint64_t track = sector / ata->state.sectors_per_track;
        uint64_t cylinder = track / ata->state.heads;

        r->lba_low[0] = (uint8_t)(sector % ata->state.sectors_per_track + 1);
        r->lba_mid[0] = (uint8_t)cylinder;
        r->lba_high[0] = (uint8_t)(cylinder >> 8);
        r->device = (uint8_t)((r->device & 0xf0) | track % ata->state.heads);
        return;
    }
    r->lba_low[0] = (uint8_t)sector;
    r->lba_mid[0] = (uint8_t)(sector >> 8);
    r->lba_high[0] = (uint8_t)(sector >> 16);
    if (!wide) {
        r->device = (uint8_t)((r->device & 0xf0) | (sector >> 24 & 0x0f));
        return;
    }
    r->lba_low[1] = (uint8_t)(sector >> 24);
    r->lba_mid[1] = (uint8_t)(sector >> 32);
    r->lba_high[1] = (uint8_t)(sector >> 40);
}

static void set_count(struct ata *ata, bool wide, uint32_t count)
{
    ata->drive.registers.count[0] = (uint8_t)count;
    if (wide)
        ata->drive.registers.count[1] = (uint8_t)(count >> 8);
}

static uint32_t get_count(const struct ata *ata, bool wide)
{
    const struct ide_registers *r = &ata->drive.registers;

    if (!wide)
        return r->count[0] == 0 ? 256 : r->count[0];
    return r->count[0] == 0 && r->count[1] == 0 ? 65536
                                                : (uint32_t)(r->count[0] | r->count[1] << 8);
}

/* --- Commands ----------------------------------------------------------------------------------
 */

static void move_sectors(struct ata *ata, const struct access *access)
{
    uint64_t sector = get_sector(ata, access->wide);
    uint64_t limit = ata_sectors(ata, access->wide);
    uint32_t count = get_count(ata, access->wide);
    struct ide_transfer transfer = {.operation = access->operation,
                                    .dma = access->dma,
                                    .quiet = access->operation == IDE_WRITE,
                                    .flush = access->flush || !ata->state.write_cache,
                                    .sector = sector,
                                    .sectors = count,
                                    .block = ATA_SECTOR_SIZE};

    if (access->multiple)
        transfer.block *= ata->state.multiple;
    if (access->operation == IDE_VERIFY)
        transfer.block = 0;
    if ((access->multiple && ata->state.multiple == 0) ||
        (access->operation == IDE_WRITE && ata->drive.disk->read_only)) {
        ide_abort(&ata->drive, IDE_ERROR_ABRT);
        return;
    }
    if (sector >= limit || count > limit - sector) {
        if (sector < limit)
            set_sector(ata, access->wide, limit);
        ide_abort(&ata->drive, IDE_ERROR_IDNF);
        return;
    }
    ata->state.power = POWER_ACTIVE;
    ata->state.wide = access->wide;
    ide_transfer(&ata->drive, &transfer);
}

static void identify(struct ata *ata)
{
    struct ide_transfer transfer = {.operation = IDE_DATA_IN, .filled = ATA_SECTOR_SIZE};

    ata_identify(ata, ata->drive.channel->state.buffer);
    ide_transfer(&ata->drive, &transfer);
}

static void flush(struct ata *ata, uint8_t code)
{
    struct ide_transfer transfer = {.operation = IDE_FLUSH};

    ata->state.wide = code == FLUSH_CACHE_EXT;
    ide_transfer(&ata->drive, &transfer);
}

static bool set_features(struct ata *ata)
{
    const struct ide_registers *registers = &ata->drive.registers;

    switch (registers->feature[0]) {
    case ENABLE_WRITE_CACHE:
    case DISABLE_WRITE_CACHE:
        ata->state.write_cache = registers->feature[0] == ENABLE_WRITE_CACHE;
        return true;
    case ENABLE_LOOK_AHEAD:
    case DISABLE_LOOK_AHEAD:
        ata->state.read_look_ahead = registers->feature[0] == ENABLE_LOOK_AHEAD;
        return true;
    case SET_TRANSFER_MODE:
        return ide_set_transfer_mode(&ata->drive, registers->count[0]);
    case KEEP_SETTINGS:
    case REVERT_SETTINGS:
        return true;
    default:
        return false;
    }
}

static bool set_multiple(struct ata *ata)
{
    uint8_t count = ata->drive.registers.count[0];

    if (count > MAX_MULTIPLE || (count & (count - 1)) != 0)
        return false;
    ata->state.multiple = count;
    return true;
}

static bool set_parameters(struct ata *ata)
{
    if (ata->drive.registers.count[0] == 0)
        return false;
    ata->state.sectors_per_track = ata->drive.registers.count[0];
    ata->state.heads = (uint8_t)((ata->drive.registers.device & 0x0f) + 1);
    return true;
}

static bool seek(struct ata *ata)
{
    if (get_sector(ata, false) < ata_sectors(ata, false))
        return true;
    ata->drive.registers.error = IDE_ERROR_IDNF;
    return false;
}

/* The highest address, as 28 or as 48 bits. */
static bool native_max(struct ata *ata, bool wide)
{
    if (!wide && !(ata->drive.registers.device & IDE_DEVICE_LBA))
        return false;
    set_sector(ata, wide, ata_sectors(ata, wide) - 1);
    return true;
}

static bool power(struct ata *ata, uint8_t code)
{
    if (code >= STANDBY_IMMEDIATE_OLD && code <= SLEEP_OLD) {
        static const uint8_t codes[] = {IDE_STANDBY_IMMEDIATE, IDE_IDLE_IMMEDIATE, STANDBY, IDLE,
                                        IDE_CHECK_POWER_MODE,  IDE_SLEEP};

        code = codes[code - STANDBY_IMMEDIATE_OLD];
    }
    if (code == IDE_CHECK_POWER_MODE)
        ata->drive.registers.count[0] = ata->state.power;
    else
        ata->state.power = code == IDLE || code == IDE_IDLE_IMMEDIATE ? POWER_IDLE : POWER_STANDBY;
    return true;
}

/* Commands without data, which end at once. False: they fail, with ABRT or the error that is set.
 */
static bool execute(struct ata *ata, uint8_t code)
{
    switch (code) {
    case INITIALIZE_DEVICE_PARAMETERS:
        return set_parameters(ata);
    case SET_MULTIPLE_MODE:
        return set_multiple(ata);
    case IDE_SET_FEATURES:
        return set_features(ata);
    case READ_NATIVE_MAX:
    case READ_NATIVE_MAX_EXT:
        return native_max(ata, code == READ_NATIVE_MAX_EXT);
    case STANDBY_IMMEDIATE_OLD:
    case IDLE_IMMEDIATE_OLD:
    case STANDBY_OLD:
    case IDLE_OLD:
    case CHECK_POWER_MODE_OLD:
    case SLEEP_OLD:
    case IDE_STANDBY_IMMEDIATE:
    case IDE_IDLE_IMMEDIATE:
    case STANDBY:
    case IDLE:
    case IDE_CHECK_POWER_MODE:
    case IDE_SLEEP:
        return power(ata, code);
    default:
        if ((code & 0xf0) == SEEK)
            return seek(ata);
        return (code & 0xf0) == RECALIBRATE;
    }
}

static void command(struct ide_drive *drive, uint8_t code)
{
    struct ata *ata = ata_of(drive);

    for (uint32_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
        if (accesses[i].code == code) {
            move_sectors(ata, &accesses[i]);
            return;
        }
    }
    if (code == IDE_IDENTIFY_DEVICE)
        identify(ata);
    else if (code == FLUSH_CACHE || code == FLUSH_CACHE_EXT)
        flush(ata, code);
    else if (execute(ata, code))
        ide_complete(drive, false);
    else
        ide_abort(drive, drive->registers.error != 0 ? drive->registers.error : IDE_ERROR_ABRT);
}

/* What is read by programmed I/O ends without an interrupt: the last one said that there is data.
 */
static void ended(struct ide_drive *drive, enum ide_end end)
{
    struct ata *ata = ata_of(drive);
    const struct ide_transfer *transfer = &drive->channel->state.transfer;
    bool read = transfer->operation == IDE_READ || transfer->operation == IDE_DATA_IN;
    bool sectors = read ? transfer->operation == IDE_READ : transfer->operation != IDE_FLUSH;

    if (end == IDE_OK) {
        if (sectors) {
            set_sector(ata, ata->state.wide, transfer->sector - 1);
            set_count(ata, ata->state.wide, transfer->sectors);
        }
        ide_complete(drive, read && !transfer->dma);
        return;
    }
    if (sectors) {
        set_sector(ata, ata->state.wide, transfer->sector);
        set_count(ata, ata->state.wide, transfer->sectors);
    }
    ide_abort(drive, end == IDE_MEDIUM && transfer->operation != IDE_WRITE &&
                             transfer->operation != IDE_FLUSH
                         ? IDE_ERROR_UNC
                         : IDE_ERROR_ABRT);
}

static void power_on(struct ide_drive *drive)
{
    ata_of(drive)->state = (struct ata_state){.heads = DEFAULT_HEADS,
                                              .sectors_per_track = DEFAULT_SECTORS_PER_TRACK,
                                              .multiple = DEFAULT_MULTIPLE,
                                              .power = POWER_ACTIVE,
                                              .write_cache = true,
                                              .read_look_ahead = true};
    drive->registers.transfer_mode = IDE_DEFAULT_TRANSFER_MODE;
}

void ata_init(struct ata *ata, struct disk *disk)
{
    static const struct ide_drive_ops ops = {.sector_size = ATA_SECTOR_SIZE,
                                             .after_reset = IDE_STATUS_READY,
                                             .command = command,
                                             .ended = ended,
                                             .power_on = power_on};

    *ata = (struct ata){.drive = {.ops = &ops, .disk = disk}};
    power_on(&ata->drive);
}
