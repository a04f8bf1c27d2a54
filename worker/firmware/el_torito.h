/* Starting from CD by "El Torito" Bootable CD-ROM Format Specification, version 1.0. */
#ifndef VENEER_FIRMWARE_EL_TORITO_H
#define VENEER_FIRMWARE_EL_TORITO_H

#include "worker/firmware/unit.h"

/* Starts what the boot catalog of @cd names. Returns only if there is nothing, after saying so. */
void el_torito_start(struct unit *cd);

#endif
