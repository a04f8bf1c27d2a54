#include "worker/screen_scan.h"

struct screen_scan screen_scan(const struct vga_state *state, uint32_t line)
{
    const uint8_t *crtc = state->crtc;
    uint32_t compare = crtc[CRTC_LINE_COMPARE];
    uint32_t doubled = screen_is_double_scan(state), rows = screen_row_lines(state);
    struct screen_scan scan;

    compare |= crtc[CRTC_OVERFLOW] & CRTC_OVERFLOW_LINE_COMPARE ? 0x100u : 0;
    compare |= crtc[CRTC_MAXIMUM_SCAN_LINE] & CRTC_MAXIMUM_SCAN_LINE_COMPARE ? 0x200u : 0;
    scan.split = line > compare;
    if (scan.split) {
        line = (line - compare - 1) >> doubled;
        scan.address = 0;
    } else {
        line = (line >> doubled) + (crtc[CRTC_PRESET_ROW_SCAN] & CRTC_PRESET_ROW_SCAN_ROWS);
        scan.address = screen_crtc_word(state, CRTC_START_HIGH) +
                       CRTC_PRESET_ROW_SCAN_PANNING(crtc[CRTC_PRESET_ROW_SCAN]);
    }
    scan.address += line / rows * crtc[CRTC_OFFSET] * 2;
    scan.row_scan = line % rows;
    return scan;
}

/* IBM Video Subsystem, CRT Mode Control and Underline Location: what the 16 bits of the address are
 * in byte, word and doubleword mode, and which two the line may replace (as in modes of the CGA).
 */
uint32_t screen_offset(const struct vga_state *state, uint32_t address, uint32_t row_scan)
{
    const uint8_t *crtc = state->crtc;
    uint8_t mode = crtc[CRTC_MODE];
    uint32_t offset = address & 0xffff;

    if (crtc[CRTC_UNDERLINE] & CRTC_UNDERLINE_DOUBLEWORD)
        offset = offset << 2 | offset >> 14;
    else if (!(mode & CRTC_MODE_BYTE))
        offset = offset << 1 | (offset >> (mode & CRTC_MODE_WRAP_64K ? 15 : 13) & 1);
    if (!(mode & CRTC_MODE_NO_ROW_SCAN_A13))
        offset = (offset & ~0x2000u) | (row_scan & 1) << 13;
    if (!(mode & CRTC_MODE_NO_ROW_SCAN_A14))
        offset = (offset & ~0x4000u) | (row_scan & 2) << 13;
    return offset & 0xffff;
}
