#include "lib/font.h"

#include <stdbool.h>

#include "tests/unit/unit.h"

/* Lines of the cell that capitals, and letters that hang below, reach. */
#define BASE_LINE 10
#define LAST_LINE 13

static bool same_glyph(char a, char b)
{
    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        if (font_row(a, y) != font_row(b, y))
            return false;
    }
    return true;
}

/* Each character has a picture that no other has, and leaves a space to its neighbours. */
static void test_distinct(void)
{
    for (int a = FONT_FIRST; a <= FONT_LAST; a++) {
        for (int b = FONT_FIRST; b < a; b++)
            CHECK(!same_glyph((char)a, (char)b));
        for (unsigned y = 0; y < FONT_HEIGHT; y++)
            CHECK((font_row((char)a, y) & 0x83) == 0);
        CHECK_EQUAL(font_row((char)a, 0), 0);
        CHECK_EQUAL(font_row((char)a, FONT_HEIGHT - 1), 0);
    }
}

static unsigned lowest_line(char c)
{
    unsigned lowest = 0;

    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        if (font_row(c, y) != 0)
            lowest = y;
    }
    return lowest;
}

static void test_base_line(void)
{
    CHECK_EQUAL(lowest_line(' '), 0);
    for (char c = 'A'; c <= 'Z'; c++)
        CHECK_EQUAL(lowest_line(c), BASE_LINE);
    for (char c = '0'; c <= '9'; c++)
        CHECK_EQUAL(lowest_line(c), BASE_LINE);
    for (char c = 'a'; c <= 'z'; c++)
        CHECK_EQUAL(lowest_line(c), strchr("gjpqy", c) != NULL ? LAST_LINE : BASE_LINE);
}

/* One glyph as it appears: pixels are neither mirrored nor moved. */
static void test_picture(void)
{
    static const uint8_t letter_l[FONT_HEIGHT] = {
        0, 0, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x7c, 0, 0, 0, 0, 0,
    };

    for (unsigned y = 0; y < FONT_HEIGHT; y++)
        CHECK_EQUAL(font_row('L', y), letter_l[y]);
}

int main(void)
{
    test_distinct();
    test_base_line();
    test_picture();
    return unit_result();
}
