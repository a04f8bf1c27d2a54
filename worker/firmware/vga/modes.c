#include "worker/firmware/vga/vga.h"

#define CRTC_PROTECT 0x11
#define MODE_KEEP_MEMORY 0x80
#define VIDEO_NO_PALETTE 0x08 /* BDA_VIDEO_MODE_SET: programs load the palette themselves */

/* Register values that modes have in common, from IBM's manuals of the VGA. */
#define ATTRIBUTES_CGA                                                                             \
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
#define ATTRIBUTES_EGA                                                                             \
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
#define ATTRIBUTES_TEXT ATTRIBUTES_EGA, 0x0c, 0x00, 0x0f, 0x08
#define GRAPHICS_TEXT 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff
#define GRAPHICS_PLANAR 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff
#define CRTC_TEXT_40                                                                               \
    0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00,      \
        0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff
#define CRTC_TEXT_80(underline)                                                                    \
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00,      \
        0x00, 0x9c, 0x8e, 0x8f, 0x28, underline, 0x96, 0xb9, 0xa3, 0xff
#define CRTC_320(scan, mode)                                                                       \
    0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, scan, 0x00, 0x00, 0x00, 0x00, 0x00,      \
        0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, mode, 0xff
#define CRTC_640(scan, underline, mode)                                                            \
    0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, scan, 0x00, 0x00, 0x00, 0x00, 0x00,      \
        0x00, 0x9c, 0x8e, 0x8f, 0x28, underline, 0x96, 0xb9, mode, 0xff
#define CRTC_350                                                                                   \
    0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00,      \
        0x00, 0x83, 0x85, 0x5d, 0x28, 0x0f, 0x63, 0xba, 0xe3, 0xff
#define CRTC_480                                                                                   \
    0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00,      \
        0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff

#define TEXT_40(n)                                                                                 \
    {                                                                                              \
        n, LAYOUT_TEXT, PALETTE_EGA, 40, 25, 16, 0xb800, 0x800, 0x67, {0x08, 0x03, 0x00, 0x02},    \
            {CRTC_TEXT_40}, {ATTRIBUTES_TEXT}, {GRAPHICS_TEXT},                                    \
    }
#define TEXT_80(n)                                                                                 \
    {                                                                                              \
        n, LAYOUT_TEXT, PALETTE_EGA, 80, 25, 16, 0xb800, 0x1000, 0x67, {0x00, 0x03, 0x00, 0x02},   \
            {CRTC_TEXT_80(0x1f)}, {ATTRIBUTES_TEXT}, {GRAPHICS_TEXT},                              \
    }
#define CGA_4(n)                                                                                   \
    {                                                                                              \
        n, LAYOUT_CGA4, PALETTE_CGA, 40, 25, 8, 0xb800, 0x4000, 0x63, {0x09, 0x03, 0x00, 0x02},    \
            {CRTC_320(0xc1, 0xa2)}, {0x00, 0x13, 0x15, 0x17, 0x02, 0x04, 0x06, 0x07, 0x10, 0x11,   \
                                     0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0x00, 0x03, 0x00},  \
            {0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x0f, 0xff},                                \
    }

static const struct vga_mode modes[] = {
    TEXT_40(0),
    TEXT_40(1),
    TEXT_80(2),
    TEXT_80(3),
    CGA_4(4),
    CGA_4(5),
    {6,
     LAYOUT_CGA2,
     PALETTE_CGA,
     80,
     25,
     8,
     0xb800,
     0x4000,
     0x63,
     {0x01, 0x01, 0x00, 0x06},
     {CRTC_640(0xc1, 0x00, 0xc2)},
     {0x00, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
      0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x01, 0x00, 0x01, 0x00},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x0f, 0xff}},
    {7,
     LAYOUT_TEXT,
     PALETTE_MONO,
     80,
     25,
     16,
     0xb000,
     0x1000,
     0x66,
     {0x00, 0x03, 0x00, 0x02},
     {CRTC_TEXT_80(0x0f)},
     {0x00, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x10, 0x18,
      0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x0e, 0x00, 0x0f, 0x08},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0a, 0x0f, 0xff}},
    {0x0d,
     LAYOUT_PLANAR,
     PALETTE_CGA,
     40,
     25,
     8,
     0xa000,
     0x2000,
     0x63,
     {0x09, 0x0f, 0x00, 0x06},
     {CRTC_320(0xc0, 0xe3)},
     {ATTRIBUTES_CGA, 0x01, 0x00, 0x0f, 0x00},
     {GRAPHICS_PLANAR}},
    {0x0e,
     LAYOUT_PLANAR,
     PALETTE_CGA,
     80,
     25,
     8,
     0xa000,
     0x4000,
     0x63,
     {0x01, 0x0f, 0x00, 0x06},
     {CRTC_640(0xc0, 0x00, 0xe3)},
     {ATTRIBUTES_CGA, 0x01, 0x00, 0x0f, 0x00},
     {GRAPHICS_PLANAR}},
    {0x0f,
     LAYOUT_PLANAR,
     PALETTE_MONO,
     80,
     25,
     14,
     0xa000,
     0x8000,
     0xa2,
     {0x01, 0x0f, 0x00, 0x06},
     {CRTC_350},
     {0x00, 0x08, 0x00, 0x00, 0x18, 0x18, 0x00, 0x00, 0x00, 0x08,
      0x00, 0x00, 0x00, 0x18, 0x00, 0x00, 0x0b, 0x00, 0x05, 0x00},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x05, 0xff}},
    {0x10,
     LAYOUT_PLANAR,
     PALETTE_EGA,
     80,
     25,
     14,
     0xa000,
     0x8000,
     0xa3,
     {0x01, 0x0f, 0x00, 0x06},
     {CRTC_350},
     {ATTRIBUTES_EGA, 0x01, 0x00, 0x0f, 0x00},
     {GRAPHICS_PLANAR}},
    {0x11,
     LAYOUT_PLANAR,
     PALETTE_EGA,
     80,
     30,
     16,
     0xa000,
     0xa000,
     0xe3,
     {0x01, 0x0f, 0x00, 0x06},
     {CRTC_480},
     {0x00, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
      0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x01, 0x00, 0x0f, 0x00},
     {GRAPHICS_PLANAR}},
    {0x12,
     LAYOUT_PLANAR,
     PALETTE_EGA,
     80,
     30,
     16,
     0xa000,
     0xa000,
     0xe3,
     {0x01, 0x0f, 0x00, 0x06},
     {CRTC_480},
     {ATTRIBUTES_EGA, 0x01, 0x00, 0x0f, 0x00},
     {GRAPHICS_PLANAR}},
    {0x13,
     LAYOUT_LINEAR,
     PALETTE_256,
     40,
     25,
     8,
     0xa000,
     0xfa00,
     0x63,
     {0x01, 0x0f, 0x00, 0x0e},
     {CRTC_640(0x41, 0x40, 0xa3)},
     {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
      0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x41, 0x00, 0x0f, 0x00},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff}},
};

const struct vga_mode *vga_mode_find(uint8_t number)
{
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (modes[i].number == number)
            return &modes[i];
    }
    return NULL;
}

const struct vga_mode *vga_mode(void)
{
    const struct vga_mode *mode = vga_mode_find(bda_read8(BDA_VIDEO_MODE) & 0x7f);

    return mode ? mode : vga_mode_find(3);
}

void vga_write_mode(const struct vga_mode *mode)
{
    uint16_t crtc;

    outb(VGA_MISC, mode->misc);
    crtc = vga_crtc_port();
    vga_write(VGA_SEQUENCER, 0, 1); /* stop */
    for (uint8_t i = 0; i < 4; i++)
        vga_write(VGA_SEQUENCER, (uint8_t)(i + 1), mode->sequencer[i]);
    vga_write(VGA_SEQUENCER, 0, 3);
    vga_write(crtc, CRTC_PROTECT, 0);
    for (uint8_t i = 0; i < VGA_CRTCS; i++)
        vga_write(crtc, i, mode->crtc[i]);
    for (uint8_t i = 0; i < VGA_GRAPHICSES; i++)
        vga_write(VGA_GRAPHICS, i, mode->graphics[i]);
    inb((uint16_t)(crtc + 6));
    for (uint8_t i = 0; i < VGA_ATTRIBUTES; i++) {
        outb(VGA_ATTRIBUTE, i);
        outb(VGA_ATTRIBUTE, i < sizeof(mode->attribute) ? mode->attribute[i] : 0);
    }
    outb(VGA_ATTRIBUTE, 0x20);
    outb(VGA_DAC_MASK, 0xff);
}

/* @count words. */
static void fill(uint16_t segment, uint32_t count, uint16_t word)
{
    uint32_t di = 0;

    __asm__ volatile("pushw %%es\n\tmovw %w2, %%es\n\trep stosw\n\tpopw %%es"
                     : "+D"(di), "+c"(count)
                     : "d"(segment), "a"(word)
                     : "memory");
}

void vga_clear(const struct vga_mode *mode)
{
    if (mode->layout == LAYOUT_TEXT)
        fill(mode->segment, 0x4000, 0x0720);
    else if (mode->segment == 0xb800)
        fill(mode->segment, 0x2000, 0);
    else
        fill(mode->segment, 0x8000, 0);
}

static void set_data_area(const struct vga_mode *mode, uint8_t number)
{
    bda_write8(BDA_VIDEO_MODE, mode->number);
    bda_write16(BDA_COLUMNS, mode->columns);
    bda_write16(BDA_PAGE_SIZE, mode->page_size);
    bda_write16(BDA_PAGE_START, 0);
    for (uint16_t i = 0; i < 16; i += 2)
        bda_write16((uint16_t)(BDA_CURSORS + i), 0);
    bda_write16(BDA_CURSOR_SHAPE, mode->layout == LAYOUT_TEXT ? 0x0607 : 0);
    bda_write8(BDA_PAGE, 0);
    bda_write16(BDA_CRTC_PORT, vga_crtc_port());
    bda_write8(BDA_ROWS_LESS_1, (uint8_t)(mode->rows - 1));
    bda_write16(BDA_CHARACTER_HEIGHT, mode->height);
    bda_write8(BDA_VIDEO_CONTROL, (uint8_t)(0x60 | (number & MODE_KEEP_MEMORY)));
    bda_write8(BDA_VIDEO_SWITCHES, 0xf9);
    bda_write8(BDA_VIDEO_MODE_SET, (uint8_t)(bda_read8(BDA_VIDEO_MODE_SET) & 0x7f));
    bda_write8(BDA_DISPLAY_CODE, 0x08);
}

/* Where INT 43h, and for 8x8 pixels also INT 1Fh, find glyphs for graphics. */
static void set_font_vectors(const struct vga_mode *mode)
{
    far_write32(0, 0x43 * 4,
                (uint32_t)VGA_SEGMENT << 16 | (uint16_t)(uintptr_t)font_get(mode->height));
    far_write32(0, 0x1f * 4,
                (uint32_t)VGA_SEGMENT << 16 | (uint16_t)(uintptr_t)(font_get(8) + 128 * 8));
}

void vga_set_mode(uint8_t al)
{
    const struct vga_mode *mode = vga_mode_find(al & 0x7f);

    if (!mode)
        return;
    vbe_leave();
    vga_write_mode(mode);
    if (!(bda_read8(BDA_VIDEO_MODE_SET) & VIDEO_NO_PALETTE))
        vga_load_palette(mode->palette);
    if (!(al & MODE_KEEP_MEMORY))
        vga_clear(mode);
    set_data_area(mode, al);
    set_font_vectors(mode);
    if (mode->layout == LAYOUT_TEXT)
        font_load(VGA_SEGMENT, (uint16_t)(uintptr_t)font_get(16), 0, 256, 16, 0);
}
