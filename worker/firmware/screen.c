#include "worker/firmware/screen.h"

static void put(char c)
{
    struct frame call = {0};

    call.ah = 0x0e;
    call.al = (uint8_t)c;
    call.bl = 7;
    call.flags = FLAG_IF;
    call_interrupt(0x10, &call);
}

void screen_print(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            put('\r');
        put(*text);
    }
}

void screen_print_decimal(uint32_t value)
{
    char digits[10];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        put(digits[--count]);
}
