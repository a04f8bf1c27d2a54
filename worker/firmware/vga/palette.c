#include "worker/firmware/vga/vga.h"

#define OVERSCAN 0x11
#define MODE_CONTROL 0x10
#define MODE_BLINK 0x08
#define COLOR_SELECT 0x14
#define MODE_PAGES_16 0x80

void vga_dac_write(uint8_t index, uint8_t red, uint8_t green, uint8_t blue)
{
    outb(VGA_DAC_WRITE, index);
    outb(VGA_DAC_DATA, red);
    outb(VGA_DAC_DATA, green);
    outb(VGA_DAC_DATA, blue);
}

void vga_dac_read(uint8_t index, uint8_t *rgb)
{
    outb(VGA_DAC_READ, index);
    for (unsigned i = 0; i < 3; i++)
        rgb[i] = inb(VGA_DAC_DATA);
}

/* --- The palettes of the modes: 64 colors at a time, for one OUTS
 * --------------------------------- */

#define CHUNK 64

/* Red, green and blue of colors @first and up. */
static void write_block(uint8_t first, const uint8_t (*rgb)[3], uint16_t count)
{
    const uint8_t *from = rgb[0];
    uint32_t bytes = count * 3u;

    outb(VGA_DAC_WRITE, first);
    __asm__ volatile("rep outsb" : "+S"(from), "+c"(bytes) : "d"(VGA_DAC_DATA) : "memory");
}

static void set_gray(uint8_t *rgb, uint8_t level)
{
    rgb[0] = rgb[1] = rgb[2] = level;
}

/* rgbRGB: capitals are two thirds of the light, small letters one third. */
static void set_ega(uint8_t *rgb, uint8_t color)
{
    rgb[0] = (uint8_t)((color & 0x04 ? 0x2a : 0) + (color & 0x20 ? 0x15 : 0));
    rgb[1] = (uint8_t)((color & 0x02 ? 0x2a : 0) + (color & 0x10 ? 0x15 : 0));
    rgb[2] = (uint8_t)((color & 0x01 ? 0x2a : 0) + (color & 0x08 ? 0x15 : 0));
}

/* One of the sixteen colors of the CGA; its dark yellow is brown. */
static uint8_t cga_to_ega(uint8_t color)
{
    if (color == 6)
        return 0x14;
    return (uint8_t)((color & 7) | (color & 8 ? 0x38 : 0));
}

/* Color @hue of 24 from blue by way of red and green: a walk along the edges of a cube whose edges
 * have these 5 points. */
static void set_hue(uint8_t *rgb, uint8_t hue, const uint8_t *points)
{
    /* Red, green and blue at the corners of the walk: bits 2, 1 and 0. */
    static const uint8_t corners[] = {1, 5, 4, 6, 2, 3, 1};
    uint8_t from = corners[hue / 4], to = corners[hue / 4 + 1], step = hue % 4;

    for (unsigned i = 0; i < 3; i++) {
        uint8_t bit = (uint8_t)(4 >> i);
        bool begins = from & bit, ends = to & bit;

        rgb[i] = points[begins == ends ? (begins ? 4 : 0) : begins ? 4 - step : step];
    }
}

/* The CGA's colors, grays, then the hues at three brightnesses and three saturations each. */
static void set_256(uint8_t *rgb, uint8_t color)
{
    static const uint8_t grays[16] = {0x00, 0x05, 0x08, 0x0b, 0x0e, 0x11, 0x14, 0x18,
                                      0x1c, 0x20, 0x24, 0x28, 0x2d, 0x32, 0x38, 0x3f};
    static const uint8_t points[9][5] = {
        {0x00, 0x10, 0x1f, 0x2f, 0x3f}, {0x1f, 0x27, 0x2f, 0x37, 0x3f},
        {0x2d, 0x31, 0x36, 0x3a, 0x3f}, {0x00, 0x07, 0x0e, 0x15, 0x1c},
        {0x0e, 0x11, 0x15, 0x18, 0x1c}, {0x14, 0x16, 0x18, 0x1a, 0x1c},
        {0x00, 0x04, 0x08, 0x0c, 0x10}, {0x08, 0x0a, 0x0c, 0x0e, 0x10},
        {0x0b, 0x0c, 0x0d, 0x0f, 0x10},
    };

    if (color < 16)
        set_ega(rgb, cga_to_ega(color));
    else if (color < 32)
        set_gray(rgb, grays[color - 16]);
    else if (color < 32 + 9 * 24)
        set_hue(rgb, (uint8_t)((color - 32) % 24), points[(color - 32) / 24]);
    else
        set_gray(rgb, 0);
}

static void set_color(enum vga_palette palette, uint8_t *rgb, uint8_t color)
{
    static const uint8_t monochrome[] = {0x00, 0x2a, 0x15, 0x3f};

    if (palette == PALETTE_256)
        set_256(rgb, color);
    else if (palette == PALETTE_EGA)
        set_ega(rgb, color);
    else if (palette == PALETTE_CGA)
        set_ega(rgb, cga_to_ega((uint8_t)((color & 7) | (color & 0x10 ? 8 : 0))));
    else
        set_gray(rgb, monochrome[(color & 0x08 ? 1 : 0) | (color & 0x10 ? 2 : 0)]);
}

void vga_load_palette(enum vga_palette palette)
{
    unsigned chunks = palette == PALETTE_256 ? 256 / CHUNK : 1;
    uint8_t rgb[CHUNK][3];

    for (unsigned i = 0; i < chunks; i++) {
        for (unsigned j = 0; j < CHUNK; j++)
            set_color(palette, rgb[j], (uint8_t)(i * CHUNK + j));
        write_block((uint8_t)(i * CHUNK), rgb, CHUNK);
    }
}

/* AH=0Bh: border or background, and the palette of mode 4. */
void vga_color_service(struct frame *frame)
{
    uint8_t value = bda_read8(BDA_CGA_PALETTE);

    if (frame->bh == 0) {
        uint8_t color = (uint8_t)((frame->bl & 7) | (frame->bl & 8 ? 0x10 : 0));

        value = (uint8_t)((value & 0xe0) | (frame->bl & 0x1f));
        vga_attribute_write(OVERSCAN, color);
        if (vga_mode()->layout != LAYOUT_TEXT)
            vga_attribute_write(0, color);
    } else {
        value = (uint8_t)((value & ~0x20) | (frame->bl & 1 ? 0x20 : 0));
        for (uint8_t i = 1; i < 4; i++) {
            uint8_t color = vga_attribute_read(i) & 0x10;

            vga_attribute_write(i, (uint8_t)(color | i << 1 | (frame->bl & 1)));
        }
    }
    bda_write8(BDA_CGA_PALETTE, value);
}

static void set_all(struct frame *frame)
{
    for (uint8_t i = 0; i < 16; i++)
        vga_attribute_write(i, far_read8(frame->es, (uint16_t)(frame->dx + i)));
    vga_attribute_write(OVERSCAN, far_read8(frame->es, (uint16_t)(frame->dx + 16)));
}

static void get_all(struct frame *frame)
{
    for (uint8_t i = 0; i < 16; i++)
        far_write8(frame->es, (uint16_t)(frame->dx + i), vga_attribute_read(i));
    far_write8(frame->es, (uint16_t)(frame->dx + 16), vga_attribute_read(OVERSCAN));
}

static void set_blink(bool blink)
{
    uint8_t mode = vga_attribute_read(MODE_CONTROL) & (uint8_t)~MODE_BLINK;

    vga_attribute_write(MODE_CONTROL, mode | (blink ? MODE_BLINK : 0));
    bda_write8(BDA_CGA_MODE, (uint8_t)((bda_read8(BDA_CGA_MODE) & ~0x20) | (blink ? 0x20 : 0)));
}

/* AL=13h and 1Ah: 4 pages of 64 colors, or 16 of 16. */
static void select_page(struct frame *frame)
{
    uint8_t mode = vga_attribute_read(MODE_CONTROL);

    if (frame->bl == 0)
        vga_attribute_write(MODE_CONTROL,
                            (uint8_t)((mode & ~MODE_PAGES_16) | (frame->bh ? MODE_PAGES_16 : 0)));
    else
        vga_attribute_write(COLOR_SELECT, (uint8_t)(mode & MODE_PAGES_16 ? frame->bh & 0x0f
                                                                         : (frame->bh & 3) << 2));
}

static void get_page(struct frame *frame)
{
    bool pages_16 = vga_attribute_read(MODE_CONTROL) & MODE_PAGES_16;
    uint8_t page = vga_attribute_read(COLOR_SELECT);

    frame->bl = pages_16;
    frame->bh = (uint8_t)(pages_16 ? page & 0x0f : (page >> 2) & 3);
}

static void write_dac_block(struct frame *frame)
{
    for (uint16_t i = 0; i < frame->cx; i++) {
        uint16_t at = (uint16_t)(frame->dx + i * 3);

        vga_dac_write((uint8_t)(frame->bx + i), far_read8(frame->es, at),
                      far_read8(frame->es, (uint16_t)(at + 1)),
                      far_read8(frame->es, (uint16_t)(at + 2)));
    }
}

static void read_dac_block(struct frame *frame)
{
    uint8_t rgb[3];

    for (uint16_t i = 0; i < frame->cx; i++) {
        vga_dac_read((uint8_t)(frame->bx + i), rgb);
        far_put(frame->es, (uint16_t)(frame->dx + i * 3), rgb, 3);
    }
}

/* By the eye's sensitivity: 30 % red, 59 % green, 11 % blue. */
static void make_gray(struct frame *frame)
{
    uint8_t rgb[3];

    for (uint16_t i = 0; i < frame->cx; i++) {
        uint8_t index = (uint8_t)(frame->bx + i), level;

        vga_dac_read(index, rgb);
        level = (uint8_t)((rgb[0] * 77u + rgb[1] * 151u + rgb[2] * 28u + 128) >> 8);
        vga_dac_write(index, level, level, level);
    }
}

static void read_dac(struct frame *frame)
{
    uint8_t rgb[3];

    vga_dac_read(frame->bl, rgb);
    frame->dh = rgb[0];
    frame->ch = rgb[1];
    frame->cl = rgb[2];
}

/* AL 10h and above: the DAC. */
static void dac_service(struct frame *frame)
{
    switch (frame->al) {
    case 0x10:
        vga_dac_write(frame->bl, frame->dh, frame->ch, frame->cl);
        return;
    case 0x12:
        write_dac_block(frame);
        return;
    case 0x13:
        select_page(frame);
        return;
    case 0x15:
        read_dac(frame);
        return;
    case 0x17:
        read_dac_block(frame);
        return;
    case 0x18:
        outb(VGA_DAC_MASK, frame->bl);
        return;
    case 0x19:
        frame->bl = inb(VGA_DAC_MASK);
        return;
    case 0x1a:
        get_page(frame);
        return;
    case 0x1b:
        make_gray(frame);
        return;
    default:
        return;
    }
}

void vga_palette_service(struct frame *frame)
{
    switch (frame->al) {
    case 0x00:
        if (frame->bl < VGA_ATTRIBUTES)
            vga_attribute_write(frame->bl, frame->bh);
        return;
    case 0x01:
        vga_attribute_write(OVERSCAN, frame->bh);
        return;
    case 0x02:
        set_all(frame);
        return;
    case 0x03:
        set_blink(frame->bl);
        return;
    case 0x07:
        if (frame->bl < VGA_ATTRIBUTES)
            frame->bh = vga_attribute_read(frame->bl);
        return;
    case 0x08:
        frame->bh = vga_attribute_read(OVERSCAN);
        return;
    case 0x09:
        get_all(frame);
        return;
    default:
        dac_service(frame);
    }
}
