/* INT 13h: what its parts share. */
#ifndef VENEER_FIRMWARE_INT13_H
#define VENEER_FIRMWARE_INT13_H

#include "worker/firmware/firmware.h"
#include "worker/firmware/unit.h"

/* Puts the status where callers look for it: AH, CF and the BIOS data area. */
void disk_result(struct frame *frame, enum disk_status status);

/* Functions 41h to 49h and 4Eh. */
void edd_service(struct frame *frame, struct unit *unit);

/* Functions 4Ah to 4Dh: El Torito. */
void el_torito_service(struct frame *frame);

#endif
