/* An ANSI terminal on a screen (ECMA-48): what a line editor needs of it, and lines that have left
 * the screen to look back at. Pure logic; not locked. */
#ifndef VENEER_PARENT_DRIVERS_TERMINAL_H
#define VENEER_PARENT_DRIVERS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/screen.h"

#define TERMINAL_PARAMETERS 4

struct terminal_line {
    char text[SCREEN_MAX_COLUMNS];
};

enum terminal_state { TERMINAL_TEXT, TERMINAL_ESCAPE, TERMINAL_SEQUENCE };

struct terminal {
    struct screen *screen;
    enum terminal_state state;
    uint32_t parameters[TERMINAL_PARAMETERS];
    uint32_t parameter_count;
    bool cursor_visible;
    /* The last lines that have left the screen: line n is at history[n % history_size]. */
    struct terminal_line *history;
    uint32_t history_size;
    uint64_t history_end;      /* lines so far */
    uint32_t back;             /* how many lines the view is behind; 0: it is live */
    struct screen_cells *live; /* what the screen shows when it is */
};

/* Puts *@terminal on @screen, which is set up. Without history (NULL, 0, NULL) there is no looking
 * back. The memory stays the caller's and is used as long as the terminal is. */
void terminal_init(struct terminal *terminal, struct screen *screen, struct terminal_line *history,
                   uint32_t history_size, struct screen_cells *live);

/* Writes one byte. The view becomes live. Known sequences: cursor up, down, right, left, to a
 * column, to a place (A B C D G H); erase in display and in line (J K); all others are swallowed.
 */
void terminal_put(struct terminal *terminal, char c);

/* Moves the view half a screen back, or forth. */
void terminal_scroll(struct terminal *terminal, bool up);

/* Shows or hides where the next character goes. Writing hides it. */
void terminal_show_cursor(struct terminal *terminal, bool visible);

#endif
