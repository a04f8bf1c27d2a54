#include "parent/console/console.h"

#include <stddef.h>

#include "lib/string.h"
#include "parent/console/autorun.h"
#include "parent/console/command.h"
#include "parent/console/completion.h"
#include "parent/console/line_editor.h"
#include "parent/console/terminal.h"

#define PROMPT "veneer> "

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

int console_thread(void *argument)
{
    (void)argument;
    autorun();
    editor.write = write_to_terminal;
    editor.complete = completion_find;
    editor.columns = terminal_columns();
    terminal_print("Type help for the commands.\n");
    line_begin(&editor, PROMPT);
    for (;;) {
        enum line_event event = line_input(&editor, (char)terminal_key());
        if (event == LINE_EDITING)
            continue;
        if (event == LINE_READY)
            run_line();
        line_begin(&editor, PROMPT);
    }
}
