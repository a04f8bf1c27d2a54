/* INT 10h AH=11h: fonts in plane 2 for text modes, and in memory for graphics modes. */

#include "worker/firmware/vga/vga.h"

#define GLYPHS 256
#define SLOT 32 /* bytes of a glyph in plane 2 */
#define CHARACTER_MAP 3

#define CRTC_MAX_SCAN 0x09
#define CRTC_UNDERLINE 0x14
#define CRTC_DISPLAY_END 0x12
#define CRTC_OVERFLOW 0x07

extern const uint8_t font_8[], font_14[], font_16[]; /* fonts.asm */

const uint8_t *font_get(uint8_t height)
{
    return height == 8 ? font_8 : height == 14 ? font_14 : font_16;
}

/* Where font @block begins in plane 2: the last four are between the first four. */
static uint16_t block_offset(uint8_t block)
{
    return (uint16_t)((block & 3) << 14 | (block & 4) << 11);
}

void font_load(uint16_t segment, uint16_t offset, uint16_t first, uint16_t count, uint8_t height,
               uint8_t block)
{
    uint8_t map = vga_read(VGA_SEQUENCER, 2), memory = vga_read(VGA_SEQUENCER, 4);
    uint8_t read = vga_read(VGA_GRAPHICS, 4), mode = vga_read(VGA_GRAPHICS, 5);
    uint8_t misc = vga_read(VGA_GRAPHICS, 6);

    /* Plane 2 alone, linear, at A0000h. */
    vga_write(VGA_SEQUENCER, 2, 4);
    vga_write(VGA_SEQUENCER, 4, 7);
    vga_write(VGA_GRAPHICS, 4, 2);
    vga_write(VGA_GRAPHICS, 5, 0);
    vga_write(VGA_GRAPHICS, 6, 4);
    for (uint16_t i = 0; i < count; i++) {
        uint16_t to = (uint16_t)(block_offset(block) + ((first + i) & 0xff) * SLOT);

        far_move(0xa000, to, segment, offset, height);
        offset = (uint16_t)(offset + height);
    }
    vga_write(VGA_SEQUENCER, 2, map);
    vga_write(VGA_SEQUENCER, 4, memory);
    vga_write(VGA_GRAPHICS, 4, read);
    vga_write(VGA_GRAPHICS, 5, mode);
    vga_write(VGA_GRAPHICS, 6, misc);
}

/* Makes characters @height lines high, and as many rows as fit. */
static void set_height(uint8_t height)
{
    uint16_t crtc = vga_crtc_port(), lines;
    uint8_t overflow = vga_read(crtc, CRTC_OVERFLOW), rows;

    vga_write(crtc, CRTC_MAX_SCAN,
              (uint8_t)((vga_read(crtc, CRTC_MAX_SCAN) & 0xe0) | (height - 1)));
    if (bda_read8(BDA_VIDEO_MODE) == 7)
        vga_write(crtc, CRTC_UNDERLINE, (uint8_t)(height - 1));
    lines = (uint16_t)(vga_read(crtc, CRTC_DISPLAY_END) | (overflow & 0x02) << 7 |
                       (overflow & 0x40) << 3) +
            1;
    if (vga_read(crtc, CRTC_MAX_SCAN) & 0x80) /* lines are doubled */
        lines /= 2;
    rows = (uint8_t)(lines / height);
    bda_write8(BDA_ROWS_LESS_1, (uint8_t)(rows - 1));
    bda_write16(BDA_CHARACTER_HEIGHT, height);
    bda_write16(BDA_PAGE_SIZE, (uint16_t)((rows * bda_read16(BDA_COLUMNS) * 2 + 0xff) & ~0xff));
    cursor_set_shape(6, 7);
}

static uint8_t standard_height(uint8_t al)
{
    switch (al & 0x0f) {
    case 1:
        return 14;
    case 2:
        return 8;
    default:
        return 16;
    }
}

/* AL=00h-04h and 10h-14h; BL is the block. */
static void load_text(struct frame *frame)
{
    uint8_t height = standard_height(frame->al);

    if ((frame->al & 0x0f) == 0) {
        height = frame->bh;
        if (!height || height > SLOT)
            return;
        font_load(frame->es, frame->bp, frame->dx, frame->cx, height, frame->bl);
    } else {
        font_load(VGA_SEGMENT, (uint16_t)(uintptr_t)font_get(height), 0, GLYPHS, height, frame->bl);
    }
    if (frame->al & 0x10)
        set_height(height);
}

/* AL=20h-24h: what INT 1Fh and 43h point to, and the number of rows. */
static void set_graphics(struct frame *frame)
{
    static const uint8_t rows[] = {0, 14, 25, 43};
    uint8_t height = standard_height((uint8_t)(frame->al - 1));
    uint32_t font;

    if (frame->al == 0x20) {
        far_write32(0, 0x1f * 4, (uint32_t)frame->es << 16 | frame->bp);
        return;
    }
    if (frame->al == 0x21) {
        height = frame->cl;
        font = (uint32_t)frame->es << 16 | frame->bp;
    } else {
        height = frame->al == 0x22 ? 14 : frame->al == 0x23 ? 8 : 16;
        font = (uint32_t)VGA_SEGMENT << 16 | (uint16_t)(uintptr_t)font_get(height);
    }
    far_write32(0, 0x43 * 4, font);
    bda_write16(BDA_CHARACTER_HEIGHT, height);
    bda_write8(
        BDA_ROWS_LESS_1,
        (uint8_t)((frame->bl && frame->bl < sizeof(rows) ? rows[frame->bl] : frame->dl) - 1));
}

static void get_information(struct frame *frame)
{
    const uint8_t *font = NULL;
    uint32_t pointer;

    switch (frame->bh) {
    case 0:
    case 1:
        pointer = far_read32(0, frame->bh ? 0x43 * 4 : 0x1f * 4);
        frame->es = (uint16_t)(pointer >> 16);
        frame->bp = (uint16_t)pointer;
        break;
    case 2:
    case 5: /* changes for 9 pixels: there are none */
        font = font_14;
        break;
    case 3:
        font = font_8;
        break;
    case 4:
        font = font_8 + 128 * 8;
        break;
    case 6:
    case 7:
        font = font_16;
        break;
    default:
        return;
    }
    if (font) {
        frame->es = VGA_SEGMENT;
        frame->bp = (uint16_t)(uintptr_t)font;
    }
    frame->cx = bda_read16(BDA_CHARACTER_HEIGHT);
    frame->dl = bda_read8(BDA_ROWS_LESS_1);
}

void font_service(struct frame *frame)
{
    switch (frame->al) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x04:
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x14:
        load_text(frame);
        return;
    case 0x03:
        vga_write(VGA_SEQUENCER, CHARACTER_MAP, frame->bl);
        return;
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
        set_graphics(frame);
        return;
    case 0x30:
        get_information(frame);
        return;
    default:
        return;
    }
}
