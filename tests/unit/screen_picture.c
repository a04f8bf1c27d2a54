/* Unit test of reading a virtual machine's screen, as text and as a picture, in each kind of mode.
 */
#include "worker/screen.h"

#include "tests/devices/vga_machine.h"
#include "tests/unit/unit.h"
#include "worker/devices/vga_registers.h"

static struct vga_machine machine;
static struct fake_machine *const fake = &machine.fake;
static struct screen_picture picture;
static uint8_t row_rgb[3 * SCREEN_MAX_WIDTH];

/* Colour n of the DAC is n / 64, n and 63 - n, in 6 bits; palette register n is n. */
static void start(uint32_t mode)
{
    vga_machine_create(&machine);
    vga_set_mode(&machine, mode);
    for (uint8_t i = 0; i < 16; i++)
        vga_set_attribute(&machine, i, i);
    fake_outb(fake, 0x3c8, 0);
    for (uint32_t i = 0; i < 256; i++) {
        fake_outb(fake, 0x3c9, (uint8_t)(i >> 6));
        fake_outb(fake, 0x3c9, (uint8_t)i);
        fake_outb(fake, 0x3c9, (uint8_t)(63 - i));
    }
}

static void end(void)
{
    vga_machine_destroy(&machine);
}

/* The pixel as 00RRGGBBh. */
static uint32_t pixel(uint32_t x, uint32_t y)
{
    CHECK(x < picture.width && y < picture.height);
    screen_picture_row(&picture, y, row_rgb);
    return (uint32_t)row_rgb[3 * x] << 16 | row_rgb[3 * x + 1] << 8 | row_rgb[3 * x + 2];
}

static uint32_t widened(uint32_t value)
{
    return (value << 2 | value >> 4) & 0xff;
}

/* What colour @n of the DAC looks like. */
static uint32_t colour(uint32_t n)
{
    return widened(n >> 6) << 16 | widened(n & 63) << 8 | widened(~n & 63);
}

static void take(uint32_t width, uint32_t height)
{
    screen_picture(&machine.vga, &picture);
    CHECK_EQUAL(picture.width, width);
    CHECK_EQUAL(picture.height, height);
}

/* A byte of a plane, by the planes' own way. */
static void poke(uint8_t plane, uint32_t offset, uint8_t value)
{
    machine.vga.memory.data[vga_cell(&machine.vga.state, offset, plane)] = value;
}

/* --- Text --- */

static void put_text(uint32_t row, uint32_t column, const char *text, uint8_t attribute)
{
    uint64_t at = 0xb8000 + 2 * (80 * row + column);

    for (; *text != '\0'; text++, at += 2)
        fake_write(fake, at, 2, (uint32_t)attribute << 8 | (uint8_t)*text);
}

static void text(void)
{
    struct screen_text screen;
    char lines[80 * 25 * 3], few[12];
    size_t length;

    start(3);
    put_text(0, 0, "Boot:  ", 0x07);
    put_text(1, 2, "\xc9\xcd\x18\xff\x7f", 0x07);
    put_text(24, 79, "x", 0x07);
    vga_set_crtc(&machine, 0x0e, 0x07);
    vga_set_crtc(&machine, 0x0f, 0xcf);
    length = screen_text(&machine.vga, &screen, lines, sizeof(lines));
    CHECK_EQUAL(length, strlen(lines));
    CHECK(screen.columns == 80 && screen.rows == 25);
    CHECK(screen.cursor && screen.cursor_column == 79 && screen.cursor_row == 24);
    CHECK(strncmp(lines, "Boot:\n  \u2554\u2550\u2191 \u2302\n\n", 20) == 0);
    CHECK(strcmp(lines + length - 4, "  x\n") == 0);
    CHECK_EQUAL(screen_text(&machine.vga, &screen, few, sizeof(few)), 0); /* not even a line */
    CHECK_TEXT(few, "");
    vga_set_crtc(&machine, 0x0d, 80); /* one row on */
    vga_set_crtc(&machine, 0x0a, 0x20);
    screen_text(&machine.vga, &screen, lines, sizeof(lines));
    CHECK(strncmp(lines, "  \u2554", 5) == 0);
    CHECK(!screen.cursor);
    vga_set_crtc(&machine, 0x12, 0x1f); /* 288 lines, the last 16 below line compare */
    vga_set_crtc(&machine, 0x07, 0x0f);
    vga_set_crtc(&machine, 0x09, 0x0f);
    vga_set_crtc(&machine, 0x18, 0x0f);
    length = screen_text(&machine.vga, &screen, lines, sizeof(lines));
    CHECK_EQUAL(screen.rows, 18);
    CHECK(strstr(lines, "\nBoot:\n  \u2554") != NULL);
    vga_set_mode(&machine, 0x12);
    CHECK_EQUAL(screen_text(&machine.vga, &screen, lines, sizeof(lines)), 0);
    CHECK_EQUAL(screen.columns, 0);
    end();
}

static void text_picture(void)
{
    start(3);
    put_text(0, 0, "A\xc4\x42", 0x1e);
    put_text(0, 3, "A", 0x96); /* bit 3 of the attribute off: the other font; blinks */
    for (uint32_t i = 0; i < 32; i++) {
        poke(2, 0x4000 + 'A' * 32 + i, 0x81); /* second font, by map select 4 */
        poke(2, 0x4000 + 0xc4 * 32 + i, 0x01);
        poke(2, 0x4000 + 'B' * 32 + i, (uint8_t)i);
        poke(2, 0x2000 + 'A' * 32 + i, 0x40); /* first font, by 10h */
    }
    vga_set_sequencer(&machine, 3, 0x14);
    vga_set_crtc(&machine, 0x0e, 0);
    vga_set_crtc(&machine, 0x0f, 0);
    take(720, 400);
    CHECK_EQUAL(pixel(0, 0), colour(14));
    CHECK_EQUAL(pixel(1, 0), colour(1));
    CHECK_EQUAL(pixel(7, 0), colour(14));
    CHECK_EQUAL(pixel(8, 0), colour(1)); /* the ninth is empty, */
    CHECK_EQUAL(pixel(16, 0), colour(14));
    CHECK_EQUAL(pixel(17, 0), colour(14)); /* but for lines */
    CHECK_EQUAL(pixel(18 + 4, 8), colour(14));
    CHECK_EQUAL(pixel(18 + 4, 7), colour(1));
    CHECK_EQUAL(pixel(27, 0), colour(1)); /* background 1, not 9: it blinks */
    CHECK_EQUAL(pixel(28, 0), colour(6));
    CHECK_EQUAL(pixel(1, 12), colour(1));
    CHECK_EQUAL(pixel(1, 13), colour(14)); /* the cursor's lines are 13 and 14 */
    CHECK_EQUAL(pixel(8, 14), colour(14));
    CHECK_EQUAL(pixel(1, 15), colour(1));
    CHECK_EQUAL(pixel(0, 16), colour(0));
    vga_set_attribute(&machine, 0x10, 0x04); /* no blinking: 16 background colours */
    take(720, 400);
    CHECK_EQUAL(pixel(27, 0), colour(9));
    vga_set_attribute(&machine, 0x13, 1); /* 2 pixels to the left */
    take(720, 400);
    CHECK_EQUAL(pixel(5, 0), colour(14));
    vga_set_attribute(&machine, 0x13, 8);
    vga_set_sequencer(&machine, 1, 1); /* 8 dots */
    take(640, 400);
    CHECK_EQUAL(pixel(8 + 7, 0), colour(14));
    CHECK_EQUAL(pixel(16, 0), colour(1));
    vga_set_sequencer(&machine, 1, 0x21); /* off */
    take(640, 400);
    CHECK_EQUAL(pixel(8 + 7, 0), 0);
    end();
}

/* --- 256 colours --- */

static void mode_13h(void)
{
    start(0x13);
    for (uint32_t i = 0; i < 64000; i++)
        fake_write(fake, 0xa0000 + i, 1, (i / 320 + i % 320) & 63);
    take(320, 200);
    for (uint32_t y = 0; y < 200; y += 33) {
        for (uint32_t x = 0; x < 320; x += 7)
            CHECK_EQUAL(pixel(x, y), colour((x + y) & 63));
    }
    fake_outb(fake, 0x3c6, 0x0f);
    take(320, 200);
    CHECK_EQUAL(pixel(40, 0), colour(8));
    fake_outb(fake, 0x3c6, 0xff);
    vga_set_attribute(&machine, 0x13, 4); /* 2 pixels left */
    vga_set_crtc(&machine, 0x0d, 80);     /* 1 row down */
    vga_set_crtc(&machine, 0x07, 0x0f);
    vga_set_crtc(&machine, 0x09, 0x01);
    vga_set_crtc(&machine, 0x18, 99); /* from line 100, row 50, on the first again */
    take(320, 200);
    CHECK_EQUAL(pixel(0, 0), colour(3));
    CHECK_EQUAL(pixel(0, 49), colour(52));
    CHECK_EQUAL(pixel(0, 50), colour(2));
    vga_set_attribute(&machine, 0x10, 0x61); /* which does not pan */
    take(320, 200);
    CHECK_EQUAL(pixel(0, 50), colour(0));
    CHECK_EQUAL(pixel(0, 49), colour(52));
    vga_set_crtc(&machine, 0x0c, 0x40); /* doubleword mode: the highest bits become the lowest */
    poke(2, 80 * 4 + 1, 0x21);
    take(320, 200);
    CHECK_EQUAL(pixel(0, 0), colour(0x21));
    vga_set_crtc(&machine, 0x0c, 0);
    fake_outb(fake, 0x3c8, 52);
    vga_set_dispi(&machine, 4, 0x20); /* 8 bits */
    fake_outb(fake, 0x3c9, 0x91);
    take(320, 200);
    CHECK_EQUAL(pixel(0, 49), 0x91340b);
    end();
}

static void mode_x(void)
{
    start(0x13);
    vga_set_sequencer(&machine, 4, 6);
    vga_set_crtc(&machine, 0x14, 0);
    vga_set_crtc(&machine, 0x17, 0xe3);
    vga_set_crtc(&machine, 0x09, 0x40); /* 400 rows */
    for (uint8_t plane = 0; plane < 4; plane++) {
        vga_set_sequencer(&machine, 2, (uint8_t)(1 << plane));
        for (uint32_t i = 0; i < 400; i++)
            fake_write(fake, 0xa0000 + 80 * i + 5, 1, 10u * plane + i % 8);
    }
    take(320, 400);
    for (uint32_t x = 0; x < 4; x++) {
        CHECK_EQUAL(pixel(20 + x, 0), colour(10 * x));
        CHECK_EQUAL(pixel(20 + x, 399), colour(10 * x + 7));
    }
    CHECK_EQUAL(pixel(19, 0), colour(0));
    end();
}

/* --- 2 to 16 colours --- */

static void mode_12h(void)
{
    start(0x12);
    vga_set_graphics(&machine, 5, 2);
    vga_set_graphics(&machine, 8, 0x20); /* pixel 2 */
    fake_read(fake, 0xa0000 + 80 * 479 + 79, 1);
    fake_write(fake, 0xa0000 + 80 * 479 + 79, 1, 13);
    take(640, 480);
    CHECK_EQUAL(pixel(634, 479), colour(13));
    CHECK_EQUAL(pixel(633, 479), colour(0));
    vga_set_attribute(&machine, 13, 0x2a);
    take(640, 480);
    CHECK_EQUAL(pixel(634, 479), colour(0x2a));
    vga_set_attribute(&machine, 0x10, 0x81);
    vga_set_attribute(&machine, 0x14, 0x0d); /* bits 4 to 7 are from here */
    take(640, 480);
    CHECK_EQUAL(pixel(634, 479), colour(0xda));
    vga_set_attribute(&machine, 0x12, 0x05); /* planes */
    take(640, 480);
    CHECK_EQUAL(pixel(634, 479), colour(0xd5));
    vga_set_attribute(&machine, 0x13, 3);
    take(640, 480);
    CHECK_EQUAL(pixel(631, 479), colour(0xd5));
    vga_set_crtc(&machine, 0x07, 0x2e);
    vga_set_crtc(&machine, 0x09, 0x00);
    vga_set_crtc(&machine, 0x18, 0x0a); /* from line 11 on again from the first */
    poke(0, 80, 0x10);
    take(640, 480);
    CHECK_EQUAL(pixel(0, 1), colour(0xd1));
    CHECK_EQUAL(pixel(0, 11), colour(0xd0));
    CHECK_EQUAL(pixel(0, 12), colour(0xd1));
    end();
}

static void cga_modes(void)
{
    start(4);
    fake_write(fake, 0xb8000, 1, 0x1b);                    /* pixels 0, 1, 2, 3 */
    fake_write(fake, 0xb8000 + 0x2000 + 80 + 79, 1, 0x39); /* row 3: 0, 3, 2, 1 */
    take(320, 200);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQUAL(pixel(i, 0), colour(i));
        CHECK_EQUAL(pixel(316 + i, 3), colour(-i & 3));
    }
    CHECK_EQUAL(pixel(4, 0), colour(0));
    end();

    start(6);
    fake_write(fake, 0xb8000 + 1, 1, 0x41);
    fake_write(fake, 0xb8000 + 0x2000, 1, 0x80);
    take(640, 200);
    CHECK_EQUAL(pixel(9, 0), colour(1));
    CHECK_EQUAL(pixel(10, 0), colour(0));
    CHECK_EQUAL(pixel(15, 0), colour(1));
    CHECK_EQUAL(pixel(0, 1), colour(1));
    CHECK_EQUAL(pixel(0, 2), colour(0));
    end();
}

/* --- VBE --- */

static void vbe_depth(uint16_t bpp, uint32_t value, uint32_t rgb)
{
    uint32_t bytes = (bpp + 7u) / 8;
    uint8_t *memory = machine.vga.memory.data;

    vga_set_vbe(&machine, 640, 480, bpp);
    memcpy(memory + bytes * (640 * 479 + 639), &value, bytes);
    take(640, 480);
    CHECK_EQUAL(pixel(639, 479), rgb);
    vga_set_dispi(&machine, 6, 700);
    vga_set_dispi(&machine, 8, 60);
    vga_set_dispi(&machine, 9, 5);
    memcpy(memory + bytes * (700 * (5 + 10) + 60 + 20), &value, bytes);
    take(640, 480);
    CHECK_EQUAL(pixel(20, 10), rgb);
    vga_set_dispi(&machine, 9, 0xffff); /* out of video memory */
    take(640, 480);
    if (bpp != 8)
        CHECK_EQUAL(pixel(20, 10), 0);
}

static void vbe(void)
{
    start(3);
    vbe_depth(8, 33, colour(33));
    vbe_depth(15, 0x7c00 | 0x10 << 5 | 1, 0xff8408);
    vbe_depth(16, 0xf800 | 0x20 << 5 | 1, 0xff8208);
    vbe_depth(24, 0x123456, 0x123456);
    vbe_depth(32, 0xff123456, 0x123456);
    vga_set_attribute(&machine, 0x12, 0x0f);
    vga_set_vbe(&machine, 800, 600, 4);
    for (uint8_t plane = 1; plane < 4; plane++)
        poke(plane, 100 * 599 + 99, 0x01);
    take(800, 600);
    CHECK_EQUAL(pixel(799, 599), colour(14));
    vga_set_dispi(&machine, 8, 3);
    take(800, 600);
    CHECK_EQUAL(pixel(796, 599), colour(14));
    end();
}

int main(void)
{
    text();
    text_picture();
    mode_13h();
    mode_x();
    mode_12h();
    cga_modes();
    vbe();
    vga_machine_create(&machine); /* after a reset */
    take(9, 1);
    CHECK_EQUAL(pixel(0, 0), 0);
    end();
    return unit_result();
}
