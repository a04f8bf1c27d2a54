#include "parent/console/line_editor.h"

#include "lib/printf.h"
#include "lib/string.h"

#define CONTROL(letter) ((letter)&0x1f)
#define ESCAPE 0x1b
#define BACKSPACE 0x7f

/* Escape sequences: ESC, '[' or 'O', digits, final byte. */
enum escape_state { ESCAPE_NONE, ESCAPE_SEEN, ESCAPE_BRACKET };

static void write_text(struct line_editor *e, const char *text)
{
    e->write(e->context, text, strlen(text));
}

/* Bytes of the line that fit behind the prompt; the last column stays free, since terminals differ
 * in what they do there. */
static size_t room(const struct line_editor *e)
{
    size_t prompt = strlen(e->prompt);

    return e->columns > prompt + 2 ? e->columns - prompt - 1 : 1;
}

void line_redraw(struct line_editor *e)
{
    size_t width = room(e);

    if (e->cursor < e->first)
        e->first = e->cursor;
    if (e->cursor >= e->first + width)
        e->first = e->cursor - width + 1;
    size_t shown = e->length - e->first < width ? e->length - e->first : width;

    char move[24];
    write_text(e, "\r");
    write_text(e, e->prompt);
    e->write(e->context, e->line + e->first, shown);
    write_text(e, "\x1b[K\r");
    snprintf(move, sizeof(move), "\x1b[%zuC", strlen(e->prompt) + e->cursor - e->first);
    if (strlen(e->prompt) + e->cursor - e->first > 0)
        write_text(e, move);
}

void line_begin(struct line_editor *e, const char *prompt)
{
    e->prompt = prompt;
    e->length = e->cursor = e->first = 0;
    e->line[0] = '\0';
    e->escape = ESCAPE_NONE;
    e->tab_before = false;
    e->history_offset = 0;
    line_redraw(e);
}

/* Replaces @removed bytes at @position by @text, as far as it fits; the cursor goes behind it. */
static void replace(struct line_editor *e, size_t position, size_t removed, const char *text,
                    size_t length)
{
    size_t rest = e->length - position - removed;
    size_t space = LINE_SIZE - 1 - position - rest;

    if (length > space)
        length = space;
    memmove(e->line + position + length, e->line + position + removed, rest);
    memcpy(e->line + position, text, length);
    e->length = position + length + rest;
    e->cursor = position + length;
    e->line[e->length] = '\0';
}

static void set_line(struct line_editor *e, const char *text)
{
    replace(e, 0, e->length, text, strlen(text));
}

static size_t word_start(const struct line_editor *e)
{
    size_t start = e->cursor;

    while (start > 0 && e->line[start - 1] == ' ')
        start--;
    while (start > 0 && e->line[start - 1] != ' ')
        start--;
    return start;
}

/* --- History ------------------------------------------------------------------------------ */

static uint32_t history_depth(const struct line_editor *e)
{
    return e->history_count < HISTORY_LINES ? e->history_count : HISTORY_LINES;
}

static char *history_line(struct line_editor *e, uint32_t back)
{
    return e->history[(e->history_count - back) % HISTORY_LINES];
}

void line_remember(struct line_editor *e, const char *text)
{
    if (text[0] == '\0' || (e->history_count > 0 && strcmp(history_line(e, 1), text) == 0))
        return;
    string_copy(e->history[e->history_count % HISTORY_LINES], text, LINE_SIZE);
    e->history_count++;
}

static void show_history(struct line_editor *e, bool older)
{
    if (older ? e->history_offset >= history_depth(e) : e->history_offset == 0)
        return;
    if (e->history_offset == 0)
        string_copy(e->unfinished, e->line, LINE_SIZE);
    e->history_offset += older ? 1 : -1;
    set_line(e, e->history_offset == 0 ? e->unfinished : history_line(e, e->history_offset));
}

/* --- Completion --------------------------------------------------------------------------- */

struct candidates {
    struct line_editor *editor; /* lists them, or NULL */
    uint32_t count;
    uint32_t column;
    char common[COMPLETION_SIZE]; /* what all begin with */
};

static void add_candidate(void *list, const char *candidate)
{
    struct candidates *c = list;
    size_t same = 0;

    if (c->count++ == 0) {
        string_copy(c->common, candidate, sizeof(c->common));
        return;
    }
    while (c->common[same] != '\0' && c->common[same] == candidate[same])
        same++;
    c->common[same] = '\0';
}

static void list_candidate(void *list, const char *candidate)
{
    struct candidates *c = list;
    uint32_t width = (uint32_t)strlen(candidate) + 2;

    if (c->count++ >= COMPLETION_LIMIT)
        return;
    if (c->column != 0 && c->column + width > c->editor->columns) {
        write_text(c->editor, "\r\n");
        c->column = 0;
    }
    c->column += width;
    write_text(c->editor, candidate);
    write_text(c->editor, "  ");
}

static void complete(struct line_editor *e, bool list)
{
    struct candidates c = {.editor = e};
    size_t word = e->cursor;

    if (e->complete == NULL)
        return;
    while (word > 0 && e->line[word - 1] != ' ')
        word--;
    if (list) {
        write_text(e, "\r\n");
        e->complete(e->context, e->line, word, e->cursor, list_candidate, &c);
        write_text(e, "\r\n");
        return;
    }
    e->complete(e->context, e->line, word, e->cursor, add_candidate, &c);
    if (c.count == 0)
        return;
    size_t length = strlen(c.common);
    replace(e, word, e->cursor - word, c.common, length);
    if (c.count == 1 && length > 0 && c.common[length - 1] != '/')
        replace(e, e->cursor, 0, " ", 1);
}

/* --- Keys --------------------------------------------------------------------------------- */

static void move_cursor(struct line_editor *e, bool right)
{
    if (right ? e->cursor < e->length : e->cursor > 0)
        e->cursor += right ? 1 : -1;
}

static void delete_at_cursor(struct line_editor *e)
{
    if (e->cursor < e->length)
        replace(e, e->cursor, 1, "", 0);
}

static void delete_before_cursor(struct line_editor *e)
{
    if (e->cursor > 0)
        replace(e, e->cursor - 1, 1, "", 0);
}

/* The final byte of ESC [ number final, or ESC O final. */
static void escape_key(struct line_editor *e, char final)
{
    switch (final) {
    case 'A':
        show_history(e, true);
        break;
    case 'B':
        show_history(e, false);
        break;
    case 'C':
        move_cursor(e, true);
        break;
    case 'D':
        move_cursor(e, false);
        break;
    case 'H':
        e->cursor = 0;
        break;
    case 'F':
        e->cursor = e->length;
        break;
    case '~':
        if (e->escape_number == 1 || e->escape_number == 7)
            e->cursor = 0;
        else if (e->escape_number == 4 || e->escape_number == 8)
            e->cursor = e->length;
        else if (e->escape_number == 3)
            delete_at_cursor(e);
        break;
    }
}

/* True: the byte belonged to an escape sequence. */
static bool escape_input(struct line_editor *e, char byte)
{
    switch (e->escape) {
    case ESCAPE_NONE:
        if (byte != ESCAPE)
            return false;
        e->escape = ESCAPE_SEEN;
        e->escape_number = 0;
        return true;
    case ESCAPE_SEEN:
        e->escape = byte == '[' || byte == 'O' ? ESCAPE_BRACKET : ESCAPE_NONE;
        return true;
    default:
        if (byte >= '0' && byte <= '9') {
            e->escape_number = (uint8_t)(e->escape_number * 10 + (byte - '0'));
            return true;
        }
        if (byte == ';')
            return true;
        e->escape = ESCAPE_NONE;
        escape_key(e, byte);
        line_redraw(e);
        return true;
    }
}

static void editing_key(struct line_editor *e, char byte)
{
    switch (byte) {
    case CONTROL('A'):
        e->cursor = 0;
        break;
    case CONTROL('E'):
        e->cursor = e->length;
        break;
    case CONTROL('B'):
        move_cursor(e, false);
        break;
    case CONTROL('F'):
        move_cursor(e, true);
        break;
    case CONTROL('D'):
        delete_at_cursor(e);
        break;
    case CONTROL('H'):
    case BACKSPACE:
        delete_before_cursor(e);
        break;
    case CONTROL('K'):
        replace(e, e->cursor, e->length - e->cursor, "", 0);
        break;
    case CONTROL('U'):
        replace(e, 0, e->cursor, "", 0);
        break;
    case CONTROL('W'):
        replace(e, word_start(e), e->cursor - word_start(e), "", 0);
        break;
    case CONTROL('L'):
        write_text(e, "\x1b[H\x1b[2J");
        break;
    case CONTROL('P'):
        show_history(e, true);
        break;
    case CONTROL('N'):
        show_history(e, false);
        break;
    default:
        if (byte >= ' ' && byte != BACKSPACE)
            replace(e, e->cursor, 0, &byte, 1);
        break;
    }
}

/* Whether @byte has just been added at the end of a line that is shown whole: then it alone is
 * sent, for serial lines are slow. */
static bool appended(const struct line_editor *e, char byte)
{
    return byte >= ' ' && byte != BACKSPACE && e->cursor == e->length && e->first == 0 &&
           e->length > 0 && e->length < room(e) && e->line[e->length - 1] == byte;
}

enum line_event line_input(struct line_editor *e, char byte)
{
    bool tab_before = e->tab_before;

    e->tab_before = false;
    if (escape_input(e, byte))
        return LINE_EDITING;
    switch (byte) {
    case '\r':
    case '\n':
        write_text(e, "\r\n");
        return LINE_READY;
    case CONTROL('C'):
        replace(e, 0, e->length, "", 0);
        write_text(e, "^C\r\n");
        return LINE_CANCEL;
    case CONTROL('D'):
        if (e->length == 0) {
            write_text(e, "\r\n");
            return LINE_END;
        }
        break;
    case '\t':
        complete(e, tab_before);
        e->tab_before = true;
        line_redraw(e);
        return LINE_EDITING;
    }
    editing_key(e, byte);
    if (appended(e, byte))
        e->write(e->context, &byte, 1);
    else
        line_redraw(e);
    return LINE_EDITING;
}
