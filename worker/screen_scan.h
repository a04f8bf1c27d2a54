/* Which byte of the planes the CRTC fetches when: for text and pictures. */
#ifndef VENEER_WORKER_SCREEN_SCAN_H
#define VENEER_WORKER_SCREEN_SCAN_H

#include "worker/devices/vga_registers.h"

/* A line of the screen. */
struct screen_scan {
    uint32_t address;  /* the CRTC's, at its left end; it counts on by 1 for each column */
    uint32_t row_scan; /* line within its row of characters */
    bool split;        /* below the line of line compare */
};

static inline bool screen_is_graphics(const struct vga_state *state)
{
    return vga_dispi_enabled(state) || state->graphics[GC_MISC] & GC_MISC_GRAPHICS;
}

/* Columns that the CRTC shows, at most 256, and lines, at most 1024. */
static inline uint32_t screen_columns(const struct vga_state *state)
{
    return state->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u;
}

static inline uint32_t screen_lines(const struct vga_state *state)
{
    return vga_vertical(state->crtc, CRTC_VERTICAL_DISPLAY_END, 1) + 1;
}

/* Lines in a row of characters, at most 32; with double scan each is shown twice. */
static inline uint32_t screen_row_lines(const struct vga_state *state)
{
    return (state->crtc[CRTC_MAXIMUM_SCAN_LINE] & CRTC_MAXIMUM_SCAN_LINE_ROWS) + 1u;
}

static inline bool screen_is_double_scan(const struct vga_state *state)
{
    return state->crtc[CRTC_MAXIMUM_SCAN_LINE] & CRTC_MAXIMUM_SCAN_LINE_DOUBLE;
}

/* Addresses of the CRTC in its high and low registers. */
static inline uint32_t screen_crtc_word(const struct vga_state *state, uint32_t high)
{
    return (uint32_t)state->crtc[high] << 8 | state->crtc[high + 1];
}

/* Line @line of the screen as its registers say now. */
struct screen_scan screen_scan(const struct vga_state *state, uint32_t line);

/* The offset in the planes, below 64 KiB, of the CRTC's @address. */
uint32_t screen_offset(const struct vga_state *state, uint32_t address, uint32_t row_scan);

/* The byte of @plane at @offset. */
static inline uint8_t screen_byte(const struct vga *vga, const struct vga_state *state,
                                  uint32_t offset, uint32_t plane)
{
    return vga->memory.data[vga_cell(state, offset, plane)];
}

#endif
