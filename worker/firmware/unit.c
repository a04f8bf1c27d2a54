#include "worker/firmware/unit.h"
#include "worker/firmware/cd.h"
#include "worker/firmware/floppy.h"
#include "worker/firmware/geometry.h"

#define UNITS 8
#define REAL_MODE_END 0x10fff0 /* FFFF:FFFF and one */
#define BOUNCE_SIZE ATAPI_SECTOR_SIZE

static struct unit units[UNITS];
static uint8_t bounce[BOUNCE_SIZE];

static struct unit *free_unit(void)
{
    for (unsigned i = 0; i < UNITS; i++) {
        if (units[i].kind == UNIT_NONE)
            return &units[i];
    }
    return NULL;
}

struct unit *unit_find(uint8_t number)
{
    for (unsigned i = 0; i < UNITS; i++) {
        if (units[i].kind != UNIT_NONE && units[i].number == number)
            return &units[i];
    }
    return NULL;
}

uint8_t unit_count(uint8_t first)
{
    uint8_t count = 0;

    while (unit_find((uint8_t)(first + count)))
        count++;
    return count;
}

void unit_insert(const struct unit *unit)
{
    uint8_t end = (uint8_t)(unit->number + unit_count(unit->number));
    struct unit *place = free_unit();

    if (!place)
        return;
    for (unsigned i = 0; i < UNITS; i++) {
        if (units[i].kind != UNIT_NONE && units[i].number >= unit->number && units[i].number < end)
            units[i].number++;
    }
    *place = *unit;
}

void unit_remove(uint8_t number)
{
    uint8_t end = (uint8_t)(number + unit_count(number));
    struct unit *unit = unit_find(number);

    if (!unit)
        return;
    unit->kind = UNIT_NONE;
    for (unsigned i = 0; i < UNITS; i++) {
        if (units[i].kind != UNIT_NONE && units[i].number > number && units[i].number < end)
            units[i].number--;
    }
}

void unit_init(void)
{
    uint8_t disk = UNIT_FIRST_DISK, cd = UNIT_FIRST_CD;

    for (unsigned i = 0; i < ATA_DRIVES; i++) {
        struct ata_drive *drive = &ata_drives[i];
        struct unit unit = {.drive = drive};

        if (drive->kind == ATA_DISK) {
            unit.kind = UNIT_DISK;
            unit.number = disk++;
            unit.sector_size = ATA_SECTOR_SIZE;
            unit.sectors = drive->sectors;
        } else if (drive->kind == ATA_PACKET && drive->is_cd) {
            unit.kind = UNIT_CD;
            unit.number = cd++;
            unit.sector_size = ATAPI_SECTOR_SIZE;
        } else {
            continue;
        }
        unit_insert(&unit);
        if (unit.kind == UNIT_DISK)
            geometry_find(unit_find(unit.number));
    }
    floppy_init();
}

/* At most @request->count sectors into or out of memory that real mode can name. Sets *@done. */
static enum disk_status transfer_some(struct unit *unit, enum unit_operation operation,
                                      const struct ata_request *request, uint16_t *done)
{
    bool good;

    switch (unit->kind) {
    case UNIT_FLOPPY:
        return floppy_transfer(unit, operation, request, done);
    case UNIT_CD:
    case UNIT_EMULATED:
        if (operation == UNIT_WRITE)
            return DISK_WRITE_PROTECTED;
        if (unit->kind == UNIT_EMULATED)
            return cd_read_emulated(unit, operation, request, done);
        return cd_read(unit, operation, request, done);
    default:
        break;
    }
    if (operation == UNIT_VERIFY) {
        good = ata_verify(unit->drive, request);
        *done = good ? request->count : 0;
    } else if (operation == UNIT_WRITE) {
        good = ata_write(unit->drive, request, done);
    } else {
        good = ata_read(unit->drive, request, done);
    }
    return good ? DISK_OK : DISK_CONTROLLER;
}

/* One sector by way of our own memory. */
static enum disk_status transfer_flat(struct unit *unit, enum unit_operation operation,
                                      uint64_t lba, uint32_t address)
{
    uint32_t here = ((uint32_t)FIRMWARE_DATA << 4) + (uint32_t)(uintptr_t)bounce;
    struct ata_request request = {lba, FIRMWARE_DATA, (uint16_t)(uintptr_t)bounce, 1};
    enum disk_status status;
    uint16_t done;

    if (operation == UNIT_WRITE && !flat_copy(here, address, unit->sector_size))
        return DISK_BOUNDARY;
    status = transfer_some(unit, operation, &request, &done);
    if (status == DISK_OK && operation == UNIT_READ && !flat_copy(address, here, unit->sector_size))
        return DISK_BOUNDARY;
    return status;
}

/* As much as possible of the rest of @request, of which *@done is done. */
static enum disk_status transfer_next(struct unit *unit, enum unit_operation operation,
                                      const struct unit_request *request, uint16_t *done)
{
    uint32_t address = request->address + (uint32_t)*done * unit->sector_size;
    uint16_t limit = (uint16_t)(ATA_REQUEST_LIMIT * ATA_SECTOR_SIZE / unit->sector_size), some;
    struct ata_request part = {.lba = request->lba + *done,
                               .count = (uint16_t)(request->count - *done)};
    enum disk_status status;

    if (operation != UNIT_VERIFY) {
        if (address >= REAL_MODE_END)
            return DISK_BOUNDARY;
        part.segment = (uint16_t)(address < 0xffff0 ? address >> 4 : 0xffff);
        part.offset = (uint16_t)(address - ((uint32_t)part.segment << 4));
        if (limit > (0x10000u - part.offset) / unit->sector_size)
            limit = (uint16_t)((0x10000u - part.offset) / unit->sector_size);
        if (!limit)
            return DISK_BOUNDARY;
    }
    if (part.count > limit)
        part.count = limit;
    status = transfer_some(unit, operation, &part, &some);
    *done = (uint16_t)(*done + some);
    return status;
}

enum disk_status unit_transfer(struct unit *unit, enum unit_operation operation,
                               const struct unit_request *request, uint16_t *done)
{
    enum disk_status status = DISK_OK;

    *done = 0;
    if (unit->kind == UNIT_CD) {
        status = cd_ready(unit);
        if (status != DISK_OK)
            return status;
    }
    if (request->lba >= unit->sectors || unit->sectors - request->lba < request->count)
        return DISK_NOT_FOUND;
    while (*done < request->count && status == DISK_OK) {
        if (!request->flat || operation == UNIT_VERIFY) {
            status = transfer_next(unit, operation, request, done);
            continue;
        }
        status = transfer_flat(unit, operation, request->lba + *done,
                               request->address + (uint32_t)*done * unit->sector_size);
        if (status == DISK_OK)
            ++*done;
    }
    return status;
}
