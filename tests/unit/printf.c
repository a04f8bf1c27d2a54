/* The functions of lib/printf.c are compiled for the host under these names (tests/host.mk). */
#include "lib/printf.h"

#include "tests/unit/unit.h"

int veneer_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
int veneer_snprintf(char *buffer, size_t size, const char *format, ...);

#define CHECK_FORMAT(expected, ...)                                                                \
    do {                                                                                           \
        char text[128];                                                                            \
        CHECK_EQUAL(veneer_snprintf(text, sizeof(text), __VA_ARGS__), strlen(expected));           \
        CHECK_TEXT(text, expected);                                                                \
    } while (0)

static void test_numbers(void)
{
    CHECK_FORMAT("0 -1 2147483647 -2147483648", "%d %i %d %d", 0, -1, INT32_MAX, INT32_MIN);
    CHECK_FORMAT("-9223372036854775808", "%ld", INT64_MIN);
    CHECK_FORMAT("18446744073709551615", "%llu", (unsigned long long)UINT64_MAX);
    CHECK_FORMAT("4294967295", "%u", UINT32_MAX);
    CHECK_FORMAT("ffffffffffffffff BEEF", "%zx %X", SIZE_MAX, 0xbeefu);
    CHECK_FORMAT("[   42|42   |00042|-0042|-42  ]", "[%5d|%-5d|%05d|%05d|%0-5d]", 42, 42, 42, -42,
                 -42);
    CHECK_FORMAT("[   42|42   ]", "[%*d|%*d]", 5, 42, -5, 42);
    CHECK_FORMAT("0x00000000deadbeef", "%p", (void *)0xdeadbeef);
}

static void test_text(void)
{
    CHECK_FORMAT("a  bc|de |f", "%c%4s|%-3s|%c", 'a', "bc", "de", 'f');
    CHECK_FORMAT("ab|a||  ab", "%.2s|%.*s|%.0s|%4.2s", "abc", 1, "abc", "abc", "abc");
    CHECK_FORMAT("abc", "%.*s", -1, "abc");
    CHECK_FORMAT("(null)", "%s", (char *)NULL);
    CHECK_FORMAT("100%", "100%%");
}

/* A mistake in a format shows in the text. */
static void test_unknown(void)
{
    CHECK_FORMAT("%q 1", "%q %d", 1);
    CHECK_FORMAT("%", "%");
    CHECK_FORMAT("%-08l", "%-08l");
}

static void test_limits(void)
{
    char text[8] = "xxxxxxx";

    CHECK_EQUAL(veneer_snprintf(text, 4, "%d", 123456), 6);
    CHECK_TEXT(text, "123");
    CHECK_EQUAL(text[4], 'x');
    CHECK_EQUAL(veneer_snprintf(text, 1, "%d", 123456), 6);
    CHECK_TEXT(text, "");
    CHECK_EQUAL(veneer_snprintf(NULL, 0, "%d", 123456), 6);
    CHECK_EQUAL(veneer_snprintf(NULL, 0, "%999999999999d", 1), 4095);
    CHECK_EQUAL(veneer_snprintf(NULL, 0, "%*d", INT32_MIN, 1), 4095);
    /* A precision lets text without NUL be printed. */
    CHECK_EQUAL(veneer_snprintf(NULL, 0, "%.3s", (const char[3]){'a', 'b', 'c'}), 3);
}

int main(void)
{
    test_numbers();
    test_text();
    test_unknown();
    test_limits();
    return unit_result();
}
