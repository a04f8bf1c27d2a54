#include "worker/firmware/floppy.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/cmos.h"
#include "worker/firmware/fdc.h"
#include "worker/firmware/pic.h"

#define FLOPPY_DRIVES 2
#define IRQ_FLOPPY 6
#define PARAMETERS_VECTOR 0x1e /* of the disk parameter table */
#define PARAMETER_MOTOR_OFF 2
#define PARAMETER_FORMAT_FILLER 8
#define DMA_BOUNDARY 0x10000u

struct medium {
    uint8_t drive_type; /* in which it fits: CMOS 10h */
    uint8_t rate, sectors, cylinders, gap, format_gap;
};

/* For each type of drive, what it is most likely to hold first. */
static const struct medium media[] = {
    {1, FDC_250K, 9, 40, 0x2a, 0x50},  {2, FDC_500K, 15, 80, 0x1b, 0x54},
    {2, FDC_300K, 9, 40, 0x23, 0x50},  {3, FDC_250K, 9, 80, 0x2a, 0x50},
    {4, FDC_500K, 18, 80, 0x1b, 0x6c}, {4, FDC_250K, 9, 80, 0x2a, 0x50},
    {5, FDC_1M, 36, 80, 0x1b, 0x53},   {5, FDC_500K, 18, 80, 0x1b, 0x6c},
    {5, FDC_250K, 9, 80, 0x2a, 0x50},
};
#define MEDIA (sizeof(media) / sizeof(media[0]))

static const struct medium *inserted[FLOPPY_DRIVES]; /* NULL: not known */
static bool changed[FLOPPY_DRIVES];                  /* since the last AH=16h */
static uint8_t bounce[ATA_SECTOR_SIZE];

static void set_medium(struct unit *unit, const struct medium *medium)
{
    inserted[unit->number] = medium;
    unit->cylinders = medium->cylinders;
    unit->heads = 2;
    unit->sectors_per_track = medium->sectors;
    unit->sectors = (uint32_t)medium->cylinders * 2 * medium->sectors;
}

/* The first medium that a type of drive takes, or NULL. */
static const struct medium *first_medium(uint8_t type)
{
    for (unsigned i = 0; i < MEDIA; i++) {
        if (media[i].drive_type == type)
            return &media[i];
    }
    return NULL;
}

void floppy_init(void)
{
    uint8_t types = cmos_read(CMOS_FLOPPY_TYPES);

    if (!types)
        return;
    pic_enable(IRQ_FLOPPY);
    if (!fdc_reset())
        return;
    for (uint8_t i = 0; i < FLOPPY_DRIVES; i++) {
        struct unit unit = {
            .number = i, .kind = UNIT_FLOPPY, .sector_size = ATA_SECTOR_SIZE, .drive = NULL};

        unit.floppy_type = i ? types & 15 : types >> 4;
        if (!first_medium(unit.floppy_type))
            return;
        unit_insert(&unit);
        set_medium(unit_find(i), first_medium(unit.floppy_type));
        inserted[i] = NULL;
    }
}

void floppy_reset(void)
{
    fdc_reset();
    inserted[0] = inserted[1] = NULL;
}

/* A step of the head resets the change line, if there is a disk. */
static enum disk_status accept_change(struct unit *unit)
{
    inserted[unit->number] = NULL;
    changed[unit->number] = true;
    fdc_seek(unit->number, 1);
    fdc_recalibrate(unit->number);
    return fdc_disk_changed(unit->number) ? DISK_TIMEOUT : DISK_OK;
}

enum disk_status floppy_prepare(struct unit *unit)
{
    enum disk_status status = DISK_OK;

    if (fdc_disk_changed(unit->number))
        status = accept_change(unit);
    if (status != DISK_OK)
        return status;
    if (inserted[unit->number]) {
        fdc_set_rate(inserted[unit->number]->rate);
        return DISK_OK;
    }
    status = fdc_recalibrate(unit->number);
    for (unsigned i = 0; i < MEDIA && status != DISK_TIMEOUT; i++) {
        if (media[i].drive_type != unit->floppy_type)
            continue;
        fdc_set_rate(media[i].rate);
        status = fdc_read_id(unit->number);
        if (status == DISK_OK) {
            set_medium(unit, &media[i]);
            return DISK_OK;
        }
    }
    return status;
}

/* Sectors of one track, into memory that the DMA controller can reach at once. */
static enum disk_status transfer_track(struct unit *unit, enum unit_operation operation,
                                       uint32_t lba, uint32_t address, uint16_t count)
{
    uint16_t track = (uint16_t)(lba / unit->sectors_per_track);
    struct fdc_transfer transfer = {
        .drive = unit->number,
        .cylinder = (uint8_t)(track / 2),
        .head = track % 2,
        .sector = (uint8_t)(lba % unit->sectors_per_track + 1),
        .sectors = (uint8_t)unit->sectors_per_track,
        .gap = inserted[unit->number]->gap,
        .operation = operation,
        .address = address,
        .size = (uint16_t)(count * ATA_SECTOR_SIZE),
    };
    enum disk_status status = fdc_seek(unit->number, transfer.cylinder);

    if (status == DISK_OK)
        status = fdc_transfer(&transfer);
    return status;
}

/* A sector whose memory crosses a boundary of the DMA controller. */
static enum disk_status transfer_bounced(struct unit *unit, enum unit_operation operation,
                                         uint32_t lba, uint16_t segment, uint16_t offset)
{
    uint32_t address = ((uint32_t)FIRMWARE_DATA << 4) + (uint32_t)(uintptr_t)bounce;
    enum disk_status status;

    if (operation == UNIT_WRITE)
        far_get(bounce, segment, offset, sizeof(bounce));
    status = transfer_track(unit, operation, lba, address, 1);
    if (status == DISK_OK && operation == UNIT_READ)
        far_put(segment, offset, bounce, sizeof(bounce));
    return status;
}

enum disk_status floppy_transfer(struct unit *unit, enum unit_operation operation,
                                 const struct ata_request *request, uint16_t *done)
{
    enum disk_status status = DISK_OK;

    *done = 0;
    while (*done < request->count && status == DISK_OK) {
        uint32_t lba = (uint32_t)request->lba + *done;
        uint16_t offset = (uint16_t)(request->offset + *done * ATA_SECTOR_SIZE);
        uint32_t address = ((uint32_t)request->segment << 4) + offset;
        uint32_t room = (DMA_BOUNDARY - (address & (DMA_BOUNDARY - 1))) / ATA_SECTOR_SIZE;
        uint16_t count = (uint16_t)(unit->sectors_per_track - lba % unit->sectors_per_track);

        if (count > request->count - *done)
            count = (uint16_t)(request->count - *done);
        if (operation != UNIT_VERIFY && !room) {
            count = 1;
            status = transfer_bounced(unit, operation, lba, request->segment, offset);
        } else {
            if (operation != UNIT_VERIFY && count > room)
                count = (uint16_t)room;
            status = transfer_track(unit, operation, lba, address, count);
        }
        if (status == DISK_OK)
            *done = (uint16_t)(*done + count);
    }
    bda_write8(BDA_FLOPPY_MOTOR_TICKS,
               far_read8(far_read16(0, PARAMETERS_VECTOR * 4 + 2),
                         (uint16_t)(far_read16(0, PARAMETERS_VECTOR * 4) + PARAMETER_MOTOR_OFF)));
    return status;
}

enum disk_status floppy_changed(struct unit *unit)
{
    bool was = changed[unit->number];

    if (fdc_disk_changed(unit->number)) {
        accept_change(unit);
        was = true;
    }
    changed[unit->number] = false;
    return was ? DISK_CHANGED : DISK_OK;
}

enum disk_status floppy_format(struct unit *unit, const struct frame *frame)
{
    const struct medium *medium = inserted[unit->number];
    uint16_t parameters = far_read16(0, PARAMETERS_VECTOR * 4);
    uint16_t segment = far_read16(0, PARAMETERS_VECTOR * 4 + 2);
    struct fdc_transfer transfer = {
        .drive = unit->number, .cylinder = frame->ch, .head = frame->dh & 1};
    enum disk_status status;

    if (!medium)
        medium = first_medium(unit->floppy_type);
    if (frame->ch >= medium->cylinders || frame->dh > 1)
        return DISK_NOT_FOUND;
    transfer.sectors = medium->sectors;
    transfer.gap = medium->format_gap;
    transfer.size = (uint16_t)(medium->sectors * 4);
    far_get(bounce, frame->es, frame->bx, transfer.size);
    transfer.address = ((uint32_t)FIRMWARE_DATA << 4) + (uint32_t)(uintptr_t)bounce;
    fdc_motor_on(unit->number);
    fdc_set_rate(medium->rate);
    status = fdc_recalibrate(unit->number);
    if (status == DISK_OK)
        status = fdc_seek(unit->number, frame->ch);
    if (status == DISK_OK)
        status = fdc_format(&transfer,
                            far_read8(segment, (uint16_t)(parameters + PARAMETER_FORMAT_FILLER)));
    return status;
}

enum disk_status floppy_set_media(struct unit *unit, struct frame *frame)
{
    uint8_t cylinders = (uint8_t)(frame->ch + 1), sectors = frame->cl & 0x3f;

    if (unit->kind != UNIT_FLOPPY)
        return DISK_BAD_COMMAND;
    for (unsigned i = 0; i < MEDIA; i++) {
        if (media[i].drive_type == unit->floppy_type && media[i].cylinders == cylinders &&
            media[i].sectors == sectors) {
            set_medium(unit, &media[i]);
            frame->es = far_read16(0, PARAMETERS_VECTOR * 4 + 2);
            frame->di = far_read16(0, PARAMETERS_VECTOR * 4);
            return DISK_OK;
        }
    }
    return DISK_NO_SUCH_MEDIUM;
}

void floppy_tick(void)
{
    uint8_t ticks = bda_read8(BDA_FLOPPY_MOTOR_TICKS);

    if (!ticks || !bda_read8(BDA_FLOPPY_MOTORS))
        return;
    bda_write8(BDA_FLOPPY_MOTOR_TICKS, --ticks);
    if (!ticks)
        fdc_motors_off();
}
