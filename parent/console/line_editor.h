/* Editing of one command line on a terminal that knows ANSI escape sequences: a serial port, or our
 * own screen. Pure logic: bytes in, text out. Not locked: one thread uses an editor.
 *
 * Keys: arrows, Home, End, Delete, Backspace; ^A ^E ^B ^F ^D ^H ^K ^U ^W ^L ^C ^P ^N as in common
 * shells; Tab completes, twice lists. Lines longer than the terminal is wide scroll sideways. */
#ifndef VENEER_PARENT_CONSOLE_LINE_EDITOR_H
#define VENEER_PARENT_CONSOLE_LINE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_SIZE 512 /* bytes with NUL */
#define HISTORY_LINES 64
#define COMPLETION_LIMIT 128 /* candidates that are looked at */
#define COMPLETION_SIZE 256

enum line_event {
    LINE_EDITING, /* go on */
    LINE_READY,   /* Enter: the text is in `line` */
    LINE_CANCEL,  /* ^C: the line is empty */
    LINE_END,     /* ^D on an empty line */
};

/* Writes candidates for the word that begins at @word (bytes from the line's start) and ends at
 * @cursor, one by one, by calling @add with the whole replacement word; a candidate that ends in
 * '/' gets no space behind it. */
typedef void (*completion_add_t)(void *list, const char *candidate);
typedef void (*completer_t)(void *context, const char *line, size_t word, size_t cursor,
                            completion_add_t add, void *list);

struct line_editor {
    /* Set by the owner. */
    void (*write)(void *context, const char *text, size_t length);
    completer_t complete; /* NULL: Tab does nothing */
    void *context;        /* for both */
    uint32_t columns;     /* of the terminal, >= 20 */

    char line[LINE_SIZE];
    /* The rest is the editor's own. */
    const char *prompt;
    size_t length, cursor, first; /* first: leftmost byte that is shown */
    uint8_t escape;               /* state of an escape sequence */
    uint8_t escape_number;
    bool tab_before;
    char history[HISTORY_LINES][LINE_SIZE];
    uint32_t history_count;     /* lines ever added */
    uint32_t history_offset;    /* how far back is shown; 0: the new line */
    char unfinished[LINE_SIZE]; /* the new line, while history is shown */
};

/* Begins a new line: shows @prompt, which must stay. */
void line_begin(struct line_editor *editor, const char *prompt);

/* Takes one byte of input. After anything but LINE_EDITING, call line_begin() for the next. */
enum line_event line_input(struct line_editor *editor, char byte);

/* Shows the prompt and the line again: after other output. */
void line_redraw(struct line_editor *editor);

/* Adds the text to the history, unless it is empty or the same as the last. */
void line_remember(struct line_editor *editor, const char *text);

#endif
