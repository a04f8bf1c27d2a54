#include "parent/drivers/ide.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/include/log.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define COMMAND_LIMIT_US 10000000u /* for a polled command: a drive may have to start its motor */
#define MEDIUM_LIMIT_US 10000000u  /* for a CD that was just put in */

void ide_settle(const struct ide_channel *channel)
{
    for (int i = 0; i < 4; i++)
        inb(channel->control + IDE_ALTERNATE_STATUS);
}

bool ide_wait_status(const struct ide_channel *channel, uint8_t mask, uint8_t value,
                     uint64_t limit_us)
{
    uint64_t start = time_now();

    for (;;) {
        uint8_t status = inb(channel->control + IDE_ALTERNATE_STATUS);
        uint64_t elapsed = time_now() - start;

        if ((status & mask) == value)
            return true;
        if (elapsed > limit_us)
            return false;
        if (elapsed > PACKET_LIMIT_US)
            thread_sleep(1000);
        else
            time_delay(1);
    }
}

bool ide_select_drive(const struct ide_drive *drive, uint8_t bits, uint64_t limit_us)
{
    const struct ide_channel *channel = drive->channel;

    outb(channel->command + IDE_DEVICE, bits | drive->select);
    ide_settle(channel);
    return ide_wait_status(channel, ATA_STATUS_BSY | ATA_STATUS_DRQ, 0, limit_us);
}

/* Reads @words words, of which @room fit into @data. */
static void read_words(const struct ide_channel *channel, uint16_t *data, uint32_t words,
                       uint32_t room)
{
    for (uint32_t i = 0; i < words; i++) {
        uint16_t word = inw(channel->command + IDE_DATA);

        if (i < room)
            data[i] = word;
    }
}

/* Gives a command without data, or one that answers with 512 bytes at @data. False: it failed. */
static bool polled_command(const struct ide_drive *drive, uint8_t command, uint8_t features,
                           uint8_t count, uint16_t *data)
{
    const struct ide_channel *channel = drive->channel;

    if (!ide_select_drive(drive, ATA_DEVICE_OBSOLETE, COMMAND_LIMIT_US))
        return false;
    outb(channel->command + IDE_FEATURES, features);
    outb(channel->command + IDE_COUNT, count);
    outb(channel->command + IDE_LBA_LOW, 0);
    outb(channel->command + IDE_LBA_MID, 0);
    outb(channel->command + IDE_LBA_HIGH, 0);
    outb(channel->command + IDE_COMMAND, command);
    ide_settle(channel);
    if (inb(channel->command + IDE_STATUS) == 0 || /* nobody is there */
        !ide_wait_status(channel, ATA_STATUS_BSY, 0, COMMAND_LIMIT_US))
        return false;

    uint8_t status = inb(channel->command + IDE_STATUS);

    if (status & (ATA_STATUS_ERR | ATA_STATUS_DF))
        return false;
    if (data == NULL)
        return true;
    if (!(status & ATA_STATUS_DRQ))
        return false;
    read_words(channel, data, ATA_IDENTIFY_WORDS, ATA_IDENTIFY_WORDS);
    return ide_wait_status(channel, ATA_STATUS_BSY | ATA_STATUS_DRQ, 0, COMMAND_LIMIT_US);
}

bool ide_send_packet(const struct ide_drive *drive, const uint8_t packet[ATAPI_PACKET_SIZE],
                     uint8_t features, uint16_t size, uint64_t limit_us)
{
    const struct ide_channel *channel = drive->channel;

    outb(channel->command + IDE_FEATURES, features);
    outb(channel->command + IDE_COUNT, 0);
    outb(channel->command + IDE_LBA_MID, (uint8_t)size);
    outb(channel->command + IDE_LBA_HIGH, (uint8_t)(size >> 8));
    outb(channel->command + IDE_COMMAND, ATA_PACKET);
    ide_settle(channel);
    if (!ide_wait_status(channel, ATA_STATUS_BSY | ATA_STATUS_DRQ, ATA_STATUS_DRQ, limit_us))
        return false;
    for (unsigned i = 0; i < ATAPI_PACKET_SIZE; i += 2)
        outw(channel->command + IDE_DATA, (uint16_t)(packet[i] | packet[i + 1] << 8));
    return true;
}

/* A packet command that answers with up to @size bytes. False: it failed, or answered with less. */
static bool polled_packet(const struct ide_drive *drive, const uint8_t packet[ATAPI_PACKET_SIZE],
                          void *data, uint16_t size)
{
    const struct ide_channel *channel = drive->channel;
    uint16_t received = 0;

    if (!ide_select_drive(drive, ATA_DEVICE_OBSOLETE, COMMAND_LIMIT_US) ||
        !ide_send_packet(drive, packet, 0, size, COMMAND_LIMIT_US))
        return false;
    for (;;) {
        ide_settle(channel);
        if (!ide_wait_status(channel, ATA_STATUS_BSY, 0, COMMAND_LIMIT_US))
            return false;

        uint8_t status = inb(channel->command + IDE_STATUS);

        if (status & (ATA_STATUS_ERR | ATA_STATUS_DF))
            return false;
        if (!(status & ATA_STATUS_DRQ))
            return received >= size;

        uint16_t count = (uint16_t)(inb(channel->command + IDE_LBA_MID) |
                                    inb(channel->command + IDE_LBA_HIGH) << 8);

        if (count == 0)
            return false;
        read_words(channel, (uint16_t *)((uint8_t *)data + received), (count + 1u) / 2,
                   (size - received) / 2u);
        received = received + count < size ? (uint16_t)(received + count) & ~1u : size;
    }
}

enum block_status ide_request_sense(const struct ide_drive *drive, struct atapi_sense *sense)
{
    uint8_t packet[ATAPI_PACKET_SIZE];
    uint16_t data[ATAPI_SENSE_SIZE / 2];

    *sense = (struct atapi_sense){0};
    atapi_make_request_sense(packet);
    if (!polled_packet(drive, packet, data, sizeof(data)))
        return BLOCK_ERROR_DEVICE;
    atapi_parse_sense((const uint8_t *)data, sense);
    return atapi_result(sense);
}

bool ide_set_transfer_mode(const struct ide_drive *drive)
{
    return polled_command(drive, ATA_SET_FEATURES, ATA_FEATURE_SET_TRANSFER_MODE,
                          drive->identity.transfer_mode, NULL);
}

bool ide_identify(struct ide_drive *drive)
{
    const struct ide_channel *channel = drive->channel;
    uint16_t words[ATA_IDENTIFY_WORDS];

    outb(channel->command + IDE_DEVICE, ATA_DEVICE_OBSOLETE | drive->select);
    ide_settle(channel);
    /* A bus without drive floats. */
    if (inb(channel->command + IDE_STATUS) == UINT8_MAX)
        return false;
    drive->packet = false;
    if (!polled_command(drive, ATA_IDENTIFY_DEVICE, 0, 0, words)) {
        if (inb(channel->command + IDE_LBA_MID) != SIGNATURE_PACKET_MID ||
            inb(channel->command + IDE_LBA_HIGH) != SIGNATURE_PACKET_HIGH)
            return false;
        drive->packet = true;
        if (!polled_command(drive, ATA_IDENTIFY_PACKET_DEVICE, 0, 0, words))
            return false;
    }
    if (!ata_parse_identity(words, drive->packet, &drive->identity)) {
        log_print(LOG_WARNING, "%s: drive %u describes itself in a way that makes no sense",
                  channel->name, drive->select != 0);
        return false;
    }
    return true;
}

void ide_read_medium(struct ide_drive *drive)
{
    uint64_t deadline = time_now() + MEDIUM_LIMIT_US;
    uint8_t packet[ATAPI_PACKET_SIZE];
    uint16_t data[ATAPI_CAPACITY_SIZE / 2];
    struct atapi_sense sense;

    drive->block.sector_count = 0;
    atapi_make_test_ready(packet);
    while (!polled_packet(drive, packet, NULL, 0)) {
        if (ide_request_sense(drive, &sense) != BLOCK_BUSY || time_now() > deadline)
            return;
        thread_sleep(MEDIUM_PAUSE_US);
    }
    atapi_make_read_capacity(packet);
    if (polled_packet(drive, packet, data, sizeof(data)) &&
        !atapi_parse_capacity((const uint8_t *)data, &drive->block.sector_count,
                              &drive->block.sector_size))
        drive->block.sector_count = 0;
}
