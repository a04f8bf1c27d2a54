#include "worker/devices/ide_identify.h"

#include "lib/string.h"

/* SET FEATURES 03h: transfer type in the upper bits, mode in the lower. ATA/ATAPI-6, table 44. */
#define TRANSFER_PIO_DEFAULT 0x00
#define TRANSFER_PIO 0x08
#define TRANSFER_MULTIWORD_DMA 0x20
#define TRANSFER_ULTRA_DMA 0x40
#define FASTEST_PIO 4
#define FASTEST_DMA 2 /* of both kinds: what the PIIX4 can */

#define TEXT_SERIAL 10
#define TEXT_REVISION 23
#define TEXT_MODEL 27

void ide_identify_set(uint8_t data[IDE_IDENTIFY_SIZE], uint32_t index, uint32_t value)
{
    data[2 * index] = (uint8_t)value;
    data[2 * index + 1] = (uint8_t)(value >> 8);
}

/* Text has the first character of each word in its upper byte, and is filled up with spaces. */
static void set_text(uint8_t *data, uint32_t first, uint32_t size, const char *text, size_t length)
{
    for (uint32_t i = 0; i < size; i++)
        data[2 * first + (i ^ 1)] = i < length && text[i] != '\0' ? (uint8_t)text[i] : ' ';
}

static uint32_t dma_modes(const struct ide_drive *drive, uint8_t type)
{
    uint8_t mode = drive->registers.transfer_mode;
    uint32_t supported = (2u << FASTEST_DMA) - 1;

    return supported | (mode >= type && mode <= type + FASTEST_DMA ? 0x100u << (mode - type) : 0);
}

void ide_identify_common(const struct ide_drive *drive, const char *model,
                         uint8_t data[IDE_IDENTIFY_SIZE])
{
    memset(data, 0, IDE_IDENTIFY_SIZE);
    set_text(data, TEXT_SERIAL, 20, drive->disk->serial, sizeof(drive->disk->serial));
    set_text(data, TEXT_REVISION, 8, "1.0", 3);
    set_text(data, TEXT_MODEL, 40, model, strlen(model));
    ide_identify_set(data, 51, 0x0200); /* PIO and DMA timing, obsolete: mode 2 */
    ide_identify_set(data, 52, 0x0200);
    ide_identify_set(data, 63, dma_modes(drive, TRANSFER_MULTIWORD_DMA));
    ide_identify_set(data, 64, 0x0003); /* PIO modes 3 and 4 */
    for (uint32_t i = 65; i <= 68; i++)
        ide_identify_set(data, i, 120); /* ns of a cycle */
    ide_identify_set(data, 80, 0x0070); /* ATA/ATAPI-4 to -6 */
    ide_identify_set(data, 81, 0x0019); /* ATA/ATAPI-6 T13 1410D revision 3a */
    ide_identify_set(data, 88, dma_modes(drive, TRANSFER_ULTRA_DMA));
}

void ide_identify_seal(uint8_t data[IDE_IDENTIFY_SIZE])
{
    uint8_t sum = 0xa5;

    data[510] = 0xa5;
    for (uint32_t i = 0; i < 510; i++)
        sum = (uint8_t)(sum + data[i]);
    data[511] = (uint8_t)-sum;
}

bool ide_set_transfer_mode(struct ide_drive *drive, uint8_t mode)
{
    if (mode == TRANSFER_PIO_DEFAULT || mode == (TRANSFER_PIO_DEFAULT | 1))
        return true;
    if (mode >= TRANSFER_PIO && mode <= TRANSFER_PIO + FASTEST_PIO)
        return true;
    if (!(mode >= TRANSFER_MULTIWORD_DMA && mode <= TRANSFER_MULTIWORD_DMA + FASTEST_DMA) &&
        !(mode >= TRANSFER_ULTRA_DMA && mode <= TRANSFER_ULTRA_DMA + FASTEST_DMA))
        return false;
    drive->registers.transfer_mode = mode;
    return true;
}
