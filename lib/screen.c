#include "lib/screen.h"

#include <stddef.h>

#include "lib/font.h"
#include "lib/string.h"

#define TEXT_CELL_BYTES 2
#define TEXT_ATTRIBUTE 0x07 /* light grey on black */
#define TEXT_ATTRIBUTE_REVERSE 0x70
#define TAB_COLUMNS 8

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t bytes_per_unit(const struct screen_mode *mode)
{
    return mode->type == SCREEN_VGA_TEXT ? TEXT_CELL_BYTES : mode->bytes_per_pixel;
}

static bool colour_fits(const struct screen_mode *mode, unsigned shift, unsigned bits)
{
    return bits > 0 && bits <= 16 && shift + bits <= mode->bytes_per_pixel * 8u;
}

static bool mode_usable(const struct screen_mode *mode)
{
    switch (mode->type) {
    case SCREEN_VGA_TEXT:
        if (mode->width < 1 || mode->height < 1)
            return false;
        break;
    case SCREEN_RGB:
        if (mode->width < FONT_WIDTH || mode->height < FONT_HEIGHT || mode->bytes_per_pixel < 2 ||
            mode->bytes_per_pixel > 4 || !colour_fits(mode, mode->red_shift, mode->red_bits) ||
            !colour_fits(mode, mode->green_shift, mode->green_bits) ||
            !colour_fits(mode, mode->blue_shift, mode->blue_bits))
            return false;
        break;
    default:
        return false;
    }
    return (uint64_t)mode->width * bytes_per_unit(mode) <= mode->pitch;
}

uint64_t screen_memory_size(const struct screen_mode *mode)
{
    return mode_usable(mode) ? (uint64_t)mode->pitch * mode->height : 0;
}

/* Three quarters of full brightness. */
static uint32_t light_grey(unsigned shift, unsigned bits)
{
    return ((1u << bits) - 1) * 3 / 4 << shift;
}

static uint32_t text_colour(const struct screen_mode *mode)
{
    return light_grey(mode->red_shift, mode->red_bits) |
           light_grey(mode->green_shift, mode->green_bits) |
           light_grey(mode->blue_shift, mode->blue_bits);
}

/* Writes a pixel at once where there is a store of its size: each may be a bus cycle. Nothing says
 * that it is aligned. */
static void write_pixel(volatile uint8_t *at, uint32_t bytes, uint32_t pixel)
{
    struct unaligned32 {
        uint32_t value;
    } __attribute__((packed, may_alias));
    struct unaligned16 {
        uint16_t value;
    } __attribute__((packed, may_alias));

    switch (bytes) {
    case 4:
        ((volatile struct unaligned32 *)at)->value = pixel;
        break;
    case 3:
        at[2] = (uint8_t)(pixel >> 16);
        /* fallthrough */
    default:
        ((volatile struct unaligned16 *)at)->value = (uint16_t)pixel;
        break;
    }
}

static void draw_glyph(const struct screen *screen, uint32_t column, uint32_t row, char c,
                       bool reverse)
{
    const struct screen_mode *mode = &screen->mode;
    uint32_t bytes = mode->bytes_per_pixel;
    uint32_t colour = text_colour(mode);
    volatile uint8_t *line = screen->memory + (size_t)row * FONT_HEIGHT * mode->pitch +
                             (size_t)column * FONT_WIDTH * bytes;

    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        uint8_t pixels = (uint8_t)(reverse ? ~font_row(c, y) : font_row(c, y));

        for (unsigned x = 0; x < FONT_WIDTH; x++)
            write_pixel(line + x * bytes, bytes, pixels & (0x80 >> x) ? colour : 0);
        line += mode->pitch;
    }
}

static void draw_cell(const struct screen *screen, uint32_t column, uint32_t row, bool reverse)
{
    char c = screen->cells->rows[row][column];
    uint32_t attribute = reverse ? TEXT_ATTRIBUTE_REVERSE : TEXT_ATTRIBUTE;

    if (screen->mode.type == SCREEN_RGB)
        draw_glyph(screen, column, row, c, reverse);
    else
        write_pixel(screen->memory + (size_t)row * screen->mode.pitch + column * TEXT_CELL_BYTES,
                    TEXT_CELL_BYTES, attribute << 8 | (uint8_t)c);
}

/* Shows @c, which is in 20h-7Eh, if it is not there already. */
static void set_cell(struct screen *screen, uint32_t column, uint32_t row, char c)
{
    if (screen->cells->rows[row][column] == c)
        return;
    screen->cells->rows[row][column] = c;
    draw_cell(screen, column, row, false);
}

/* Blank text cells and black pixels. */
static void clear(struct screen *screen)
{
    const struct screen_mode *mode = &screen->mode;
    uint32_t bytes = bytes_per_unit(mode);
    uint32_t blank = mode->type == SCREEN_VGA_TEXT ? TEXT_ATTRIBUTE << 8 | ' ' : 0;

    for (uint32_t y = 0; y < mode->height; y++) {
        volatile uint8_t *line = screen->memory + (size_t)y * mode->pitch;

        for (uint32_t x = 0; x < mode->width; x++)
            write_pixel(line + (size_t)x * bytes, bytes, blank);
    }
    memset(screen->cells, ' ', sizeof(*screen->cells));
}

bool screen_init(struct screen *screen, const struct screen_mode *mode, volatile void *memory,
                 struct screen_cells *cells)
{
    bool text = mode->type == SCREEN_VGA_TEXT;

    memset(screen, 0, sizeof(*screen));
    if (!mode_usable(mode))
        return false;
    screen->mode = *mode;
    screen->memory = memory;
    screen->cells = cells;
    screen->columns = smaller(mode->width / (text ? 1 : FONT_WIDTH), SCREEN_MAX_COLUMNS);
    screen->rows = smaller(mode->height / (text ? 1 : FONT_HEIGHT), SCREEN_MAX_ROWS);
    clear(screen);
    return true;
}

void screen_move(struct screen *screen, volatile void *memory, struct screen_cells *cells)
{
    *cells = *screen->cells;
    screen->cells = cells;
    screen->memory = memory;
}

static void scroll(struct screen *screen)
{
    for (uint32_t row = 0; row < screen->rows; row++) {
        bool last = row + 1 == screen->rows;

        for (uint32_t column = 0; column < screen->columns; column++)
            set_cell(screen, column, row, last ? ' ' : screen->cells->rows[row + 1][column]);
    }
}

static void new_line(struct screen *screen)
{
    screen->column = 0;
    if (screen->row + 1 < screen->rows)
        screen->row++;
    else
        scroll(screen);
}

static char printable(char c)
{
    return c < FONT_FIRST || c > FONT_LAST ? '?' : c;
}

void screen_draw(struct screen *screen, uint32_t column, uint32_t row, char c)
{
    if (screen->mode.type != SCREEN_NONE && column < screen->columns && row < screen->rows)
        set_cell(screen, column, row, printable(c));
}

void screen_show_cursor(struct screen *screen, bool visible)
{
    if (screen->mode.type != SCREEN_NONE && screen->column < screen->columns)
        draw_cell(screen, screen->column, screen->row, visible);
}

void screen_put(struct screen *screen, char c)
{
    if (screen->mode.type == SCREEN_NONE)
        return;
    switch (c) {
    case '\n':
        new_line(screen);
        return;
    case '\r':
        screen->column = 0;
        return;
    case '\b':
        if (screen->column > 0)
            screen->column--;
        return;
    case '\t':
        screen->column = smaller((screen->column / TAB_COLUMNS + 1) * TAB_COLUMNS, screen->columns);
        return;
    default:
        break;
    }
    /* Only here, so that a line as long as the screen is wide does not leave an empty one behind.
     */
    if (screen->column == screen->columns)
        new_line(screen);
    set_cell(screen, screen->column, screen->row, printable(c));
    screen->column++;
}
