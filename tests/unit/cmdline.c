#include "lib/cmdline.h"

#include "tests/unit/unit.h"

static void test_find(void)
{
    const char *line = "  debug serial=com1 serial=com2 empty=  x=a=b ";
    char value[8] = "old";

    CHECK(cmdline_find(line, "debug", value, sizeof(value)));
    CHECK_TEXT(value, "");
    CHECK(cmdline_find(line, "serial", value, sizeof(value)));
    CHECK_TEXT(value, "com2");
    CHECK(cmdline_find(line, "x", value, sizeof(value)));
    CHECK_TEXT(value, "a=b");
    CHECK(cmdline_find(line, "empty", value, sizeof(value)));
    CHECK_TEXT(value, "");
    CHECK(cmdline_find(line, "serial", NULL, 0));
}

static void test_not_found(void)
{
    char value[8] = "old";

    CHECK(!cmdline_find("", "a", value, sizeof(value)));
    CHECK(!cmdline_find("   ", "a", value, sizeof(value)));
    CHECK(!cmdline_find("ab xa a-b", "a", value, sizeof(value)));
    CHECK(!cmdline_find("b=a", "a", value, sizeof(value)));
    CHECK_TEXT(value, "old");
}

static void test_cut(void)
{
    char value[4] = "xyz";

    CHECK(cmdline_find("key=abc", "key", value, sizeof(value)));
    CHECK_TEXT(value, "abc");
    CHECK(cmdline_find("key=abcd", "key", value, sizeof(value)));
    CHECK_TEXT(value, "abc");
    CHECK(cmdline_find("key=abcd", "key", value, 1));
    CHECK_TEXT(value, "");
}

static void test_number(void)
{
    static const char *const wrong[] = {
        "",
        "0x",
        " 1",
        "1 ",
        "-1",
        "+1",
        "12a",
        "0xg",
        "0X1",
        "18446744073709551616",
        "0x10000000000000000",
    };
    uint64_t number = 7;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!parse_number(wrong[i], &number));
    CHECK_EQUAL(number, 7);
    CHECK(parse_number("0", &number));
    CHECK_EQUAL(number, 0);
    CHECK(parse_number("010", &number));
    CHECK_EQUAL(number, 10);
    CHECK(parse_number("0x3f8", &number));
    CHECK_EQUAL(number, 0x3f8);
    CHECK(parse_number("0xFFFFffffFFFFffff", &number));
    CHECK_EQUAL(number, UINT64_MAX);
    CHECK(parse_number("18446744073709551615", &number));
    CHECK_EQUAL(number, UINT64_MAX);
}

static void test_size(void)
{
    static const char *const wrong[] = {
        "",
        "K",
        "12X",
        "1KB",
        "-1",
        "1.5G",
        " 1",
        "18446744073709551616",
        "18446744073709551615K",
        "16777216T",
    };
    uint64_t size = 7;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!parse_size(wrong[i], &size));
    CHECK_EQUAL(size, 7);
    CHECK(parse_size("0", &size));
    CHECK_EQUAL(size, 0);
    CHECK(parse_size("10240k", &size));
    CHECK_EQUAL(size, 10240u << 10);
    CHECK(parse_size("16777215T", &size));
    CHECK_EQUAL(size, 16777215ull << 40);
    CHECK(parse_size("18446744073709551615", &size));
    CHECK_EQUAL(size, UINT64_MAX);
}

int main(void)
{
    test_size();
    test_find();
    test_not_found();
    test_cut();
    test_number();
    return unit_result();
}
