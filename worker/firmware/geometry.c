#include "worker/firmware/geometry.h"

#define PARTITIONS 446
#define PARTITION_SIZE 16
#define SIGNATURE 510

struct partition {
    uint8_t active, start_head, start_sector, start_cylinder;
    uint8_t type, end_head, end_sector, end_cylinder;
    uint32_t start_lba, sectors;
};

static void set(struct unit *unit, uint16_t heads, uint16_t sectors_per_track)
{
    uint32_t sectors = unit->sectors >> 32 ? 0xffffffff : (uint32_t)unit->sectors;
    uint32_t cylinders = sectors / heads / sectors_per_track;

    unit->heads = heads;
    unit->sectors_per_track = sectors_per_track;
    unit->cylinders = (uint16_t)(cylinders > GEOMETRY_CYLINDERS ? GEOMETRY_CYLINDERS
                                 : cylinders                    ? cylinders
                                                                : 1);
}

/* What fits the size: the drive's own geometry if INT 13h can name it, else 63 sectors and as few
 * heads as possible. */
static void set_by_size(struct unit *unit)
{
    static const uint8_t head_counts[] = {16, 32, 64, 128, 255};
    const struct ata_drive *drive = unit->drive;
    unsigned i = 0;

    if (drive->cylinders && drive->cylinders <= GEOMETRY_CYLINDERS && drive->heads &&
        drive->heads <= 16 && drive->sectors_per_track && drive->sectors_per_track <= 63 &&
        unit->sectors <= (uint32_t)GEOMETRY_CYLINDERS * 16 * 63) {
        set(unit, drive->heads, drive->sectors_per_track);
        return;
    }
    while (i < sizeof(head_counts) - 1 &&
           unit->sectors > (uint32_t)GEOMETRY_CYLINDERS * 63 * head_counts[i])
        i++;
    set(unit, head_counts[i], 63);
}

/* Whoever made the partition let it end with a cylinder; then its start must be right, too. */
static bool set_by_partition(struct unit *unit, const struct partition *partition)
{
    uint16_t heads = (uint16_t)(partition->end_head + 1);
    uint16_t sectors = partition->end_sector & 63;
    uint32_t cylinder = (uint32_t)(partition->start_sector & 0xc0) << 2 | partition->start_cylinder;
    uint32_t lba;

    if (!partition->type || !sectors || heads > 255 || heads < 2)
        return false;
    lba = (cylinder * heads + partition->start_head) * sectors + (partition->start_sector & 63) - 1;
    /* What begins in the first track fits any number of heads. */
    if (lba != partition->start_lba || (partition->start_sector & 63) == 0 || lba < sectors)
        return false;
    set(unit, heads, sectors);
    return true;
}

void geometry_find(struct unit *unit)
{
    static uint8_t sector[ATA_SECTOR_SIZE];
    struct ata_request request = {0, FIRMWARE_DATA, (uint16_t)(uintptr_t)sector, 1};
    struct partition partition;
    uint16_t done;

    set_by_size(unit);
    if (!ata_read(unit->drive, &request, &done) || sector[SIGNATURE] != 0x55 ||
        sector[SIGNATURE + 1] != 0xaa)
        return;
    for (unsigned i = 0; i < 4; i++) {
        memcpy(&partition, sector + PARTITIONS + i * PARTITION_SIZE, PARTITION_SIZE);
        if (set_by_partition(unit, &partition))
            return;
    }
}
