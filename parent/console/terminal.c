#include "parent/console/terminal.h"

#include <stdarg.h>

#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/include/input.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/console.h"

#define CONTROL_C 0x03
#define BAR_WIDTH 40
#define BAR_INTERVAL_US 200000

static bool paging, interrupted;
static uint32_t lines_shown; /* since the last stop */

static uint32_t size_option(const char *key, uint32_t standard, uint32_t smallest)
{
    char text[8];
    uint64_t number;

    if (boot_option(key, text, sizeof(text)) && parse_number(text, &number) && number >= smallest &&
        number <= 500)
        return (uint32_t)number;
    return standard;
}

uint32_t terminal_columns(void)
{
    return size_option("columns", 80, 20);
}

static uint32_t terminal_rows(void)
{
    return size_option("rows", 24, 4);
}

void terminal_write(const char *text, size_t length)
{
    print("%.*s", (int)length, text);
}

int terminal_key(void)
{
    return input_get(WAIT_FOREVER);
}

/* At the end of a page: space shows the next, Enter one more line, q ends the command. */
static void wait_at_page_end(void)
{
    static const char question[] = "-- more: space, Enter, or q to end --";

    print("%s", question);
    for (;;) {
        int key = terminal_key();
        if (key == ' ')
            lines_shown = 0;
        else if (key == '\r' || key == '\n')
            lines_shown--;
        else if (key == 'q' || key == CONTROL_C)
            interrupted = true;
        else
            continue;
        break;
    }
    print("\r%*s\r", (int)sizeof(question), "");
}

static void put(void *context, char c)
{
    (void)context;
    if (interrupted)
        return;
    print("%c", c);
    if (c != '\n' || !paging)
        return;
    if (++lines_shown + 1 >= terminal_rows())
        wait_at_page_end();
}

void terminal_print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_format(put, NULL, format, arguments);
    va_end(arguments);
}

void terminal_page(bool on)
{
    paging = on;
    lines_shown = 0;
    interrupted = false;
}

bool terminal_interrupted(void)
{
    int byte;

    while (!interrupted && (byte = input_get(0)) >= 0)
        interrupted = byte == CONTROL_C;
    return interrupted;
}

static bool bar_shown; /* the cursor is behind it */

void terminal_progress(const char *what, uint64_t done, uint64_t total)
{
    static uint64_t next; /* when the bar is drawn again */
    char bar[BAR_WIDTH + 1];
    uint64_t filled = total == 0 ? BAR_WIDTH : done * BAR_WIDTH / total;

    if (done == 0)
        next = time_now() + BAR_INTERVAL_US;
    if (time_now() < next)
        return;
    next = time_now() + BAR_INTERVAL_US;
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    print("\r%s [%s] %3lu%%", what, bar, total == 0 ? 100 : done * 100 / total);
    bar_shown = done != total;
    if (done == total)
        print("\n");
}

void terminal_progress_end(void)
{
    if (bar_shown)
        print("\n");
    bar_shown = false;
}
