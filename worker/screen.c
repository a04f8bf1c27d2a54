/* The screen as text. */
#include "worker/screen.h"

#include "lib/unicode.h"
#include "worker/screen_scan.h"

#define UTF8_MAX UTF8_BYTES_PER_UTF16

/* Characters 0 to 1Fh of the font of a PC, which are no control characters on a screen. */
static const uint16_t low_characters[32] = {
    0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9,
    0x2642, 0x2640, 0x266a, 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7,
    0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc,
};
#define CHARACTER_DELETE 0x7f
#define HOUSE 0x2302 /* what the font has there */
#define CHARACTER_BLANK 0xff

static uint16_t to_utf16(uint8_t character)
{
    if (character < 32)
        return low_characters[character];
    if (character == CHARACTER_BLANK)
        return ' ';
    return character == CHARACTER_DELETE ? HOUSE : unicode_from_code_page_437(character);
}

static uint32_t row_height(const struct vga_state *state)
{
    return screen_row_lines(state) << screen_is_double_scan(state);
}

/* Writes row @row with its newline, if there is room for it; returns the length, 0 if not. */
static size_t write_row(const struct vga *vga, uint32_t row, uint32_t columns, char *line,
                        size_t size)
{
    const struct vga_state *state = &vga->state;
    struct screen_scan scan = screen_scan(state, row * row_height(state));
    size_t length = 0, end = 0;

    for (uint32_t column = 0; column < columns; column++) {
        uint32_t offset = screen_offset(state, scan.address + column, 0);
        uint16_t unit = to_utf16(screen_byte(vga, state, offset, 0));

        if (size - length < UTF8_MAX + 1) /* utf16_to_utf8() terminates */
            return 0;
        length += utf16_to_utf8(&unit, 1, line + length, size - length);
        if (unit != ' ')
            end = length;
    }
    if (size - end < 2)
        return 0;
    line[end] = '\n';
    return end + 1;
}

static void find_cursor(const struct vga_state *state, struct screen_text *text)
{
    uint32_t cursor = screen_crtc_word(state, CRTC_CURSOR_HIGH);
    uint8_t first = state->crtc[CRTC_CURSOR_START], last = state->crtc[CRTC_CURSOR_END];

    if (first & CRTC_CURSOR_START_OFF || (first & CRTC_CURSOR_ROWS) > (last & CRTC_CURSOR_ROWS))
        return;
    for (uint32_t row = 0; row < text->rows && !text->cursor; row++) {
        uint32_t address = screen_scan(state, row * row_height(state)).address;
        uint32_t column = (cursor - address) & 0xffff;

        if (column >= text->columns)
            continue;
        text->cursor = true;
        text->cursor_column = column;
        text->cursor_row = row;
    }
}

size_t screen_text(const struct vga *vga, struct screen_text *text, char *lines, size_t size)
{
    size_t length = 0;

    *text = (struct screen_text){0};
    lines[0] = '\0';
    if (screen_is_graphics(&vga->state))
        return 0;
    text->columns = screen_columns(&vga->state);
    text->rows = screen_lines(&vga->state) / row_height(&vga->state);
    if (text->rows == 0)
        text->rows = 1;
    find_cursor(&vga->state, text);
    for (uint32_t row = 0; row < text->rows; row++) {
        size_t written = write_row(vga, row, text->columns, lines + length, size - length);

        if (written == 0)
            break;
        length += written;
    }
    lines[length] = '\0';
    return length;
}
