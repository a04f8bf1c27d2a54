#include "worker/firmware/vga/vga.h"

#define CRTC_CURSOR_START 0x0a
#define CRTC_CURSOR_END 0x0b
#define CRTC_START_HIGH 0x0c
#define CRTC_CURSOR_HIGH 0x0e
#define CURSOR_OFF 0x20
#define PAGES 8
#define CURSOR_EMULATION_OFF 0x01 /* BDA_VIDEO_CONTROL */

uint8_t screen_rows(void)
{
    return (uint8_t)(bda_read8(BDA_ROWS_LESS_1) + 1);
}

uint8_t screen_columns(void)
{
    return bda_read8(BDA_COLUMNS);
}

static void write_crtc_word(uint8_t index, uint16_t value)
{
    uint16_t port = bda_read16(BDA_CRTC_PORT);

    vga_write(port, index, (uint8_t)(value >> 8));
    vga_write(port, (uint8_t)(index + 1), (uint8_t)value);
}

struct position cursor_get(uint8_t page)
{
    uint16_t word = bda_read16((uint16_t)(BDA_CURSORS + (page & (PAGES - 1)) * 2));

    return (struct position){(uint8_t)word, (uint8_t)(word >> 8)};
}

void cursor_set(uint8_t page, struct position position)
{
    page &= PAGES - 1;
    bda_write16((uint16_t)(BDA_CURSORS + page * 2),
                (uint16_t)(position.row << 8 | position.column));
    if (page != bda_read8(BDA_PAGE) || vga_mode()->layout != LAYOUT_TEXT)
        return;
    write_crtc_word(CRTC_CURSOR_HIGH,
                    (uint16_t)(bda_read16(BDA_PAGE_START) / 2 + position.row * screen_columns() +
                               position.column));
}

/* Programs count in the 8 lines of a CGA's character. */
void cursor_set_shape(uint8_t start, uint8_t end)
{
    uint16_t port = bda_read16(BDA_CRTC_PORT);
    uint8_t height = bda_read8(BDA_CHARACTER_HEIGHT), first = start & 0x1f, last = end & 0x1f;

    bda_write16(BDA_CURSOR_SHAPE, (uint16_t)(start << 8 | end));
    if (!(bda_read8(BDA_VIDEO_CONTROL) & CURSOR_EMULATION_OFF) && height > 8 && last < 8 &&
        first < 8 && !(start & CURSOR_OFF)) {
        if (first == last + 1 || first + 1 >= last) { /* a line or two, at the bottom or where */
            bool bottom = last >= 6;

            last = (uint8_t)(bottom ? height - 2 : (last + 1) * height / 8 - 1);
            first = (uint8_t)(last - 1);
        } else {
            first = (uint8_t)(first * height / 8);
            last = (uint8_t)((last + 1) * height / 8 - 1);
        }
    }
    vga_write(port, CRTC_CURSOR_START, (uint8_t)((start & CURSOR_OFF) | first));
    vga_write(port, CRTC_CURSOR_END, last);
}

void page_select(uint8_t page)
{
    uint16_t start = (uint16_t)(bda_read16(BDA_PAGE_SIZE) * (page & (PAGES - 1)));

    bda_write8(BDA_PAGE, page & (PAGES - 1));
    bda_write16(BDA_PAGE_START, start);
    write_crtc_word(CRTC_START_HIGH, vga_mode()->layout == LAYOUT_TEXT ? start / 2 : start);
    cursor_set(page, cursor_get(page));
}

/* The offset of a character in text memory. */
static uint16_t offset_of(uint8_t page, struct position position)
{
    return (uint16_t)(bda_read16(BDA_PAGE_SIZE) * (page & (PAGES - 1)) +
                      (position.row * screen_columns() + position.column) * 2);
}

void screen_put(uint8_t page, struct position position, uint8_t character, uint8_t attribute)
{
    const struct vga_mode *mode = vga_mode();

    if (mode->layout == LAYOUT_TEXT)
        far_write16(mode->segment, offset_of(page, position),
                    (uint16_t)(attribute << 8 | character));
    else
        graphics_put(mode, page, position, character, attribute);
}

void screen_put_plain(uint8_t page, struct position position, uint8_t character, uint8_t color)
{
    const struct vga_mode *mode = vga_mode();

    if (mode->layout == LAYOUT_TEXT)
        far_write8(mode->segment, offset_of(page, position), character);
    else
        graphics_put(mode, page, position, character, color);
}

uint16_t screen_get(uint8_t page, struct position position)
{
    const struct vga_mode *mode = vga_mode();

    if (mode->layout == LAYOUT_TEXT)
        return far_read16(mode->segment, offset_of(page, position));
    return graphics_get(mode, page, position);
}

static void blank_row(uint16_t segment, uint16_t offset, uint16_t words, uint8_t attribute)
{
    uint32_t di = offset, cx = words;

    __asm__ volatile("pushw %%es\n\tmovw %w2, %%es\n\trep stosw\n\tpopw %%es"
                     : "+D"(di), "+c"(cx)
                     : "d"(segment), "a"((uint16_t)(attribute << 8 | ' '))
                     : "memory");
}

static void text_scroll(uint16_t segment, uint8_t page, struct window window, uint8_t lines,
                        uint8_t attribute, bool down)
{
    uint16_t words = (uint16_t)(window.right - window.left + 1);
    uint8_t height = (uint8_t)(window.bottom - window.top + 1);

    for (uint8_t i = 0; i < height; i++) {
        uint8_t row = (uint8_t)(down ? window.bottom - i : window.top + i);
        uint16_t to = offset_of(page, (struct position){window.left, row}), from;

        if (i + lines >= height) {
            blank_row(segment, to, words, attribute);
            continue;
        }
        from = offset_of(
            page, (struct position){window.left, (uint8_t)(down ? row - lines : row + lines)});
        far_move(segment, to, segment, from, (uint16_t)(words * 2));
    }
}

void screen_scroll(uint8_t page, struct window window, uint8_t lines, uint8_t attribute, bool down)
{
    const struct vga_mode *mode = vga_mode();

    if (window.bottom >= screen_rows())
        window.bottom = (uint8_t)(screen_rows() - 1);
    if (window.right >= screen_columns())
        window.right = (uint8_t)(screen_columns() - 1);
    if (window.top > window.bottom || window.left > window.right)
        return;
    if (!lines || lines > window.bottom - window.top)
        lines = (uint8_t)(window.bottom - window.top + 1);
    if (mode->layout == LAYOUT_TEXT)
        text_scroll(mode->segment, page, window, lines, attribute, down);
    else
        graphics_scroll(mode, page, window, lines, attribute, down);
}

void screen_teletype(uint8_t page, uint8_t character, uint8_t color)
{
    struct position position = cursor_get(page);
    struct window all = {0, 0, (uint8_t)(screen_rows() - 1), (uint8_t)(screen_columns() - 1)};

    switch (character) {
    case '\a':
        return;
    case '\b':
        if (position.column)
            position.column--;
        break;
    case '\r':
        position.column = 0;
        break;
    case '\n':
        position.row++;
        break;
    default:
        screen_put_plain(page, position, character, color);
        position.column++;
    }
    if (position.column >= screen_columns()) {
        position.column = 0;
        position.row++;
    }
    if (position.row >= screen_rows()) {
        uint8_t attribute = 0;

        position.row = (uint8_t)(screen_rows() - 1);
        if (vga_mode()->layout == LAYOUT_TEXT) {
            struct position last = cursor_get(page);

            if (last.row >= screen_rows())
                last.row = position.row;
            attribute = (uint8_t)(screen_get(page, last) >> 8);
        }
        screen_scroll(page, all, 1, attribute, false);
    }
    cursor_set(page, position);
}
