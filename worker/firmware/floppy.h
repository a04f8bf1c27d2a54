/* Floppy drives at an 82077 with ISA DMA. */
#ifndef VENEER_FIRMWARE_FLOPPY_H
#define VENEER_FIRMWARE_FLOPPY_H

#include "worker/firmware/unit.h"

/* Makes units of the drives that the CMOS knows, if a controller answers. */
void floppy_init(void);

/* Resets the controller and forgets what the drives hold. */
void floppy_reset(void);

/* Turns the motor on and finds out what is in the drive, if that is not known: afterwards the
 * geometry of the unit is that of its disk. */
enum disk_status floppy_prepare(struct unit *unit);

/* For unit_transfer(), after floppy_prepare(). */
enum disk_status floppy_transfer(struct unit *unit, enum unit_operation operation,
                                 const struct ata_request *request, uint16_t *done);

/* INT 13h AH=16h: DISK_CHANGED if there is another disk than when this was last asked. */
enum disk_status floppy_changed(struct unit *unit);

/* INT 13h AH=05h: formats a track by the list at ES:BX. */
enum disk_status floppy_format(struct unit *unit, const struct frame *frame);

/* INT 13h AH=18h: CH, CL say tracks and sectors; sets ES:DI. */
enum disk_status floppy_set_media(struct unit *unit, struct frame *frame);

/* For the timer's interrupt: turns the motors off when their time has come. */
void floppy_tick(void);

#endif
