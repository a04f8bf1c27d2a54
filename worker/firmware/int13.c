#include "worker/firmware/int13.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/floppy.h"

#define SECTOR_BITS 0x3f
#define DRIVE_FLOPPY_NO_CHANGE_LINE 1
#define DRIVE_FLOPPY 2
#define DRIVE_DISK 3

void disk_service(struct frame *frame);
void floppy_service(struct frame *frame);

void disk_result(struct frame *frame, enum disk_status status)
{
    frame->ah = (uint8_t)status;
    bda_write8(frame->dl < UNIT_FIRST_DISK ? BDA_FLOPPY_STATUS : BDA_DISK_STATUS, (uint8_t)status);
    set_carry(frame, status != DISK_OK);
}

/* Functions 02h to 04h: sectors by cylinder, head and sector. */
static void transfer(struct frame *frame, struct unit *unit, enum unit_operation operation)
{
    uint16_t cylinder = (uint16_t)(frame->ch | (frame->cl & 0xc0) << 2), done;
    uint16_t sector = frame->cl & SECTOR_BITS;
    struct unit_request request = {
        .address = ((uint32_t)frame->es << 4) + frame->bx,
        .count = frame->al,
    };
    enum disk_status status;

    if (unit->kind == UNIT_CD || !frame->al) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    if (unit->kind == UNIT_FLOPPY) {
        status = floppy_prepare(unit);
        if (status != DISK_OK) {
            frame->al = 0;
            disk_result(frame, status);
            return;
        }
    }
    if (!sector || sector > unit->sectors_per_track || frame->dh >= unit->heads ||
        cylinder >= unit->cylinders) {
        frame->al = 0;
        disk_result(frame, DISK_NOT_FOUND);
        return;
    }
    request.lba =
        ((uint32_t)cylinder * unit->heads + frame->dh) * unit->sectors_per_track + sector - 1;
    status = unit_transfer(unit, operation, &request, &done);
    frame->al = (uint8_t)done;
    disk_result(frame, status);
}

/* 08h */
static void get_parameters(struct frame *frame, struct unit *unit)
{
    uint16_t last = (uint16_t)(unit->cylinders - 1);
    bool floppy = frame->dl < UNIT_FIRST_DISK;

    if (unit->kind == UNIT_CD) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    frame->ch = (uint8_t)last;
    frame->cl = (uint8_t)(unit->sectors_per_track | (last >> 2 & 0xc0));
    frame->dh = (uint8_t)(unit->heads - 1);
    frame->al = 0;
    if (floppy) {
        frame->bx = unit->floppy_type;
        frame->es = far_read16(0, 0x1e * 4 + 2);
        frame->di = far_read16(0, 0x1e * 4);
    }
    disk_result(frame, DISK_OK);
    frame->dl = unit_count(floppy ? 0 : UNIT_FIRST_DISK);
}

/* 15h: AH is no status here. */
static void get_type(struct frame *frame, struct unit *unit)
{
    uint32_t sectors;

    if (frame->dl < UNIT_FIRST_DISK) {
        disk_result(frame, DISK_OK);
        frame->ah = unit->kind == UNIT_FLOPPY ? DRIVE_FLOPPY : DRIVE_FLOPPY_NO_CHANGE_LINE;
        return;
    }
    if (unit->kind == UNIT_CD) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    sectors = (uint32_t)unit->cylinders * unit->heads * unit->sectors_per_track;
    disk_result(frame, DISK_OK);
    frame->ah = DRIVE_DISK;
    frame->cx = (uint16_t)(sectors >> 16);
    frame->dx = (uint16_t)sectors;
}

static void reset(struct frame *frame, struct unit *unit)
{
    if (unit->kind == UNIT_FLOPPY)
        floppy_reset();
    disk_result(frame, DISK_OK);
}

/* Function 01h: what the last one has returned. */
static void get_status(struct frame *frame)
{
    uint8_t status = bda_read8(frame->dl < UNIT_FIRST_DISK ? BDA_FLOPPY_STATUS : BDA_DISK_STATUS);

    frame->ah = status;
    set_carry(frame, status != DISK_OK);
}

/* Floppies only: 16h, 17h, 18h. */
static void floppy_function(struct frame *frame, struct unit *unit)
{
    switch (frame->ah) {
    case 0x05:
        disk_result(frame,
                    unit->kind == UNIT_FLOPPY ? floppy_format(unit, frame) : DISK_WRITE_PROTECTED);
        return;
    case 0x16:
        disk_result(frame, unit->kind == UNIT_FLOPPY ? floppy_changed(unit) : DISK_OK);
        return;
    case 0x17:
        disk_result(frame, DISK_OK);
        return;
    case 0x18:
        disk_result(frame, floppy_set_media(unit, frame));
        return;
    default:
        disk_result(frame, DISK_BAD_COMMAND);
    }
}

static void dispatch(struct frame *frame, struct unit *unit)
{
    switch (frame->ah) {
    case 0x00: /* reset */
    case 0x0d:
        reset(frame, unit);
        return;
    case 0x02:
        transfer(frame, unit, UNIT_READ);
        return;
    case 0x03:
        transfer(frame, unit, UNIT_WRITE);
        return;
    case 0x04:
        transfer(frame, unit, UNIT_VERIFY);
        return;
    case 0x08:
        get_parameters(frame, unit);
        return;
    case 0x09: /* set parameters */
    case 0x0c: /* seek */
    case 0x10: /* ready? */
    case 0x11: /* recalibrate */
    case 0x14: /* diagnose */
        disk_result(frame, DISK_OK);
        return;
    case 0x15:
        get_type(frame, unit);
        return;
    default:
        break;
    }
    if (frame->dl < UNIT_FIRST_DISK)
        floppy_function(frame, unit);
    else if ((frame->ah >= 0x41 && frame->ah <= 0x49) || frame->ah == 0x4e)
        edd_service(frame, unit);
    else
        disk_result(frame, DISK_BAD_COMMAND);
}

static void serve(struct frame *frame)
{
    struct unit *unit = unit_find(frame->dl);

    if (frame->ah == 0x01) {
        get_status(frame);
    } else if (frame->ah >= 0x4a && frame->ah <= 0x4d) {
        el_torito_service(frame);
    } else if (unit) {
        dispatch(frame, unit);
    } else if (frame->ah == 0x15) { /* no such drive */
        disk_result(frame, DISK_OK);
        frame->ah = 0;
    } else if (frame->ah == 0x08 && frame->dl < UNIT_FIRST_DISK) {
        frame->ax = frame->bx = frame->cx = 0;
        frame->dh = 0;
        frame->dl = unit_count(0);
        frame->es = frame->di = 0;
        set_carry(frame, false);
    } else {
        disk_result(frame,
                    frame->ah == 0x00 && frame->dl >= UNIT_FIRST_DISK ? DISK_OK : DISK_BAD_COMMAND);
    }
}

/* INT 13h, with INT 40h for floppies, so that whoever has put himself there is asked. */
void disk_service(struct frame *frame)
{
    if (frame->dl < UNIT_FIRST_DISK && far_read16(0, 0x40 * 4 + 2) != FIRMWARE_CODE) {
        struct frame call = *frame;

        call_interrupt(0x40, &call);
        call.ip = frame->ip;
        call.cs = frame->cs;
        call.flags = (uint16_t)((frame->flags & ~FLAG_CF) | (call.flags & FLAG_CF));
        *frame = call;
        return;
    }
    serve(frame);
}

void floppy_service(struct frame *frame)
{
    serve(frame);
}
