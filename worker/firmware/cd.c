#include "worker/firmware/cd.h"
#include "worker/firmware/timing.h"

#define SCSI_TEST_UNIT_READY 0x00
#define SCSI_REQUEST_SENSE 0x03
#define SCSI_START_STOP 0x1b
#define SCSI_PREVENT_REMOVAL 0x1e
#define SCSI_READ_CAPACITY 0x25
#define SCSI_READ_10 0x28
#define EJECT 0x02

#define SENSE_NOT_READY 2
#define SENSE_UNIT_ATTENTION 6
#define SENSE_SIZE 18

#define SECTORS_PER_BLOCK (ATAPI_SECTOR_SIZE / ATA_SECTOR_SIZE)
#define READY_ATTEMPTS 8
#define READY_TIMEOUT_MS 5000

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum disk_status command_without_data(struct unit *unit, uint8_t code, uint8_t byte_4)
{
    uint8_t command[ATAPI_COMMAND_SIZE] = {code}, sense;
    uint16_t done;

    command[4] = byte_4;
    if (atapi_read(unit->drive, command, 0, 0, 0, &done, &sense))
        return DISK_OK;
    if (!sense)
        return DISK_TIMEOUT;
    return sense == SENSE_NOT_READY ? DISK_NO_MEDIA : DISK_CONTROLLER;
}

static enum disk_status read_capacity(struct unit *unit)
{
    static const uint8_t command[ATAPI_COMMAND_SIZE] = {SCSI_READ_CAPACITY};
    uint8_t data[8], sense;
    uint16_t done;

    if (!atapi_read(unit->drive, command, FIRMWARE_DATA, (uint16_t)(uintptr_t)data, sizeof(data),
                    &done, &sense) ||
        done != sizeof(data))
        return DISK_NO_MEDIA;
    unit->sectors = (uint64_t)big_endian(data) + 1;
    return DISK_OK;
}

/* Some drives keep saying the same until they were asked for details. */
static void request_sense(struct unit *unit)
{
    static const uint8_t command[ATAPI_COMMAND_SIZE] = {SCSI_REQUEST_SENSE, [4] = SENSE_SIZE};
    uint8_t data[SENSE_SIZE], sense;
    uint16_t done;

    atapi_read(unit->drive, command, FIRMWARE_DATA, (uint16_t)(uintptr_t)data, SENSE_SIZE, &done,
               &sense);
}

/* A drive says once or a few times that there is another disc than before, and that it is not
 * ready while it spins up; without a disc it is never ready. */
static enum disk_status wait_ready(struct unit *unit)
{
    static const uint8_t command[ATAPI_COMMAND_SIZE] = {SCSI_TEST_UNIT_READY};
    struct deadline deadline = deadline_ms(READY_TIMEOUT_MS);
    unsigned refusals = 0;
    uint8_t sense;
    uint16_t done;

    while (!atapi_read(unit->drive, command, 0, 0, 0, &done, &sense)) {
        unit->sectors = 0;
        if (!sense || deadline_passed(&deadline))
            return DISK_TIMEOUT;
        /* Emulated drives need no time: they say so some times and not for some time. */
        if (sense != SENSE_UNIT_ATTENTION && ++refusals > READY_ATTEMPTS)
            return DISK_NO_MEDIA;
        request_sense(unit);
        idle();
    }
    return DISK_OK;
}

enum disk_status cd_ready(struct unit *unit)
{
    enum disk_status status = wait_ready(unit);

    if (status != DISK_OK || unit->sectors)
        return status;
    return read_capacity(unit);
}

enum disk_status cd_read(struct unit *unit, enum unit_operation operation,
                         const struct ata_request *request, uint16_t *done)
{
    uint8_t command[ATAPI_COMMAND_SIZE] = {SCSI_READ_10}, sense;
    uint32_t lba = (uint32_t)request->lba;
    uint16_t bytes;
    bool good;

    *done = 0;
    if (operation == UNIT_VERIFY) {
        *done = request->count;
        return DISK_OK;
    }
    command[2] = (uint8_t)(lba >> 24);
    command[3] = (uint8_t)(lba >> 16);
    command[4] = (uint8_t)(lba >> 8);
    command[5] = (uint8_t)lba;
    command[7] = (uint8_t)(request->count >> 8);
    command[8] = (uint8_t)request->count;
    good = atapi_read(unit->drive, command, request->segment, request->offset,
                      (uint16_t)(request->count * ATAPI_SECTOR_SIZE), &bytes, &sense);
    *done = bytes / ATAPI_SECTOR_SIZE;
    if (good && *done == request->count)
        return DISK_OK;
    if (sense == SENSE_NOT_READY)
        return DISK_NO_MEDIA;
    return sense == SENSE_UNIT_ATTENTION ? DISK_CHANGED : DISK_CONTROLLER;
}

/* The part of block @block that begins with sector @first of it. */
static enum disk_status read_part(struct unit *unit, uint32_t block, uint16_t first, uint16_t count,
                                  uint16_t segment, uint16_t offset)
{
    static uint8_t buffer[ATAPI_SECTOR_SIZE];
    struct ata_request request = {block, FIRMWARE_DATA, (uint16_t)(uintptr_t)buffer, 1};
    uint16_t done;
    enum disk_status status = cd_read(unit, UNIT_READ, &request, &done);

    if (status == DISK_OK)
        far_put(segment, offset, buffer + first * ATA_SECTOR_SIZE, count * ATA_SECTOR_SIZE);
    return status;
}

enum disk_status cd_read_emulated(struct unit *unit, enum unit_operation operation,
                                  const struct ata_request *request, uint16_t *done)
{
    enum disk_status status = DISK_OK;

    *done = 0;
    if (operation == UNIT_VERIFY) {
        *done = request->count;
        return DISK_OK;
    }
    while (*done < request->count && status == DISK_OK) {
        uint32_t sector = (uint32_t)request->lba + *done;
        uint32_t block = unit->first_block + sector / SECTORS_PER_BLOCK;
        uint16_t first = sector % SECTORS_PER_BLOCK;
        uint16_t count = (uint16_t)(request->count - *done), blocks;
        uint16_t offset = (uint16_t)(request->offset + *done * ATA_SECTOR_SIZE);

        if (!first && count >= SECTORS_PER_BLOCK) {
            struct ata_request whole = {block, request->segment, offset, count / SECTORS_PER_BLOCK};

            status = cd_read(unit, UNIT_READ, &whole, &blocks);
            *done = (uint16_t)(*done + blocks * SECTORS_PER_BLOCK);
            continue;
        }
        if (count > SECTORS_PER_BLOCK - first)
            count = (uint16_t)(SECTORS_PER_BLOCK - first);
        status = read_part(unit, block, first, count, request->segment, offset);
        if (status == DISK_OK)
            *done = (uint16_t)(*done + count);
    }
    return status;
}

enum disk_status cd_lock(struct unit *unit, bool lock)
{
    return command_without_data(unit, SCSI_PREVENT_REMOVAL, lock);
}

enum disk_status cd_eject(struct unit *unit)
{
    unit->sectors = 0;
    return command_without_data(unit, SCSI_START_STOP, EJECT);
}
