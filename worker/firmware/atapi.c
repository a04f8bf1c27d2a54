#include "worker/firmware/ata.h"

#define CMD_PACKET 0xa0
#define CHUNK 0xf800 /* bytes that may come at once: whole blocks */

/* Takes @bytes bytes that the device has ready; what does not fit is thrown away. */
static void take(struct ata_drive *drive, uint16_t bytes, uint16_t segment, uint16_t offset,
                 uint16_t size, uint16_t *done)
{
    uint16_t room = (uint16_t)(size - *done);
    uint16_t fitting = bytes < room ? bytes : room;

    in_words(drive->io, segment, (uint16_t)(offset + *done), fitting / 2);
    ata_discard(drive, (uint16_t)((bytes + 1) / 2 - fitting / 2));
    *done = (uint16_t)(*done + (fitting & ~1));
}

static bool send_packet(struct ata_drive *drive, const uint8_t *command)
{
    uint8_t status;

    if (!ata_select(drive))
        return false;
    outb((uint16_t)(drive->io + ATA_ERROR), 0); /* no DMA */
    outb((uint16_t)(drive->io + ATA_LBA_MIDDLE), (uint8_t)CHUNK);
    outb((uint16_t)(drive->io + ATA_LBA_HIGH), (uint8_t)(CHUNK >> 8));
    ata_command(drive, CMD_PACKET);
    status = ata_wait(drive);
    if (status & (ATA_STATUS_BSY | ATA_STATUS_ERR) || !(status & ATA_STATUS_DRQ))
        return false;
    for (unsigned i = 0; i < ATAPI_COMMAND_SIZE; i += 2)
        outw(drive->io, (uint16_t)(command[i] | command[i + 1] << 8));
    return true;
}

bool atapi_read(struct ata_drive *drive, const uint8_t *command, uint16_t segment, uint16_t offset,
                uint16_t size, uint16_t *done, uint8_t *sense)
{
    uint8_t status;

    *done = 0;
    *sense = 0;
    if (!send_packet(drive, command))
        return false;
    for (;;) {
        inb(drive->control); /* settles */
        status = ata_wait(drive);
        if (status & ATA_STATUS_BSY)
            return false;
        if (status & ATA_STATUS_ERR) {
            *sense = inb((uint16_t)(drive->io + ATA_ERROR)) >> 4;
            return false;
        }
        if (!(status & ATA_STATUS_DRQ))
            return true;
        take(drive,
             (uint16_t)(inb((uint16_t)(drive->io + ATA_LBA_MIDDLE)) |
                        inb((uint16_t)(drive->io + ATA_LBA_HIGH)) << 8),
             segment, offset, size, done);
    }
}
