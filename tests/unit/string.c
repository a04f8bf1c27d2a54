/* The functions of lib/string.c are compiled for the host under these names (tests/host.mk). */
#define memcpy veneer_memcpy
#define memmove veneer_memmove
#define memset veneer_memset
#define memcmp veneer_memcmp
#define strlen veneer_strlen
#define strcmp veneer_strcmp
#define strncmp veneer_strncmp
#include "lib/string.h"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp

#include "tests/unit/unit.h"

#define AREA 64

static void fill(uint8_t *area)
{
    for (size_t i = 0; i < AREA; i++)
        area[i] = (uint8_t)(i + 1);
}

/* All sizes and offsets of a small area, against the C library: also shows writes outside. */
static void test_copy_and_move(void)
{
    for (size_t from = 0; from < 20; from++) {
        for (size_t to = 0; to < 20; to++) {
            for (size_t size = 0; size <= 40; size++) {
                uint8_t actual[AREA], expected[AREA], source[AREA];

                fill(actual);
                fill(expected);
                fill(source);
                CHECK(veneer_memmove(actual + to, actual + from, size) == actual + to);
                memmove(expected + to, expected + from, size);
                CHECK(memcmp(actual, expected, AREA) == 0);

                CHECK(veneer_memcpy(actual + to, source + from, size) == actual + to);
                memcpy(expected + to, source + from, size);
                CHECK(memcmp(actual, expected, AREA) == 0);
            }
        }
    }
}

static void test_set(void)
{
    for (size_t to = 0; to < 20; to++) {
        for (size_t size = 0; size <= 40; size++) {
            uint8_t actual[AREA], expected[AREA];

            fill(actual);
            fill(expected);
            CHECK(veneer_memset(actual + to, 0x1a5, size) == actual + to);
            memset(expected + to, 0xa5, size);
            CHECK(memcmp(actual, expected, AREA) == 0);
        }
    }
}

static void test_compare(void)
{
    CHECK(veneer_memcmp("abc", "abd", 2) == 0);
    CHECK(veneer_memcmp("abc", "abd", 3) < 0);
    CHECK(veneer_memcmp("\x80", "\x7f", 1) > 0);
    CHECK(veneer_memcmp("a", "b", 0) == 0);
    CHECK(veneer_strcmp("", "") == 0);
    CHECK(veneer_strcmp("ab", "abc") < 0);
    CHECK(veneer_strcmp("abc", "ab") > 0);
    CHECK(veneer_strcmp("\x80", "\x7f") > 0);
    CHECK(veneer_strncmp("abc", "abd", 2) == 0);
    CHECK(veneer_strncmp("abc", "abd", 3) < 0);
    CHECK(veneer_strncmp("ab", "ab", 9) == 0);
}

static void test_length_and_copy(void)
{
    char text[4] = "xyz";

    CHECK_EQUAL(veneer_strlen(""), 0);
    CHECK_EQUAL(veneer_strlen("four"), 4);
    CHECK_EQUAL(string_copy(text, "ab", sizeof(text)), 2);
    CHECK_TEXT(text, "ab");
    CHECK_EQUAL(string_copy(text, "abc", sizeof(text)), 3);
    CHECK_TEXT(text, "abc");
    CHECK_EQUAL(string_copy(text, "abcd", sizeof(text)), 4);
    CHECK_TEXT(text, "abc");
    CHECK_EQUAL(string_copy(text, "abcd", 1), 4);
    CHECK_TEXT(text, "");
}

int main(void)
{
    test_copy_and_move();
    test_set();
    test_compare();
    test_length_and_copy();
    return unit_result();
}
