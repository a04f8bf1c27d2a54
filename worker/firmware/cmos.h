/* The real-time clock and its memory. */
#ifndef VENEER_FIRMWARE_CMOS_H
#define VENEER_FIRMWARE_CMOS_H

#include "worker/firmware/firmware.h"

#define CMOS_SECONDS 0x00
#define CMOS_SECONDS_ALARM 0x01
#define CMOS_MINUTES 0x02
#define CMOS_MINUTES_ALARM 0x03
#define CMOS_HOURS 0x04
#define CMOS_HOURS_ALARM 0x05
#define CMOS_WEEKDAY 0x06
#define CMOS_DAY 0x07
#define CMOS_MONTH 0x08
#define CMOS_YEAR 0x09
#define CMOS_A 0x0a
#define CMOS_B 0x0b
#define CMOS_C 0x0c
#define CMOS_D 0x0d
#define CMOS_SHUTDOWN 0x0f
#define CMOS_FLOPPY_TYPES 0x10
#define CMOS_EXTENDED_KIB 0x17  /* word */
#define CMOS_EXTENDED_KIB2 0x30 /* word */
#define CMOS_CENTURY 0x32
#define CMOS_ABOVE_16M 0x34    /* word, in 64 KiB */
#define CMOS_BOOT_ORDER_3 0x38 /* bits 7:4 the third; bit 0: do not check floppies */
#define CMOS_BOOT_ORDER_12 0x3d
#define CMOS_ABOVE_4G 0x5b /* 3 bytes, in 64 KiB */

#define CMOS_A_UPDATING 0x80
#define CMOS_A_NORMAL 0x26 /* 32,768 Hz, 1024 Hz periodic */
#define CMOS_B_SET 0x80
#define CMOS_B_PERIODIC 0x40
#define CMOS_B_ALARM 0x20
#define CMOS_B_24H 0x02
#define CMOS_B_DAYLIGHT 0x01

static inline uint8_t cmos_read(uint8_t index)
{
    outb(0x70, index);
    return inb(0x71);
}

static inline void cmos_write(uint8_t index, uint8_t value)
{
    outb(0x70, index);
    outb(0x71, value);
}

static inline uint16_t cmos_read16(uint8_t index)
{
    return (uint16_t)(cmos_read(index) | cmos_read((uint8_t)(index + 1)) << 8);
}

#endif
