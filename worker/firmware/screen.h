/* What the firmware says, on the screen, by INT 10h. */
#ifndef VENEER_FIRMWARE_SCREEN_H
#define VENEER_FIRMWARE_SCREEN_H

#include "worker/firmware/firmware.h"

/* Text in ASCII; \n begins a line. */
void screen_print(const char *text);

void screen_print_decimal(uint32_t value);

#endif
