#include "worker/firmware/el_torito.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/int13.h"
#include "worker/firmware/screen.h"

#define BOOT_RECORD 17 /* the block that names the catalog */
#define CATALOG_POINTER 0x47
#define PLATFORM_X86 0
#define BOOTABLE 0x88
#define DEFAULT_SEGMENT 0x07c0
#define SECTORS_PER_BLOCK (ATAPI_SECTOR_SIZE / ATA_SECTOR_SIZE)
#define PARTITION_END_HEAD 451 /* of the first partition in an MBR */
#define PARTITION_END_SECTOR 452
#define PARTITION_END_CYLINDER 453

enum media {
    MEDIA_NONE,
    MEDIA_1200K,
    MEDIA_1440K,
    MEDIA_2880K,
    MEDIA_DISK,
};

struct validation_entry {
    uint8_t header, platform;
    uint16_t reserved;
    char id[24];
    uint16_t checksum, key;
} __attribute__((packed));

struct initial_entry {
    uint8_t indicator, media;
    uint16_t segment;
    uint8_t system, unused;
    uint16_t sectors;
    uint32_t block;
} __attribute__((packed));

/* What INT 13h AH=4Bh tells. */
struct specification {
    uint8_t size, media, drive, controller;
    uint32_t block;
    uint16_t device;
    uint16_t buffer_segment, load_segment, sectors;
    uint8_t cylinders, cylinders_sectors, heads;
} __attribute__((packed));

static struct specification started; /* size 0: nothing was started from a CD */
static uint8_t block_buffer[ATAPI_SECTOR_SIZE];

static bool read_block(struct unit *cd, uint32_t block)
{
    struct unit_request request = {
        .lba = block,
        .address = ((uint32_t)FIRMWARE_DATA << 4) + (uint32_t)(uintptr_t)block_buffer,
        .count = 1,
    };
    uint16_t done;
    enum disk_status status = unit_transfer(cd, UNIT_READ, &request, &done);

    if (status == DISK_NO_MEDIA)
        screen_print("there is no disc in the drive");
    else if (status != DISK_OK)
        screen_print("the disc cannot be read");
    return status == DISK_OK;
}

/* Reads the catalog and copies the entry that is to be started. */
static bool find_entry(struct unit *cd, struct initial_entry *entry)
{
    static const char id[] = "\0CD001\1EL TORITO SPECIFICATION";
    struct validation_entry validation;
    uint32_t catalog;
    uint16_t sum = 0, word;

    if (!read_block(cd, BOOT_RECORD))
        return false;
    memcpy(&catalog, block_buffer + CATALOG_POINTER, sizeof(catalog));
    if (memcmp(block_buffer, id, sizeof(id) - 1)) {
        screen_print("the disc has no boot record (El Torito)");
        return false;
    }
    if (!read_block(cd, catalog))
        return false;
    memcpy(&validation, block_buffer, sizeof(validation));
    for (unsigned i = 0; i < sizeof(validation); i += 2) {
        memcpy(&word, block_buffer + i, 2);
        sum = (uint16_t)(sum + word);
    }
    memcpy(entry, block_buffer + sizeof(validation), sizeof(*entry));
    if (validation.header != 1 || validation.key != 0xaa55 || sum) {
        screen_print("the disc's boot catalog is damaged");
        return false;
    }
    if (validation.platform != PLATFORM_X86 || entry->indicator != BOOTABLE ||
        (entry->media & 15) > MEDIA_DISK) {
        screen_print("the disc's boot catalog has nothing for this machine");
        return false;
    }
    return true;
}

static bool load(struct unit *cd, const struct initial_entry *entry, uint16_t segment)
{
    uint16_t sectors = entry->sectors ? entry->sectors : 1, done;
    struct unit_request request = {
        .lba = entry->block,
        .address = (uint32_t)segment << 4,
        .count = (uint16_t)((sectors + SECTORS_PER_BLOCK - 1) / SECTORS_PER_BLOCK),
    };

    if (request.address + (uint32_t)request.count * ATAPI_SECTOR_SIZE > 0x9fc00) {
        screen_print("what the disc wants to be loaded is too large");
        return false;
    }
    if (unit_transfer(cd, UNIT_READ, &request, &done) == DISK_OK)
        return true;
    screen_print("what the disc wants to be loaded cannot be read");
    return false;
}

/* The geometry of an emulated disk: of hard disks it is that of the only partition. */
static void set_geometry(struct unit *unit, uint8_t media, uint16_t segment)
{
    static const struct {
        uint8_t type, sectors;
    } floppies[] = {[MEDIA_1200K] = {2, 15}, [MEDIA_1440K] = {4, 18}, [MEDIA_2880K] = {5, 36}};

    if (media == MEDIA_DISK) {
        uint8_t end = far_read8(segment, PARTITION_END_SECTOR);

        unit->number = UNIT_FIRST_DISK;
        unit->heads = (uint16_t)(far_read8(segment, PARTITION_END_HEAD) + 1);
        unit->sectors_per_track = end & 0x3f ? end & 0x3f : 1;
        unit->cylinders =
            (uint16_t)(((end & 0xc0) << 2 | far_read8(segment, PARTITION_END_CYLINDER)) + 1);
    } else {
        unit->number = 0;
        unit->floppy_type = floppies[media].type;
        unit->heads = 2;
        unit->sectors_per_track = floppies[media].sectors;
        unit->cylinders = 80;
    }
    unit->sectors = (uint32_t)unit->cylinders * unit->heads * unit->sectors_per_track;
}

static void emulate(struct unit *cd, const struct initial_entry *entry, uint16_t segment)
{
    struct unit unit = {
        .kind = UNIT_EMULATED,
        .sector_size = ATA_SECTOR_SIZE,
        .first_block = entry->block,
        .drive = cd->drive,
    };

    set_geometry(&unit, entry->media & 15, segment);
    unit_insert(&unit);
    started.drive = unit.number;
    started.cylinders = (uint8_t)(unit.cylinders - 1);
    started.cylinders_sectors =
        (uint8_t)(unit.sectors_per_track | ((unit.cylinders - 1) >> 2 & 0xc0));
    started.heads = (uint8_t)(unit.heads - 1);
    bda_write8(BDA_DISK_COUNT, unit_count(UNIT_FIRST_DISK));
    if (unit.number == 0)
        bda_write16(BDA_EQUIPMENT,
                    (uint16_t)((bda_read16(BDA_EQUIPMENT) & ~0xc0) | 1 | (unit_count(0) - 1) << 6));
}

void el_torito_start(struct unit *cd)
{
    struct initial_entry entry;
    uint16_t segment;

    if (!find_entry(cd, &entry))
        return;
    segment = entry.segment ? entry.segment : DEFAULT_SEGMENT;
    if (!load(cd, &entry, segment))
        return;
    memset(&started, 0, sizeof(started));
    started.size = sizeof(started);
    started.media = entry.media;
    started.controller = cd->drive->io == 0x170;
    started.device = cd->drive->device != 0;
    started.drive = cd->number;
    started.block = entry.block;
    started.load_segment = segment;
    started.sectors = entry.sectors;
    if ((entry.media & 15) != MEDIA_NONE)
        emulate(cd, &entry, segment);
    screen_print("started\n");
    if (segment == DEFAULT_SEGMENT)
        start_boot_sector(0, DEFAULT_SEGMENT << 4, started.drive);
    start_boot_sector(segment, 0, started.drive);
}

/* AH=4Bh: AL 0 ends the emulation and tells, 1 only tells. */
static void tell(struct frame *frame)
{
    if (!started.size || frame->al > 1 || (frame->dl != started.drive && frame->dl != 0x7f)) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    far_put(frame->ds, frame->si, &started, sizeof(started));
    if (frame->al == 0 && (started.media & 15) != MEDIA_NONE) {
        unit_remove(started.drive);
        started.size = 0;
        bda_write8(BDA_DISK_COUNT, unit_count(UNIT_FIRST_DISK));
    }
    disk_result(frame, DISK_OK);
}

void el_torito_service(struct frame *frame)
{
    if (frame->ah == 0x4b)
        tell(frame);
    else
        disk_result(frame, DISK_BAD_COMMAND);
}
