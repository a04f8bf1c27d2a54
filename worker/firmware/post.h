/* Parts of POST that have no other header. */
#ifndef VENEER_FIRMWARE_POST_H
#define VENEER_FIRMWARE_POST_H

#include "worker/firmware/firmware.h"

/* What reset.asm calls when memory is there. */
_Noreturn void post(void);

/* Finds the serial ports for INT 14h; returns their number. */
unsigned serial_init(void);

/* Makes all memory cacheable but that from A0000h to BFFFFh and the devices' below 4 GiB, if the
 * processor has MTRRs. @low_memory is the end of RAM below them. */
void mtrr_init(uint32_t low_memory);

/* Copies tables that the worker has left to segment F000h, which must be writable. */
void tables_copy(void);

/* Starts the option ROMs between C8000h and DFFFFh and those of PCI devices. */
void option_roms_start(void);

#endif
