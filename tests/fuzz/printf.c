/* Each conversion that lib/printf.c knows, with all flags, against the C library. */
#include <stdbool.h>

#include "lib/printf.h"

#include "tests/fuzz/fuzz.h"

int veneer_snprintf(char *buffer, size_t size, const char *format, ...);

static char format[64];
static char actual[512], expected[512];
static size_t buffer_size;

/* Formats by both; a macro, because the arguments have different types. */
#define COMPARE(...)                                                                               \
    do {                                                                                           \
        memset(actual, '#', sizeof(actual));                                                       \
        memset(expected, '#', sizeof(expected));                                                   \
        int actual_length = veneer_snprintf(actual, buffer_size, format, __VA_ARGS__);             \
        int expected_length = snprintf(expected, buffer_size, format, __VA_ARGS__);                \
        FUZZ_CHECK(actual_length == expected_length);                                              \
        FUZZ_CHECK(memcmp(actual, expected, sizeof(actual)) == 0);                                 \
    } while (0)

#pragma clang diagnostic ignored "-Wformat-nonliteral"

static void compare_number(const char *flags, int width, struct fuzz_input *input)
{
    static const char letters[] = {'d', 'i', 'u', 'x', 'X'};
    char letter = letters[fuzz_byte(input) % sizeof(letters)];
    uint8_t length = fuzz_byte(input) % 4;
    /* Small and large numbers, of both signs. */
    uint64_t value = fuzz_number(input, 8) >> (fuzz_byte(input) % 64);

    if (fuzz_byte(input) & 1)
        value = 0 - value;
    switch (length) {
    case 0:
        snprintf(format, sizeof(format), "<%%%s*%c>", flags, letter);
        COMPARE(width, (int)value);
        break;
    case 1:
        snprintf(format, sizeof(format), "<%%%s%ul%c>", flags, (unsigned)abs(width), letter);
        COMPARE((long)value);
        break;
    case 2:
        snprintf(format, sizeof(format), "<%%%s*ll%c>", flags, letter);
        COMPARE(width, (long long)value);
        break;
    default:
        snprintf(format, sizeof(format), "<%%%s%uz%c>", flags, (unsigned)abs(width), letter);
        COMPARE((size_t)value);
        break;
    }
}

static void compare_text(const char *flags, int width, struct fuzz_input *input)
{
    int precision = (int8_t)fuzz_byte(input);
    char c = (char)fuzz_byte(input);
    bool with_precision = fuzz_byte(input) & 1;
    char text[64];

    fuzz_text(input, text, sizeof(text));
    if (with_precision) {
        snprintf(format, sizeof(format), "%%%s*.*s%%c%%%%", flags);
        COMPARE(width, precision, text, c);
    } else {
        snprintf(format, sizeof(format), "%%%s*c%%%us", flags, (unsigned)abs(width));
        COMPARE(width, c, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t kind = fuzz_byte(&input);
    int width = (int8_t)fuzz_byte(&input);

    buffer_size = fuzz_number(&input, 2) % sizeof(actual);
    if (kind & 1) {
        static const char *const flags[] = {"", "0", "-", "0-", "-0"};

        compare_number(flags[(kind >> 1) % 5], width, &input);
    } else {
        /* 0 has no defined meaning for text. */
        compare_text(kind & 2 ? "-" : "", width, &input);
    }
    return 0;
}
