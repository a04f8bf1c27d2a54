/* Self test "input": a line that the test harness types on the keyboard; it checks what came. */
#include <stddef.h>

#include "lib/printf.h"
#include "parent/include/input.h"
#include "parent/include/time.h"
#include "parent/kernel/selftest.h"

#define LIMIT_US 30000000
#define TEXT_SIZE 96

/* Appends what shows @byte: control characters as ^ and a letter. */
static size_t append(char *text, size_t length, int byte)
{
    const char *format = byte < ' ' || byte == 0x7f ? "^%c" : "%c";
    return length + (size_t)snprintf(text + length, TEXT_SIZE - length, format,
                                     format[0] == '^' ? byte ^ 0x40 : byte);
}

static void run_input(void)
{
    char text[TEXT_SIZE] = "";
    size_t length = 0;
    int byte = 0;
    note("type a line");
    while (byte != '\r' && length < TEXT_SIZE - 3) {
        byte = input_get(time_now() + LIMIT_US);
        if (!check(byte >= 0, "nothing is typed after \"%s\"", text))
            return;
        length = append(text, length, byte);
    }
    note("typed %s", text);
}

const struct selftest selftest_input = {"input", run_input, SELFTEST_ONCE, true};
