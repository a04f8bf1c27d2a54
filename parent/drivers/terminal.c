#include "parent/drivers/terminal.h"

#include <stddef.h>

#define ESCAPE 0x1b
#define PARAMETER_MAX 1000u

void terminal_init(struct terminal *terminal, struct screen *screen, struct terminal_line *history,
                   uint32_t history_size, struct screen_cells *live)
{
    *terminal = (struct terminal){
        .screen = screen, .history = history, .history_size = history_size, .live = live};
}

void terminal_show_cursor(struct terminal *terminal, bool visible)
{
    if (terminal->cursor_visible == visible || terminal->back > 0)
        return;
    terminal->cursor_visible = visible;
    screen_show_cursor(terminal->screen, visible);
}

/* --- Looking back ----------------------------------------------------------------------------- */

static void draw_row(struct screen *screen, uint32_t row, const char *text)
{
    for (uint32_t column = 0; column < screen->columns; column++)
        screen_draw(screen, column, row, text[column]);
}

/* Shows the lines that were on the screen @back lines ago. */
static void show_view(struct terminal *terminal, uint32_t back)
{
    struct screen *screen = terminal->screen;
    uint64_t first = terminal->history_end - back;

    if (terminal->back == 0 && back > 0)
        *terminal->live = *screen->cells;
    terminal->back = back;
    for (uint32_t row = 0; row < screen->rows; row++) {
        uint64_t line = first + row;

        if (line < terminal->history_end)
            draw_row(screen, row, terminal->history[line % terminal->history_size].text);
        else
            draw_row(screen, row, terminal->live->rows[line - terminal->history_end]);
    }
}

void terminal_scroll(struct terminal *terminal, bool up)
{
    uint32_t step = terminal->screen->rows / 2;
    uint64_t kept = terminal->history_end < terminal->history_size ? terminal->history_end
                                                                   : terminal->history_size;
    uint32_t back = terminal->back;

    if (up)
        back = back + step < kept ? back + step : (uint32_t)kept;
    else
        back = back > step ? back - step : 0;
    if (back == terminal->back)
        return;
    terminal_show_cursor(terminal, false);
    show_view(terminal, back);
}

/* The first row is about to leave the screen. */
static void keep_first_row(struct terminal *terminal)
{
    struct terminal_line *line;

    if (terminal->history_size == 0)
        return;
    line = &terminal->history[terminal->history_end % terminal->history_size];
    for (uint32_t i = 0; i < SCREEN_MAX_COLUMNS; i++)
        line->text[i] = terminal->screen->cells->rows[0][i];
    terminal->history_end++;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void put_text(struct terminal *terminal, char c)
{
    struct screen *screen = terminal->screen;
    bool moves = c != '\r' && c != '\b' && c != '\t' && c != '\n';
    bool wraps = moves && screen->column == screen->columns;

    if ((c == '\n' || wraps) && screen->row + 1 == screen->rows)
        keep_first_row(terminal);
    screen_put(screen, c);
}

/* Parameter @index, @otherwise if it is missing or 0. */
static uint32_t parameter(const struct terminal *terminal, uint32_t index, uint32_t otherwise)
{
    uint32_t value = terminal->parameters[index];

    return value == 0 ? otherwise : value;
}

static void move_cursor(struct terminal *terminal, uint64_t column, uint64_t row)
{
    struct screen *screen = terminal->screen;

    screen->column = column < screen->columns ? (uint32_t)column : screen->columns - 1;
    screen->row = row < screen->rows ? (uint32_t)row : screen->rows - 1;
}

/* Blanks row @row in [@from, @to). */
static void erase(struct terminal *terminal, uint32_t row, uint32_t from, uint32_t to)
{
    for (uint32_t column = from; column < to; column++)
        screen_draw(terminal->screen, column, row, ' ');
}

/* 0: from the cursor to the end; 1: from the beginning to the cursor; 2: all. */
static void erase_line(struct terminal *terminal, uint32_t kind)
{
    const struct screen *screen = terminal->screen;

    erase(terminal, screen->row, kind == 0 ? screen->column : 0,
          kind == 1 ? screen->column + 1 : screen->columns);
}

static void erase_display(struct terminal *terminal, uint32_t kind)
{
    const struct screen *screen = terminal->screen;
    uint32_t first = kind == 0 ? screen->row + 1 : 0;
    uint32_t end = kind == 1 ? screen->row : screen->rows;

    for (uint32_t row = first; row < end; row++)
        erase(terminal, row, 0, screen->columns);
    if (kind < 2)
        erase_line(terminal, kind);
}

static void do_sequence(struct terminal *terminal, char final)
{
    const struct screen *screen = terminal->screen;
    uint32_t count = parameter(terminal, 0, 1);
    uint32_t column = screen->column, row = screen->row;

    switch (final) {
    case 'A':
        move_cursor(terminal, column, row > count ? row - count : 0);
        break;
    case 'B':
        move_cursor(terminal, column, row + count);
        break;
    case 'C':
        move_cursor(terminal, column + count, row);
        break;
    case 'D':
        move_cursor(terminal, column > count ? column - count : 0, row);
        break;
    case 'G':
        move_cursor(terminal, count - 1, row);
        break;
    case 'H':
        move_cursor(terminal, parameter(terminal, 1, 1) - 1, count - 1);
        break;
    case 'J':
        erase_display(terminal, terminal->parameters[0]);
        break;
    case 'K':
        erase_line(terminal, terminal->parameters[0]);
        break;
    default: /* colours, for example */
        break;
    }
}

/* A byte after ESC [. */
static void take_sequence_byte(struct terminal *terminal, char c)
{
    uint32_t *last = &terminal->parameters[terminal->parameter_count];

    if (c >= '0' && c <= '9') {
        if (*last < PARAMETER_MAX)
            *last = *last * 10 + (uint32_t)(c - '0');
    } else if (c == ';') {
        if (terminal->parameter_count + 1 < TERMINAL_PARAMETERS)
            terminal->parameter_count++;
    } else if (c >= '@' && c <= '~') {
        terminal->state = TERMINAL_TEXT;
        do_sequence(terminal, c);
    } else if (c < ' ' || c > '~') {
        terminal->state = TERMINAL_TEXT; /* no sequence has that */
    }
}

void terminal_put(struct terminal *terminal, char c)
{
    if (terminal->screen->mode.type == SCREEN_NONE)
        return;
    if (terminal->back > 0)
        show_view(terminal, 0);
    terminal_show_cursor(terminal, false);
    switch (terminal->state) {
    case TERMINAL_TEXT:
        if (c == ESCAPE)
            terminal->state = TERMINAL_ESCAPE;
        else
            put_text(terminal, c);
        break;
    case TERMINAL_ESCAPE:
        terminal->state = c == '[' ? TERMINAL_SEQUENCE : TERMINAL_TEXT;
        terminal->parameter_count = 0;
        for (uint32_t i = 0; i < TERMINAL_PARAMETERS; i++)
            terminal->parameters[i] = 0;
        break;
    case TERMINAL_SEQUENCE:
        take_sequence_byte(terminal, c);
        break;
    }
}
