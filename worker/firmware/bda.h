/* The BIOS data area, segment 40h, by what its fields are for. */
#ifndef VENEER_FIRMWARE_BDA_H
#define VENEER_FIRMWARE_BDA_H

#include "worker/firmware/firmware.h"

#define BDA_SEGMENT 0x40

#define BDA_COM_PORTS 0x00
#define BDA_EBDA_SEGMENT 0x0e
#define BDA_EQUIPMENT 0x10
#define BDA_MEMORY_KIB 0x13
#define BDA_KEYBOARD_FLAGS 0x17 /* and 18h */
#define BDA_KEYPAD_NUMBER 0x19
#define BDA_KEY_HEAD 0x1a
#define BDA_KEY_TAIL 0x1c
#define BDA_FLOPPY_RECALIBRATED 0x3e /* bit 7: the interrupt came */
#define BDA_FLOPPY_MOTORS 0x3f
#define BDA_FLOPPY_MOTOR_TICKS 0x40
#define BDA_FLOPPY_STATUS 0x41
#define BDA_FLOPPY_RESULTS 0x42 /* 7 bytes */
#define BDA_VIDEO_MODE 0x49
#define BDA_COLUMNS 0x4a
#define BDA_PAGE_SIZE 0x4c
#define BDA_PAGE_START 0x4e
#define BDA_CURSORS 0x50 /* column, row of each of 8 pages */
#define BDA_CURSOR_SHAPE 0x60
#define BDA_PAGE 0x62
#define BDA_CRTC_PORT 0x63
#define BDA_CGA_MODE 0x65
#define BDA_CGA_PALETTE 0x66
#define BDA_LAST_IRQ 0x6b
#define BDA_TICKS 0x6c
#define BDA_MIDNIGHT 0x70
#define BDA_BREAK 0x71
#define BDA_RESET_FLAG 0x72
#define BDA_DISK_STATUS 0x74
#define BDA_DISK_COUNT 0x75
#define BDA_PRINTER_TIMEOUTS 0x78
#define BDA_SERIAL_TIMEOUTS 0x7c
#define BDA_KEY_BUFFER 0x80 /* start, end */
#define BDA_ROWS_LESS_1 0x84
#define BDA_CHARACTER_HEIGHT 0x85
#define BDA_VIDEO_CONTROL 0x87
#define BDA_VIDEO_SWITCHES 0x88
#define BDA_VIDEO_MODE_SET 0x89
#define BDA_DISPLAY_CODE 0x8a
#define BDA_DISK_INTERRUPT 0x8e /* FFh after the interrupt of a disk */
#define BDA_FLOPPY_INFO 0x8f
#define BDA_FLOPPY_MEDIA 0x90
#define BDA_KEYBOARD_MODE 0x96
#define BDA_KEYBOARD_LEDS 0x97
#define BDA_WAIT_FLAG_POINTER 0x98
#define BDA_WAIT_MICROSECONDS 0x9c
#define BDA_WAIT_ACTIVE 0xa0
#define BDA_VIDEO_SAVE_POINTER 0xa8

#define WARM_BOOT 0x1234 /* BDA_RESET_FLAG */

static inline uint8_t bda_read8(uint16_t offset)
{
    return far_read8(BDA_SEGMENT, offset);
}

static inline uint16_t bda_read16(uint16_t offset)
{
    return far_read16(BDA_SEGMENT, offset);
}

static inline uint32_t bda_read32(uint16_t offset)
{
    return far_read32(BDA_SEGMENT, offset);
}

static inline void bda_write8(uint16_t offset, uint8_t value)
{
    far_write8(BDA_SEGMENT, offset, value);
}

static inline void bda_write16(uint16_t offset, uint16_t value)
{
    far_write16(BDA_SEGMENT, offset, value);
}

static inline void bda_write32(uint16_t offset, uint32_t value)
{
    far_write32(BDA_SEGMENT, offset, value);
}

#endif
