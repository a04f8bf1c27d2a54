/* IDENTIFY DEVICE. ATA/ATAPI-6, 8.15. */
#include "worker/devices/ata.h"
#include "worker/devices/ide_identify.h"

#define MAX_CYLINDERS 16383u
#define HEADS 16u
#define SECTORS_PER_TRACK 63u
#define MAX_MULTIPLE 16u

/* Words 82 to 84, of what there is: write cache, look-ahead, power management, NOP; 48-bit
 * addresses, FLUSH CACHE and its 48-bit form; FUA. Bit 14 of the second and third is always 1. */
#define SETS_1 0x4068u
#define SETS_1_WRITE_CACHE 0x0020u
#define SETS_1_LOOK_AHEAD 0x0040u
#define SETS_2 0x3400u
#define SETS_3 0x0040u
#define SETS_VALID 0x4000u

static void set32(uint8_t *data, uint32_t index, uint32_t value)
{
    ide_identify_set(data, index, value);
    ide_identify_set(data, index + 1, value >> 16);
}

/* The translation as made, and the one in use. */
static void set_geometry(const struct ata *ata, uint8_t *data)
{
    const struct ata_state *state = &ata->state;
    uint64_t cylinders = ata_sectors(ata, true) / (HEADS * SECTORS_PER_TRACK);

    if (cylinders > MAX_CYLINDERS)
        cylinders = MAX_CYLINDERS;
    ide_identify_set(data, 1, cylinders == 0 ? 1 : (uint32_t)cylinders);
    ide_identify_set(data, 3, HEADS);
    /* Bytes of a track and of a sector, which BIOSes older than ATA-2, and Bochs's, go by. */
    ide_identify_set(data, 4, SECTORS_PER_TRACK * ATA_SECTOR_SIZE);
    ide_identify_set(data, 5, ATA_SECTOR_SIZE);
    ide_identify_set(data, 6, SECTORS_PER_TRACK);
    ide_identify_set(data, 54, ata_cylinders(ata));
    ide_identify_set(data, 55, state->heads);
    ide_identify_set(data, 56, state->sectors_per_track);
    set32(data, 57, ata_cylinders(ata) * state->heads * state->sectors_per_track);
}

void ata_identify(const struct ata *ata, uint8_t data[ATA_SECTOR_SIZE])
{
    const struct ata_state *state = &ata->state;
    uint64_t sectors = ata_sectors(ata, true);
    uint32_t enabled = SETS_1;

    if (!state->write_cache)
        enabled &= ~SETS_1_WRITE_CACHE;
    if (!state->read_look_ahead)
        enabled &= ~SETS_1_LOOK_AHEAD;
    ide_identify_common(&ata->drive, "Veneer Virtual Disk", data);
    ide_identify_set(data, 0, 0x0040); /* fixed */
    set_geometry(ata, data);
    ide_identify_set(data, 47, 0x8000 | MAX_MULTIPLE);
    ide_identify_set(data, 49, 0x0f00); /* IORDY, LBA, DMA */
    ide_identify_set(data, 50, 0x4000);
    ide_identify_set(data, 53, 0x0007); /* words 54 to 58, 64 to 70, and 88 are valid */
    ide_identify_set(data, 59, state->multiple != 0 ? 0x0100u | state->multiple : 0);
    set32(data, 60, (uint32_t)ata_sectors(ata, false));
    ide_identify_set(data, 82, SETS_1);
    ide_identify_set(data, 83, SETS_VALID | SETS_2);
    ide_identify_set(data, 84, SETS_VALID | SETS_3);
    ide_identify_set(data, 85, enabled);
    ide_identify_set(data, 86, SETS_2);
    ide_identify_set(data, 87, SETS_VALID | SETS_3);
    set32(data, 100, (uint32_t)sectors);
    set32(data, 102, (uint32_t)(sectors >> 32));
    ide_identify_seal(data);
}
