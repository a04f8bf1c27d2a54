/* Characters and pixels in graphics modes. */

#include "worker/firmware/vga/vga.h"

#define CGA_BANK 0x2000 /* odd lines */
#define XOR_PIXELS 0x80

/* Registers of the graphics controller for planar modes */
#define GRAPHICS_SET_RESET 0
#define GRAPHICS_ENABLE_SET_RESET 1
#define GRAPHICS_FUNCTION 3
#define GRAPHICS_READ_PLANE 4
#define GRAPHICS_MODE 5
#define GRAPHICS_BIT_MASK 8
#define FUNCTION_XOR 0x18
#define WRITE_MODE_1 1

static uint16_t line_bytes(const struct vga_mode *mode)
{
    switch (mode->layout) {
    case LAYOUT_PLANAR:
        return mode->columns;
    case LAYOUT_LINEAR:
        return (uint16_t)(mode->columns * 8);
    default:
        return 80;
    }
}

/* Where line @y of the page begins. */
static uint16_t line_offset(const struct vga_mode *mode, uint8_t page, uint16_t y)
{
    uint16_t start = (uint16_t)(mode->page_size * page);

    if (mode->layout == LAYOUT_CGA4 || mode->layout == LAYOUT_CGA2)
        return (uint16_t)((y & 1 ? CGA_BANK : 0) + (y >> 1) * 80);
    return (uint16_t)(start + y * line_bytes(mode));
}

static void planar_begin(uint8_t color)
{
    vga_write(VGA_GRAPHICS, GRAPHICS_SET_RESET, color & 15);
    vga_write(VGA_GRAPHICS, GRAPHICS_ENABLE_SET_RESET, 15);
    vga_write(VGA_GRAPHICS, GRAPHICS_FUNCTION, color & XOR_PIXELS ? FUNCTION_XOR : 0);
}

static void planar_end(void)
{
    vga_write(VGA_GRAPHICS, GRAPHICS_SET_RESET, 0);
    vga_write(VGA_GRAPHICS, GRAPHICS_ENABLE_SET_RESET, 0);
    vga_write(VGA_GRAPHICS, GRAPHICS_FUNCTION, 0);
    vga_write(VGA_GRAPHICS, GRAPHICS_BIT_MASK, 0xff);
}

/* The pixels of @mask among the eight at @offset become the color of planar_begin(). */
static void planar_write(const struct vga_mode *mode, uint16_t offset, uint8_t mask)
{
    vga_write(VGA_GRAPHICS, GRAPHICS_BIT_MASK, mask);
    far_read8(mode->segment, offset); /* fills the latches */
    far_write8(mode->segment, offset, 0);
}

/* A line of a glyph: @bits in @color, the others in color 0, unless they are XORed. */
static void put_line(const struct vga_mode *mode, uint16_t line, uint8_t column, uint8_t bits,
                     uint8_t color)
{
    bool xored = color & XOR_PIXELS;
    uint16_t at = (uint16_t)(line + column);

    switch (mode->layout) {
    case LAYOUT_PLANAR:
        planar_begin(color);
        planar_write(mode, at, bits);
        if (!xored) {
            planar_begin(0);
            planar_write(mode, at, (uint8_t)~bits);
        }
        planar_end();
        return;
    case LAYOUT_LINEAR: /* XOR does not exist here: bit 7 belongs to the color */
        for (uint16_t i = 0; i < 8; i++)
            far_write8(mode->segment, (uint16_t)(line + column * 8 + i),
                       bits & (0x80 >> i) ? color : 0);
        return;
    case LAYOUT_CGA2:
        if (!(color & 1))
            bits = 0;
        far_write8(mode->segment, at, xored ? far_read8(mode->segment, at) ^ bits : bits);
        return;
    default:
        for (uint8_t i = 0; i < 2; i++) {
            uint8_t value = 0;

            at = (uint16_t)(line + column * 2 + i);
            for (uint8_t j = 0; j < 4; j++)
                value = (uint8_t)(value << 2 | (bits & (0x80 >> (i * 4 + j)) ? color & 3 : 0));
            far_write8(mode->segment, at, xored ? far_read8(mode->segment, at) ^ value : value);
        }
    }
}

/* Line @y of the glyph that INT 43h, or INT 1Fh for the second half of 8x8, has. */
static uint8_t glyph_line(const struct vga_mode *mode, uint8_t character, uint8_t y)
{
    uint32_t font = far_read32(0, 0x43 * 4), upper = far_read32(0, 0x1f * 4);
    uint8_t height = bda_read8(BDA_CHARACTER_HEIGHT);

    if (character >= 128 && height == 8 && mode->segment == 0xb800 && upper) {
        font = upper;
        character = (uint8_t)(character - 128);
    }
    return far_read8((uint16_t)(font >> 16), (uint16_t)(font + character * height + y));
}

void graphics_put(const struct vga_mode *mode, uint8_t page, struct position position,
                  uint8_t character, uint8_t color)
{
    uint8_t height = bda_read8(BDA_CHARACTER_HEIGHT);

    for (uint8_t y = 0; y < height; y++)
        put_line(mode, line_offset(mode, page, (uint16_t)(position.row * height + y)),
                 position.column, glyph_line(mode, character, y), color);
}

/* --- Pixels
 * --------------------------------------------------------------------------------------- */

static uint8_t get_pixel(const struct vga_mode *mode, uint8_t page, uint16_t x, uint16_t y)
{
    uint16_t line = line_offset(mode, page, y);
    uint8_t color = 0;

    switch (mode->layout) {
    case LAYOUT_LINEAR:
        return far_read8(mode->segment, (uint16_t)(line + x));
    case LAYOUT_PLANAR:
        for (uint8_t plane = 0; plane < 4; plane++) {
            vga_write(VGA_GRAPHICS, GRAPHICS_READ_PLANE, plane);
            if (far_read8(mode->segment, (uint16_t)(line + x / 8)) & (0x80 >> (x & 7)))
                color |= (uint8_t)(1 << plane);
        }
        vga_write(VGA_GRAPHICS, GRAPHICS_READ_PLANE, 0);
        return color;
    case LAYOUT_CGA2:
        return (far_read8(mode->segment, (uint16_t)(line + x / 8)) >> (7 - (x & 7))) & 1;
    default:
        return (far_read8(mode->segment, (uint16_t)(line + x / 4)) >> (6 - (x & 3) * 2)) & 3;
    }
}

static void set_pixel(const struct vga_mode *mode, uint8_t page, uint16_t x, uint16_t y,
                      uint8_t color)
{
    uint16_t line = line_offset(mode, page, y), at;
    uint8_t shift, mask, old;

    if (mode->layout == LAYOUT_LINEAR) {
        far_write8(mode->segment, (uint16_t)(line + x), color);
        return;
    }
    if (mode->layout == LAYOUT_PLANAR) {
        planar_begin(color);
        planar_write(mode, (uint16_t)(line + x / 8), (uint8_t)(0x80 >> (x & 7)));
        planar_end();
        return;
    }
    if (mode->layout == LAYOUT_CGA2) {
        at = (uint16_t)(line + x / 8);
        shift = (uint8_t)(7 - (x & 7));
        mask = 1;
    } else {
        at = (uint16_t)(line + x / 4);
        shift = (uint8_t)(6 - (x & 3) * 2);
        mask = 3;
    }
    old = far_read8(mode->segment, at);
    if (color & XOR_PIXELS)
        old = (uint8_t)(old ^ (color & mask) << shift);
    else
        old = (uint8_t)((old & ~(mask << shift)) | (color & mask) << shift);
    far_write8(mode->segment, at, old);
}

void graphics_write_pixel(struct frame *frame)
{
    const struct vga_mode *mode = vga_mode();

    if (mode->layout != LAYOUT_TEXT)
        set_pixel(mode, frame->bh, frame->cx, frame->dx, frame->al);
}

void graphics_read_pixel(struct frame *frame)
{
    const struct vga_mode *mode = vga_mode();

    if (mode->layout != LAYOUT_TEXT)
        frame->al = get_pixel(mode, frame->bh, frame->cx, frame->dx);
}

/* Looks for the glyph that has the pixels that are not 0; none: 0. */
uint8_t graphics_get(const struct vga_mode *mode, uint8_t page, struct position position)
{
    uint8_t height = bda_read8(BDA_CHARACTER_HEIGHT), lines[16], y;

    for (y = 0; y < height && y < sizeof(lines); y++) {
        lines[y] = 0;
        for (uint16_t x = 0; x < 8; x++) {
            if (get_pixel(mode, page, (uint16_t)(position.column * 8 + x),
                          (uint16_t)(position.row * height + y)))
                lines[y] |= (uint8_t)(0x80 >> x);
        }
    }
    for (uint16_t character = 0; character < 256; character++) {
        for (y = 0; y < height && y < sizeof(lines); y++) {
            if (glyph_line(mode, (uint8_t)character, y) != lines[y])
                break;
        }
        if (y == height)
            return (uint8_t)character;
    }
    return 0;
}

/* --- Scrolling
 * ------------------------------------------------------------------------------------- */

static uint8_t pattern(const struct vga_mode *mode, uint8_t color)
{
    if (mode->layout == LAYOUT_CGA4)
        return (uint8_t)((color & 3) * 0x55);
    if (mode->layout == LAYOUT_CGA2)
        return color & 1 ? 0xff : 0;
    return color;
}

static void fill_line(const struct vga_mode *mode, uint16_t to, uint16_t bytes, uint8_t color)
{
    if (mode->layout == LAYOUT_PLANAR)
        planar_begin(color & 15);
    far_fill(mode->segment, to, pattern(mode, color), bytes);
    if (mode->layout == LAYOUT_PLANAR)
        planar_end();
}

void graphics_scroll(const struct vga_mode *mode, uint8_t page, struct window window, uint8_t lines,
                     uint8_t color, bool down)
{
    uint8_t height = bda_read8(BDA_CHARACTER_HEIGHT);
    uint16_t unit = (uint16_t)(line_bytes(mode) / mode->columns); /* bytes of a character's line */
    uint16_t top = (uint16_t)(window.top * height);
    uint16_t count = (uint16_t)((window.bottom - window.top + 1) * height);
    uint16_t distance = (uint16_t)(lines * height), left = (uint16_t)(window.left * unit);
    uint16_t bytes = (uint16_t)((window.right - window.left + 1) * unit);

    for (uint16_t i = 0; i < count; i++) {
        uint16_t y = (uint16_t)(down ? top + count - 1 - i : top + i);
        uint16_t to = (uint16_t)(line_offset(mode, page, y) + left), from;

        if (i + distance >= count) {
            fill_line(mode, to, bytes, color);
            continue;
        }
        from = line_offset(mode, page, (uint16_t)(down ? y - distance : y + distance));
        if (mode->layout == LAYOUT_PLANAR)
            vga_write(VGA_GRAPHICS, GRAPHICS_MODE, WRITE_MODE_1);
        far_move(mode->segment, to, mode->segment, (uint16_t)(from + left), bytes);
        if (mode->layout == LAYOUT_PLANAR)
            vga_write(VGA_GRAPHICS, GRAPHICS_MODE, 0);
    }
}
