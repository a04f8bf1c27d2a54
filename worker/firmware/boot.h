/* Choosing what to start. */
#ifndef VENEER_FIRMWARE_BOOT_H
#define VENEER_FIRMWARE_BOOT_H

#include "worker/firmware/firmware.h"

/* Tries what the boot order names, from the first one on. */
_Noreturn void boot_start(void);

/* Adds what an option ROM can start: its bootstrap entry vector, with its name (NULL: none). */
void boot_add_rom(uint16_t segment, uint16_t vector, const char *name);

#endif
