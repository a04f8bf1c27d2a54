#include "lib/screen.h"

#include <stdlib.h>

#include "lib/font.h"
#include "tests/unit/unit.h"

static struct screen screen;
static struct screen_cells copy;

static void put(const char *text)
{
    while (*text != '\0')
        screen_put(&screen, *text++);
}

/* Compares the beginning of row @row of a VGA text screen, and expects blanks behind it. */
static void check_row(unsigned row, const char *text)
{
    const volatile uint8_t *cells = screen.memory + row * screen.mode.pitch;

    for (unsigned x = 0; x < screen.mode.width; x++) {
        char expected = ' ';

        if (*text != '\0')
            expected = *text++;
        CHECK_EQUAL(cells[2 * x], expected);
        CHECK_EQUAL(cells[2 * x + 1], 0x07);
    }
}

static void test_text_mode(void)
{
    struct screen_mode mode = {.type = SCREEN_VGA_TEXT, .pitch = 22, .width = 10, .height = 3};
    uint8_t *memory = malloc(screen_memory_size(&mode));

    memset(memory, 0xee, 66);
    CHECK(screen_init(&screen, &mode, memory, &copy));
    check_row(0, "");
    put("ab\tc\b\bd\r1\n\x7f\x01");
    check_row(0, "1b     dc");
    check_row(1, "??");
    /* A full line, and then its end, take one line. */
    put("\r0123456789\nx");
    check_row(1, "0123456789");
    check_row(2, "x");
    put("\n0123456789y");
    check_row(0, "x");
    check_row(1, "0123456789");
    check_row(2, "y");
    put("\t\tz\n\n\n");
    check_row(0, "");
    check_row(2, "");
    /* Bytes beyond the cells of a line are not ours. */
    CHECK_EQUAL(memory[20], 0xee);
    CHECK_EQUAL(memory[65], 0xee);
    free(memory);
}

static uint32_t pixel_at(const uint8_t *memory, const struct screen_mode *mode, unsigned x,
                         unsigned y)
{
    uint32_t pixel = 0;

    memcpy(&pixel, memory + y * mode->pitch + x * mode->bytes_per_pixel, mode->bytes_per_pixel);
    return pixel;
}

static void check_glyph(const uint8_t *memory, const struct screen_mode *mode, unsigned column,
                        unsigned row, char c, uint32_t colour)
{
    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        for (unsigned x = 0; x < FONT_WIDTH; x++) {
            uint32_t expected = font_row(c, y) & (0x80 >> x) ? colour : 0;

            CHECK_EQUAL(pixel_at(memory, mode, column * FONT_WIDTH + x, row * FONT_HEIGHT + y),
                        expected);
        }
    }
}

static void test_framebuffer(const struct screen_mode *mode, uint32_t colour)
{
    uint64_t size = screen_memory_size(mode);
    uint8_t *memory = malloc(size);

    memset(memory, 0xee, size);
    CHECK(screen_init(&screen, mode, memory, &copy));
    CHECK_EQUAL(pixel_at(memory, mode, mode->width - 1, mode->height - 1), 0);
    CHECK_EQUAL(memory[size - 1], 0xee);
    put("AB\nC\nD");
    check_glyph(memory, mode, 0, 0, 'C', colour);
    check_glyph(memory, mode, 1, 0, ' ', colour);
    check_glyph(memory, mode, 0, 1, 'D', colour);
    CHECK_EQUAL(memory[size - 1], 0xee);
    free(memory);
}

static void test_framebuffers(void)
{
    /* Two rows, and pixels left over at the right and at the bottom. */
    struct screen_mode mode = {
        .type = SCREEN_RGB,
        .width = 21,
        .height = 37,
        .bytes_per_pixel = 4,
        .red_shift = 16,
        .red_bits = 8,
        .green_shift = 8,
        .green_bits = 8,
        .blue_shift = 0,
        .blue_bits = 8,
    };

    mode.pitch = 21 * 4 + 3;
    test_framebuffer(&mode, 0xbfbfbf);
    mode.bytes_per_pixel = 3;
    mode.pitch = 21 * 3 + 1;
    test_framebuffer(&mode, 0xbfbfbf);
    mode = (struct screen_mode){
        .type = SCREEN_RGB,
        .width = 21,
        .height = 37,
        .bytes_per_pixel = 2,
        .red_shift = 11,
        .red_bits = 5,
        .green_shift = 5,
        .green_bits = 6,
        .blue_shift = 0,
        .blue_bits = 5,
        .pitch = 21 * 2 + 1,
    };
    test_framebuffer(&mode, 23 << 11 | 47 << 5 | 23);
}

/* After a move, the old memory and the old copy are not used any more. */
static void test_move(void)
{
    struct screen_mode mode = {.type = SCREEN_VGA_TEXT, .pitch = 20, .width = 10, .height = 2};
    static struct screen_cells old_copy;
    uint8_t old_memory[40], memory[40];

    CHECK(screen_init(&screen, &mode, old_memory, &old_copy));
    put("a\nb");
    memcpy(memory, old_memory, sizeof(memory));
    screen_move(&screen, memory, &copy);
    memset(&old_copy, '#', sizeof(old_copy));
    memset(old_memory, '#', sizeof(old_memory));
    put("\nc");
    check_row(0, "b");
    check_row(1, "c");
    CHECK_EQUAL(old_memory[0], '#');
    CHECK_EQUAL(old_copy.rows[0][0], '#');
}

/* A screen with more cells than are kept: the upper left part is used. */
static void test_large(void)
{
    struct screen_mode mode = {.type = SCREEN_VGA_TEXT,
                               .width = SCREEN_MAX_COLUMNS + 8,
                               .height = SCREEN_MAX_ROWS + 5,
                               .pitch = 2 * (SCREEN_MAX_COLUMNS + 8)};
    uint8_t *memory = malloc(screen_memory_size(&mode));

    CHECK(screen_init(&screen, &mode, memory, &copy));
    CHECK_EQUAL(screen.columns, SCREEN_MAX_COLUMNS);
    CHECK_EQUAL(screen.rows, SCREEN_MAX_ROWS);
    for (unsigned i = 0; i < 3 * SCREEN_MAX_COLUMNS * SCREEN_MAX_ROWS; i++)
        screen_put(&screen, 'x');
    CHECK_EQUAL(memory[2 * SCREEN_MAX_COLUMNS - 2], 'x');
    CHECK_EQUAL(memory[2 * SCREEN_MAX_COLUMNS], ' ');
    free(memory);
}

static void check_refused(struct screen_mode mode)
{
    uint8_t memory[1];

    CHECK_EQUAL(screen_memory_size(&mode), 0);
    CHECK(!screen_init(&screen, &mode, memory, &copy));
    CHECK_EQUAL(screen.mode.type, SCREEN_NONE);
    screen_put(&screen, 'x');
}

static void test_refused(void)
{
    const struct screen_mode text = {
        .type = SCREEN_VGA_TEXT, .pitch = 160, .width = 80, .height = 25};
    const struct screen_mode rgb = {
        .type = SCREEN_RGB,
        .width = 640,
        .height = 480,
        .pitch = 2560,
        .bytes_per_pixel = 4,
        .red_shift = 16,
        .red_bits = 8,
        .green_shift = 8,
        .green_bits = 8,
        .blue_shift = 0,
        .blue_bits = 8,
    };
    struct screen_mode mode;

    CHECK_EQUAL(screen_memory_size(&text), 4000);
    CHECK_EQUAL(screen_memory_size(&rgb), 2560 * 480);
    check_refused((struct screen_mode){.type = SCREEN_NONE});
    mode = text, mode.height = 0, check_refused(mode);
    mode = text, mode.width = 81, check_refused(mode);
    mode = text, mode.width = UINT32_MAX, check_refused(mode);
    mode = rgb, mode.width = UINT32_MAX, check_refused(mode);
    mode = rgb, mode.height = 15, check_refused(mode);
    mode = rgb, mode.bytes_per_pixel = 1, check_refused(mode);
    mode = rgb, mode.bytes_per_pixel = 5, check_refused(mode);
    mode = rgb, mode.red_shift = 25, check_refused(mode);
    mode = rgb, mode.green_bits = 0, check_refused(mode);
    mode = rgb, mode.blue_bits = 40, check_refused(mode);
    /* The largest product of 32-bit numbers does not overflow. */
    mode = rgb, mode.pitch = mode.height = UINT32_MAX;
    CHECK_EQUAL(screen_memory_size(&mode), (uint64_t)UINT32_MAX * UINT32_MAX);
}

int main(void)
{
    test_text_mode();
    test_framebuffers();
    test_move();
    test_large();
    test_refused();
    return unit_result();
}
