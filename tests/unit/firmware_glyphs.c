#include "worker/firmware/vga/glyphs.h"

#include "tests/unit/unit.h"

#define GLYPHS 256

static uint8_t glyphs_16[GLYPHS][16], glyphs_14[GLYPHS][14], glyphs_8[GLYPHS][8];

static int is_blank(unsigned c)
{
    return c == 0x00 || c == ' ' || c == 0xff;
}

/* Each character but blanks has pixels, and no two that one may confuse have the same. */
static void test_all_there(void)
{
    static const uint8_t zeros[16];

    for (unsigned c = 0; c < GLYPHS; c++) {
        CHECK((memcmp(glyphs_16[c], zeros, 16) == 0) == is_blank(c));
        CHECK((memcmp(glyphs_14[c], zeros, 14) == 0) == is_blank(c));
        CHECK((memcmp(glyphs_8[c], zeros, 8) == 0) == is_blank(c));
    }
    for (unsigned c = '!'; c <= '~'; c++) {
        for (unsigned d = '!'; d < c; d++) {
            if (memcmp(glyphs_8[c], glyphs_8[d], 8) == 0)
                fprintf(stderr, "%c and %c look the same in 8x8\n", (char)c, (char)d);
            CHECK(memcmp(glyphs_8[c], glyphs_8[d], 8) != 0);
            CHECK(memcmp(glyphs_16[c], glyphs_16[d], 16) != 0);
        }
    }
}

/* Lines of boxes reach the edges where others meet them, and nowhere else. */
static void test_boxes(void)
{
    static const uint8_t left[] = {0xb4, 0xbf, 0xc4, 0xd9, 0xcd, 0xb9};
    static const uint8_t right[] = {0xc0, 0xc3, 0xc4, 0xda, 0xcd, 0xcc};

    for (unsigned i = 0; i < sizeof(left); i++) {
        uint8_t from = 0, to = 0;

        for (unsigned y = 0; y < 16; y++) {
            from |= glyphs_16[left[i]][y] & 0x80;
            to |= glyphs_16[right[i]][y] & 0x01;
        }
        CHECK_EQUAL(from, 0x80);
        CHECK_EQUAL(to, 0x01);
    }
    CHECK_EQUAL(glyphs_16[0xb3][0], glyphs_16[0xb3][15]);
    CHECK_EQUAL(glyphs_16[0xda][0], 0); /* a corner above left: nothing above, */
    CHECK_EQUAL(glyphs_16[0xda][15], glyphs_16[0xb3][0]);
    CHECK_EQUAL(glyphs_16[0xc4][7], 0xff);
    CHECK_EQUAL(glyphs_16[0xba][0], 0x28);
    CHECK_EQUAL(glyphs_8[0xdb][0] & glyphs_8[0xdb][7], 0xff);
    CHECK_EQUAL(glyphs_8[0xdf][3], 0xff);
    CHECK_EQUAL(glyphs_8[0xdf][4], 0x00);
    CHECK_EQUAL(glyphs_16[0xdc][8], 0xff);
}

int main(void)
{
    for (unsigned c = 0; c < GLYPHS; c++)
        glyph_make((uint8_t)c, glyphs_16[c], glyphs_14[c], glyphs_8[c]);
    test_all_there();
    test_boxes();
    return unit_failures != 0;
}
