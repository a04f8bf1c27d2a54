/* parent/console/line_editor: keys, history, completion, and what is on the terminal afterwards. */
#include "parent/console/line_editor.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

/* A terminal of one row that matters: understands what the editor sends. */
static char row[256];
static size_t column;
static char parameter[16];
static size_t parameter_length;
static bool in_escape;
static char everything[8192];

static void terminal_escape(char final)
{
    if (final == 'K')
        memset(row + column, ' ', sizeof(row) - column);
    else if (final == 'C')
        column += strtoul(parameter, NULL, 10);
}

static void terminal_put(char c)
{
    if (in_escape) {
        if (c == '[')
            return;
        if (c >= '0' && c <= '9') {
            parameter[parameter_length++] = c;
            parameter[parameter_length] = '\0';
            return;
        }
        in_escape = false;
        terminal_escape(c);
    } else if (c == 0x1b) {
        in_escape = true;
        parameter_length = 0;
        parameter[0] = '\0';
    } else if (c == '\r') {
        column = 0;
    } else if (c == '\n') {
        memset(row, ' ', sizeof(row));
    } else {
        row[column++] = c;
    }
}

static void terminal_write(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++)
        terminal_put(text[i]);
    if (strlen(everything) + length < sizeof(everything))
        strncat(everything, text, length);
}

static void complete_fruit(void *context, const char *line, size_t word, size_t cursor,
                           completion_add_t add, void *list)
{
    static const char *const fruit[] = {"apple", "apricot", "banana", "dir/"};

    (void)context;
    for (size_t i = 0; i < sizeof(fruit) / sizeof(fruit[0]); i++)
        if (strncmp(fruit[i], line + word, cursor - word) == 0)
            add(list, fruit[i]);
}

static struct line_editor editor;

static void setup(uint32_t columns)
{
    memset(&editor, 0, sizeof(editor));
    memset(row, ' ', sizeof(row));
    column = 0;
    everything[0] = '\0';
    editor.write = terminal_write;
    editor.complete = complete_fruit;
    editor.columns = columns;
    line_begin(&editor, "> ");
}

static enum line_event type(const char *text)
{
    enum line_event event = LINE_EDITING;

    for (; *text != '\0'; text++)
        event = line_input(&editor, *text);
    return event;
}

/* What the row shows, without spaces at its end. */
static const char *shown(void)
{
    static char text[sizeof(row) + 1];
    size_t length = sizeof(row);

    while (length > 0 && row[length - 1] == ' ')
        length--;
    memcpy(text, row, length);
    text[length] = '\0';
    return text;
}

static void test_editing(void)
{
    setup(80);
    CHECK(type("helo") == LINE_EDITING);
    type("\x1b[Dl");
    CHECK(strcmp(editor.line, "hello") == 0);
    CHECK(strcmp(shown(), "> hello") == 0);
    CHECK(column == 2 + 4);
    type("\x01X\x05Y");
    CHECK(strcmp(editor.line, "XhelloY") == 0);
    type("\x1b[H\x1b[3~\x1b[F\x7f");
    CHECK(strcmp(editor.line, "hello") == 0);
    type(" big world\x17");
    CHECK(strcmp(editor.line, "hello big ") == 0);
    type("\x01\x06\x06\x0b");
    CHECK(strcmp(editor.line, "he") == 0);
    CHECK(type("\r") == LINE_READY);
    CHECK(strcmp(editor.line, "he") == 0);
}

static void test_ends(void)
{
    setup(80);
    CHECK(type("abc\x03") == LINE_CANCEL);
    CHECK(editor.line[0] == '\0');
    line_begin(&editor, "> ");
    CHECK(type("\x04") == LINE_END);
    line_begin(&editor, "> ");
    CHECK(type("ab\x01\x04") == LINE_EDITING);
    CHECK(strcmp(editor.line, "b") == 0);
}

static void test_limit(void)
{
    setup(40);
    for (int i = 0; i < 2 * LINE_SIZE; i++)
        line_input(&editor, (char)('a' + i % 26));
    CHECK(strlen(editor.line) == LINE_SIZE - 1);
    CHECK(strlen(shown()) <= 39);
    type("\x01");
    CHECK(strncmp(shown(), "> abc", 5) == 0);
    CHECK(column == 2);
}

static void test_history(void)
{
    setup(80);
    line_remember(&editor, "one");
    line_remember(&editor, "two");
    line_remember(&editor, "two");
    line_remember(&editor, "");
    type("new\x1b[A");
    CHECK(strcmp(editor.line, "two") == 0);
    type("\x10");
    CHECK(strcmp(editor.line, "one") == 0);
    type("\x1b[A");
    CHECK(strcmp(editor.line, "one") == 0);
    type("\x0e\x1bOB");
    CHECK(strcmp(editor.line, "new") == 0);
    for (int i = 0; i < 3 * HISTORY_LINES; i++) {
        char text[16];
        snprintf(text, sizeof(text), "line %d", i);
        line_remember(&editor, text);
    }
    line_begin(&editor, "> ");
    for (int i = 0; i < 2 * HISTORY_LINES; i++)
        type("\x10");
    CHECK(strcmp(editor.line, "line 128") == 0);
}

static void test_completion(void)
{
    setup(80);
    type("eat ap\t");
    CHECK(strcmp(editor.line, "eat ap") == 0);
    everything[0] = '\0';
    type("\t");
    CHECK(strstr(everything, "apple  apricot") != NULL);
    type("r\t");
    CHECK(strcmp(editor.line, "eat apricot ") == 0);
    type("d\t");
    CHECK(strcmp(editor.line, "eat apricot dir/") == 0);
    type(" zzz\t");
    CHECK(strcmp(editor.line, "eat apricot dir/ zzz") == 0);
}

int main(void)
{
    test_editing();
    test_ends();
    test_limit();
    test_history();
    test_completion();
    return unit_result();
}
