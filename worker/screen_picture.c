/* The screen as a picture. A row is drawn as numbers of colours first, in the lower third of its
 * buffer, which then become red, green and blue from its end on. */
#include "worker/screen.h"

#include "lib/string.h"
#include "worker/screen_scan.h"

#define GRAPHICS_DOTS 8
#define FONT_GLYPH_SIZE 32
#define LINE_GRAPHICS_FIRST 0xc0
#define LINE_GRAPHICS_LAST 0xdf

/* A row while it is drawn. */
struct drawing {
    const struct screen_picture *picture;
    struct screen_scan scan;
    uint8_t *colours; /* the picture's width of them */
};

static void put(const struct drawing *drawing, int32_t x, uint8_t colour)
{
    if (x >= 0 && (uint32_t)x < drawing->picture->width)
        drawing->colours[x] = colour;
}

static uint8_t byte_at(const struct drawing *drawing, uint32_t offset, uint32_t plane)
{
    return screen_byte(drawing->picture->vga, &drawing->picture->state, offset, plane);
}

/* --- Colours -------------------------------------------------------------------------------------
 */

/* Of 256 colours each is one of the DAC; else the attribute controller's palette is between. */
static bool has_256_colours(const struct vga_state *state)
{
    return vga_dispi_enabled(state)
               ? vga_is_linear(state)
               : screen_is_graphics(state) && state->graphics[GC_MODE] & GC_MODE_SHIFT_256;
}

static uint8_t dac_index(const struct vga_state *state, uint8_t colour)
{
    const uint8_t *attribute = state->attribute;
    uint8_t select = attribute[ATTRIBUTE_COLOR_SELECT], index;

    if (has_256_colours(state))
        return colour & state->dac_mask;
    index = attribute[colour & attribute[ATTRIBUTE_PLANE_ENABLE] & 0x0f];
    if (attribute[ATTRIBUTE_MODE] & ATTRIBUTE_MODE_PALETTE_54)
        index = (uint8_t)((index & 0x0f) | (select & 3) << 4);
    return (uint8_t)(index | (select & 0x0c) << 4) & state->dac_mask;
}

static void colours_to_rgb(const struct screen_picture *picture, uint8_t *rgb)
{
    const struct vga_state *state = &picture->state;
    bool is_8_bits = state->dispi[DISPI_ENABLE] & DISPI_ENABLE_8BIT_DAC;

    for (uint32_t x = picture->width; x-- > 0;) {
        const uint8_t *colour = &state->dac[3 * dac_index(state, rgb[x])];

        for (uint32_t i = 0; i < 3; i++) {
            uint8_t value = colour[i];

            rgb[3 * x + i] = is_8_bits ? value : (uint8_t)((value & 0x3f) << 2 | (value >> 4 & 3));
        }
    }
}

/* --- Text ----------------------------------------------------------------------------------------
 */

static uint32_t text_dots(const struct vga_state *state)
{
    return state->sequencer[SEQ_CLOCKING] & SEQ_CLOCKING_8_DOTS ? 8 : 9;
}

/* Offset in plane 2 of the font for characters with attribute bit 3 as @second says. Character map
 * select has for each 2 bits that count in 16 KiB and one for 8 KiB. */
static uint32_t font_offset(const struct vga_state *state, bool second)
{
    uint8_t select = state->sequencer[SEQ_FONT];
    uint32_t pair = second ? select >> 2 & 3 : select & 3;
    uint32_t half = second ? select >> 5 & 1 : select >> 4 & 1;

    return pair * 0x4000 + half * 0x2000;
}

static bool is_cursor(const struct vga_state *state, uint32_t address, uint32_t row_scan)
{
    uint8_t first = state->crtc[CRTC_CURSOR_START], last = state->crtc[CRTC_CURSOR_END];

    return (address & 0xffff) == screen_crtc_word(state, CRTC_CURSOR_HIGH) &&
           !(first & CRTC_CURSOR_START_OFF) && row_scan >= (first & CRTC_CURSOR_ROWS) &&
           row_scan <= (last & CRTC_CURSOR_ROWS);
}

/* Blinking characters and cursors are shown. */
static void draw_character(const struct drawing *drawing, uint32_t address, int32_t x)
{
    const struct vga_state *state = &drawing->picture->state;
    uint8_t mode = state->attribute[ATTRIBUTE_MODE];
    uint32_t row_scan = drawing->scan.row_scan, dots = text_dots(state);
    uint32_t offset = screen_offset(state, address, row_scan);
    uint8_t character = byte_at(drawing, offset, 0), attribute = byte_at(drawing, offset, 1);
    uint32_t font = font_offset(state, attribute & 8) + character * FONT_GLYPH_SIZE + row_scan;
    uint32_t bits = (uint32_t)byte_at(drawing, font, 2) << 1;
    uint8_t background = attribute >> 4 & (mode & ATTRIBUTE_MODE_BLINK ? 7 : 15);

    /* The ninth dot is the eighth again for characters that lines are drawn with. */
    if (mode & ATTRIBUTE_MODE_LINE_GRAPHICS && character >= LINE_GRAPHICS_FIRST &&
        character <= LINE_GRAPHICS_LAST)
        bits |= bits >> 1 & 1;
    if ((attribute & 0x77) == 1 && row_scan == (state->crtc[CRTC_UNDERLINE] & CRTC_UNDERLINE_ROWS))
        bits = 0x1ff;
    if (is_cursor(state, address, row_scan))
        bits = 0x1ff;
    for (uint32_t i = 0; i < dots; i++)
        put(drawing, x + (int32_t)i, bits >> (8 - i) & 1 ? attribute & 15 : background);
}

/* --- Planes --------------------------------------------------------------------------------------
 */

/* Bit 7 of each plane is the first pixel. */
static void draw_planar(const struct drawing *drawing, uint32_t offset, int32_t x)
{
    uint8_t planes[VGA_PLANES];

    for (uint32_t plane = 0; plane < VGA_PLANES; plane++)
        planes[plane] = byte_at(drawing, offset, plane);
    for (uint32_t i = 0; i < GRAPHICS_DOTS; i++) {
        uint8_t colour = 0;

        for (uint32_t plane = 0; plane < VGA_PLANES; plane++)
            colour |= (uint8_t)((planes[plane] >> (7 - i) & 1) << plane);
        put(drawing, x + (int32_t)i, colour);
    }
}

/* Pixels of 2 bits, as the CGA had them: four of planes 0 and 2, then four of 1 and 3. */
static void draw_interleaved(const struct drawing *drawing, uint32_t offset, int32_t x)
{
    for (uint32_t i = 0; i < GRAPHICS_DOTS; i++) {
        uint32_t plane = i / 4, shift = 6 - 2 * (i % 4);
        uint32_t low = byte_at(drawing, offset, plane) >> shift & 3;
        uint32_t high = byte_at(drawing, offset, plane + 2) >> shift & 3;

        put(drawing, x + (int32_t)i, (uint8_t)(high << 2 | low));
    }
}

/* A pixel of each plane. */
static void draw_256(const struct drawing *drawing, uint32_t offset, int32_t x)
{
    for (uint32_t plane = 0; plane < VGA_PLANES; plane++)
        put(drawing, x + (int32_t)plane, byte_at(drawing, offset, plane));
}

/* Pixels that a step of the CRTC's address is. */
static uint32_t column_width(const struct vga_state *state)
{
    if (!screen_is_graphics(state))
        return text_dots(state);
    return has_256_colours(state) ? VGA_PLANES : GRAPHICS_DOTS;
}

/* Pixels by which a row begins further left. */
static int32_t panning(const struct vga_state *state, bool split)
{
    uint32_t value = state->attribute[ATTRIBUTE_PANNING];

    if (split && state->attribute[ATTRIBUTE_MODE] & ATTRIBUTE_MODE_PANNING_COMPARE)
        return 0;
    if (column_width(state) == 9)
        return value >= 8 ? 0 : (int32_t)value + 1;
    value &= 7;
    return (int32_t)(has_256_colours(state) ? value / 2 : value);
}

static void draw_vga(const struct drawing *drawing)
{
    const struct vga_state *state = &drawing->picture->state;
    int32_t width = (int32_t)column_width(state);
    int32_t x = -panning(state, drawing->scan.split);
    uint32_t address = drawing->scan.address;

    for (; x < (int32_t)drawing->picture->width; x += width, address++) {
        uint32_t offset = screen_offset(state, address, drawing->scan.row_scan);

        if (!screen_is_graphics(state))
            draw_character(drawing, address, x);
        else if (has_256_colours(state))
            draw_256(drawing, offset, x);
        else if (state->graphics[GC_MODE] & GC_MODE_SHIFT_INTERLEAVED)
            draw_interleaved(drawing, offset, x);
        else
            draw_planar(drawing, offset, x);
    }
}

/* --- VBE -----------------------------------------------------------------------------------------
 */

/* Planes with VBE: as far as they go. */
static void draw_dispi_planes(const struct drawing *drawing, uint32_t row)
{
    const uint16_t *dispi = drawing->picture->state.dispi;
    uint32_t pitch = vga_dispi_pitch(dispi[DISPI_VIRT_WIDTH], 4);
    uint32_t offset = (row + dispi[DISPI_Y_OFFSET]) * pitch + dispi[DISPI_X_OFFSET] / GRAPHICS_DOTS;
    int32_t x = -(int32_t)(dispi[DISPI_X_OFFSET] % GRAPHICS_DOTS);

    for (; x < (int32_t)drawing->picture->width && offset < VGA_PLANE_SIZE; offset++) {
        draw_planar(drawing, offset, x);
        x += GRAPHICS_DOTS;
    }
}

/* Widens a part of a pixel that is @bits wide to 8 bits. */
static uint8_t widen(uint32_t value, uint32_t bits)
{
    value &= (1u << bits) - 1;
    return (uint8_t)(value << (8 - bits) | value >> (2 * bits - 8));
}

static void draw_dispi_pixel(const uint8_t *pixel, uint32_t bpp, uint8_t *rgb)
{
    uint32_t word = pixel[0] | (uint32_t)pixel[1] << 8;
    uint32_t green = bpp == 15 ? 5 : 6;

    if (bpp >= 24) {
        rgb[0] = pixel[2];
        rgb[1] = pixel[1];
        rgb[2] = pixel[0];
        return;
    }
    rgb[0] = widen(word >> (5 + green), 5);
    rgb[1] = widen(word >> 5, green);
    rgb[2] = widen(word, 5);
}

/* What the guest's offsets move out of video memory stays black. */
static void draw_dispi(const struct screen_picture *picture, uint32_t row, uint8_t *rgb)
{
    const uint16_t *dispi = picture->state.dispi;
    uint32_t bpp = dispi[DISPI_BPP], bytes = vga_dispi_pitch(1, bpp);
    uint64_t start =
        (uint64_t)(row + dispi[DISPI_Y_OFFSET]) * vga_dispi_pitch(dispi[DISPI_VIRT_WIDTH], bpp) +
        dispi[DISPI_X_OFFSET] * bytes;

    for (uint32_t x = 0; x < picture->width && start + (x + 1) * bytes <= VGA_MEMORY_SIZE; x++) {
        const uint8_t *pixel = picture->vga->memory.data + start + x * bytes;

        if (bpp == 8)
            rgb[x] = *pixel;
        else
            draw_dispi_pixel(pixel, bpp, rgb + 3 * x);
    }
    if (bpp == 8)
        colours_to_rgb(picture, rgb);
}

/* --- Pictures ------------------------------------------------------------------------------------
 */

/* Lines of the screen that are the same: double scan, and in graphics rows of more than one line,
 * unless the line is part of the address. */
static uint32_t equal_lines(const struct vga_state *state)
{
    const uint8_t both = CRTC_MODE_NO_ROW_SCAN_A13 | CRTC_MODE_NO_ROW_SCAN_A14;
    uint32_t lines = screen_is_double_scan(state) ? 2 : 1;

    if (screen_is_graphics(state) && (state->crtc[CRTC_MODE] & both) == both)
        lines *= screen_row_lines(state);
    return lines;
}

static bool is_off(const struct vga_state *state)
{
    return !vga_dispi_enabled(state) && (state->sequencer[SEQ_CLOCKING] & SEQ_CLOCKING_OFF ||
                                         !(state->attribute_index & ATTRIBUTE_INDEX_DISPLAY));
}

void screen_picture(const struct vga *vga, struct screen_picture *picture)
{
    const struct vga_state *state = &picture->state;

    *picture = (struct screen_picture){.state = vga->state, .vga = vga};
    if (vga_dispi_enabled(state)) {
        picture->width = state->dispi[DISPI_XRES];
        picture->height = state->dispi[DISPI_YRES];
        return;
    }
    picture->width = screen_columns(state) * column_width(state);
    picture->height = screen_lines(state) / equal_lines(state);
    if (picture->height == 0)
        picture->height = 1;
}

void screen_picture_row(const struct screen_picture *picture, uint32_t row, uint8_t *rgb)
{
    const struct vga_state *state = &picture->state;
    struct drawing drawing = {.picture = picture, .colours = rgb};

    memset(rgb, 0, 3 * (size_t)picture->width);
    if (is_off(state))
        return;
    if (vga_is_linear(state)) {
        draw_dispi(picture, row, rgb);
        return;
    }
    if (vga_dispi_enabled(state)) {
        draw_dispi_planes(&drawing, row);
    } else {
        drawing.scan = screen_scan(state, row * equal_lines(state));
        draw_vga(&drawing);
    }
    colours_to_rgb(picture, rgb);
}
