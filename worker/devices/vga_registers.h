/* Registers of the VGA, for its own files and for who draws what it shows. IBM Personal System/2
 * Hardware Interface Technical Reference, Video Subsystem; Bochs's VBE_DISPI interface. */
#ifndef VENEER_WORKER_DEVICES_VGA_REGISTERS_H
#define VENEER_WORKER_DEVICES_VGA_REGISTERS_H

#include "worker/devices/vga.h"

#define MISC_COLOUR 0x01 /* CRTC and status at 3Dxh, not 3Bxh */
#define MISC_RAM_ENABLE 0x02
#define MISC_CLOCK 0x0c
#define MISC_CLOCK_28 0x04 /* 28.322 MHz, for 9 dots */

enum { SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_FONT, SEQ_MEMORY };
#define SEQ_CLOCKING_8_DOTS 0x01
#define SEQ_CLOCKING_HALF 0x08
#define SEQ_CLOCKING_OFF 0x20
#define SEQ_MEMORY_EXTENDED 0x02 /* more than 64 KiB */
#define SEQ_MEMORY_NO_ODD_EVEN 0x04
#define SEQ_MEMORY_CHAIN_4 0x08

enum {
    GC_SET_RESET,
    GC_ENABLE_SET_RESET,
    GC_COLOR_COMPARE,
    GC_ROTATE,
    GC_READ_MAP,
    GC_MODE,
    GC_MISC,
    GC_COLOR_DONT_CARE,
    GC_BIT_MASK,
};
#define GC_MODE_WRITE 0x03
#define GC_MODE_READ_COMPARE 0x08
#define GC_MODE_ODD_EVEN 0x10
#define GC_MODE_SHIFT_INTERLEAVED 0x20
#define GC_MODE_SHIFT_256 0x40
#define GC_MISC_GRAPHICS 0x01
#define GC_MISC_MAP(value) ((value) >> 2 & 3)

enum {
    CRTC_HORIZONTAL_TOTAL = 0x00,
    CRTC_HORIZONTAL_DISPLAY_END = 0x01,
    CRTC_VERTICAL_TOTAL = 0x06,
    CRTC_OVERFLOW = 0x07,
    CRTC_PRESET_ROW_SCAN = 0x08,
    CRTC_MAXIMUM_SCAN_LINE = 0x09,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END = 0x0b,
    CRTC_START_HIGH = 0x0c,
    CRTC_START_LOW = 0x0d,
    CRTC_CURSOR_HIGH = 0x0e,
    CRTC_CURSOR_LOW = 0x0f,
    CRTC_RETRACE_START = 0x10,
    CRTC_RETRACE_END = 0x11,
    CRTC_VERTICAL_DISPLAY_END = 0x12,
    CRTC_OFFSET = 0x13,
    CRTC_UNDERLINE = 0x14,
    CRTC_MODE = 0x17,
    CRTC_LINE_COMPARE = 0x18,
};
#define CRTC_OVERFLOW_LINE_COMPARE 0x10 /* not write-protected */
#define CRTC_MAXIMUM_SCAN_LINE_ROWS 0x1f
#define CRTC_MAXIMUM_SCAN_LINE_COMPARE 0x40
#define CRTC_MAXIMUM_SCAN_LINE_DOUBLE 0x80
#define CRTC_PRESET_ROW_SCAN_ROWS 0x1f
#define CRTC_PRESET_ROW_SCAN_PANNING(value) ((value) >> 5 & 3)
#define CRTC_CURSOR_ROWS 0x1f
#define CRTC_CURSOR_START_OFF 0x20
#define CRTC_RETRACE_END_PROTECT 0x80
#define CRTC_UNDERLINE_ROWS 0x1f
#define CRTC_UNDERLINE_DOUBLEWORD 0x40
#define CRTC_MODE_NO_ROW_SCAN_A13 0x01
#define CRTC_MODE_NO_ROW_SCAN_A14 0x02
#define CRTC_MODE_WRAP_64K 0x20
#define CRTC_MODE_BYTE 0x40

enum {
    ATTRIBUTE_MODE = 0x10,
    ATTRIBUTE_OVERSCAN = 0x11,
    ATTRIBUTE_PLANE_ENABLE = 0x12,
    ATTRIBUTE_PANNING = 0x13,
    ATTRIBUTE_COLOR_SELECT = 0x14,
};
#define ATTRIBUTE_INDEX 0x1f
#define ATTRIBUTE_INDEX_DISPLAY 0x20 /* off: the guest sets the palette, nothing is shown */
#define ATTRIBUTE_MODE_MONO 0x02
#define ATTRIBUTE_MODE_LINE_GRAPHICS 0x04
#define ATTRIBUTE_MODE_BLINK 0x08
#define ATTRIBUTE_MODE_PANNING_COMPARE 0x20
#define ATTRIBUTE_MODE_PALETTE_54 0x80

enum {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_VIDEO_MEMORY_64K,
};
#define DISPI_ENABLE_ENABLED 0x01
#define DISPI_ENABLE_GETCAPS 0x02
#define DISPI_ENABLE_8BIT_DAC 0x20
#define DISPI_ENABLE_LFB 0x40
#define DISPI_ENABLE_NOCLEARMEM 0x80
#define DISPI_MAX_XRES 2560
#define DISPI_MAX_YRES 1600

/* --- State ---------------------------------------------------------------------------------------
 */

static inline bool vga_dispi_enabled(const struct vga_state *state)
{
    return state->dispi[DISPI_ENABLE] & DISPI_ENABLE_ENABLED;
}

/* Video memory is shown and accessed as pixels one after the other, not as planes. */
static inline bool vga_is_linear(const struct vga_state *state)
{
    return vga_dispi_enabled(state) && state->dispi[DISPI_BPP] != 4;
}

/* Bytes of a line of the (virtual) screen with VBE; of one plane if there are planes. */
static inline uint32_t vga_dispi_pitch(uint32_t width, uint32_t bpp)
{
    return bpp == 4 ? (width + 7) / 8 : width * ((bpp + 7) / 8);
}

/* Where in video memory byte @offset (below 64 KiB) of @plane is. Planes lie such that the guest's
 * window is as it sees it: with chained planes the lowest 2 bits of its address are the plane's
 * number; in text modes the lowest bit is, and the offsets are even. The first 64 KiB are all that
 * it reaches so. The layouts differ in that bits 1 and 17 are swapped. */
static inline uint32_t vga_cell(const struct vga_state *state, uint32_t offset, uint32_t plane)
{
    uint32_t odd = (offset & 1) << 16;

    if (state->text_layout)
        return (plane & 2) << 16 | odd | (offset & 0xfffe) | (plane & 1);
    return (offset & 2) << 16 | odd | (offset & 0xfffc) | plane;
}

/* The ten bits of a vertical register: @bit_8 of the overflow register is bit 8, and the fifth
 * above it is bit 9. */
static inline uint32_t vga_vertical(const uint8_t *crtc, uint32_t index, uint32_t bit_8)
{
    uint32_t overflow = crtc[CRTC_OVERFLOW];

    return crtc[index] | (overflow >> bit_8 & 1) << 8 | (overflow >> (bit_8 + 5) & 1) << 9;
}

/* --- Between the VGA's files ---------------------------------------------------------------------
 */

/* vga_memory.c: the ranges of memory; and the low one mapped as the registers now ask for. */
void vga_memory_init(struct vga *vga);
void vga_map_low(struct vga *vga);

/* vga_dispi.c: ports 1CEh and 1CFh. */
void vga_dispi_init(struct vga *vga);
void vga_dispi_reset(struct vga_state *state);

/* vga_status.c: input status register 1, reading which says that time has passed. */
uint8_t vga_input_status_1(struct vga *vga);

#endif
