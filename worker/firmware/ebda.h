/* The extended BIOS data area, the last KiB below 640 KiB unless something has moved it. */
#ifndef VENEER_FIRMWARE_EBDA_H
#define VENEER_FIRMWARE_EBDA_H

#include "worker/firmware/bda.h"

#define EBDA_SIZE_KIB 0x00
#define EBDA_MOUSE_HANDLER 0x22
#define EBDA_MOUSE_FLAGS_1 0x26
#define EBDA_MOUSE_FLAGS_2 0x27
#define EBDA_MOUSE_PACKET 0x28    /* 8 bytes */
#define EBDA_DISK_PARAMETERS 0x3d /* 2 tables of 16 bytes, where INT 41h and 46h point to */

static inline uint8_t ebda_read8(uint16_t offset)
{
    return far_read8(bda_read16(BDA_EBDA_SEGMENT), offset);
}

static inline uint32_t ebda_read32(uint16_t offset)
{
    return far_read32(bda_read16(BDA_EBDA_SEGMENT), offset);
}

static inline void ebda_write8(uint16_t offset, uint8_t value)
{
    far_write8(bda_read16(BDA_EBDA_SEGMENT), offset, value);
}

static inline void ebda_write32(uint16_t offset, uint32_t value)
{
    far_write32(bda_read16(BDA_EBDA_SEGMENT), offset, value);
}

#endif
