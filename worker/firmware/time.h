/* The time of day. */
#ifndef VENEER_FIRMWARE_TIME_H
#define VENEER_FIRMWARE_TIME_H

#include "worker/firmware/firmware.h"

/* Starts the clock's registers, and the tick counter at the time of day. */
void time_init(void);

/* INT 15h AH=83h and 86h: CX:DX microseconds, by the clock's periodic interrupt or by waiting. */
void time_event_wait(struct frame *frame);
void time_wait(struct frame *frame);

/* INT 1Ah functions B1h (pci_bios.c). */
void pci_bios_service(struct frame *frame);

#endif
