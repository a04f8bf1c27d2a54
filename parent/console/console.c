#include "parent/console/console.h"

#include <stddef.h>

#include "lib/string.h"
#include "parent/console/autorun.h"
#include "parent/console/command.h"
#include "parent/console/completion.h"
#include "parent/console/line_editor.h"
#include "parent/console/terminal.h"
#include "parent/include/input.h"
#include "parent/include/log.h"
#include "parent/include/time.h"

#define PROMPT "veneer> "
#define LOOK_INTERVAL_US 100000 /* for lines of the log */

static struct line_editor editor;

static void write_to_terminal(void *context, const char *text, size_t length)
{
    (void)context;
    terminal_write(text, length);
}

static void run_line(void)
{
    char line[LINE_SIZE];

    string_copy(line, editor.line, sizeof(line));
    line_remember(&editor, line);
    terminal_page(true);
    command_run_line(line);
    terminal_page(false);
}

/* The next key. Meanwhile, draws the line again when the log has erased it. */
static char next_key(void)
{
    uint32_t shown = log_shown();
    int key;

    while ((key = input_get(time_now() + LOOK_INTERVAL_US)) < 0) {
        if (log_shown() == shown)
            continue;
        shown = log_shown();
        line_redraw(&editor);
    }
    return (char)key;
}

/* Until there is a line; an empty one if it was cancelled. */
static void edit_line(void)
{
    enum line_event event;

    line_begin(&editor, PROMPT);
    log_set_editing(true);
    while ((event = line_input(&editor, next_key())) == LINE_EDITING)
        ;
    log_set_editing(false);
    if (event != LINE_READY)
        editor.line[0] = '\0';
}

int console_thread(void *argument)
{
    (void)argument;
    autorun();
    editor.write = write_to_terminal;
    editor.complete = completion_find;
    editor.columns = terminal_columns();
    terminal_print("Type help for the commands.\n");
    for (;;) {
        edit_line();
        if (editor.line[0] != '\0')
            run_line();
    }
}
