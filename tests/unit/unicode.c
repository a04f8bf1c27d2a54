#include "lib/unicode.h"

#include "tests/unit/unit.h"

/* Every character there and back, at its exact length. */
static void test_all(void)
{
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        uint16_t units[2] = {(uint16_t)c, 0}, back[2];
        size_t count = c < 0x10000 ? 1 : 2;
        size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        char text[5];

        if (c >= 0xd800 && c < 0xe000)
            continue;
        if (count == 2) {
            units[0] = (uint16_t)(0xd7c0 + (c >> 10));
            units[1] = (uint16_t)(0xdc00 | (c & 0x3ff));
        }
        CHECK_EQUAL(utf16_to_utf8(units, count, text, sizeof(text)), length);
        CHECK_EQUAL(utf8_to_utf16(text, length, back, 2), count);
        CHECK(memcmp(units, back, count * sizeof(units[0])) == 0);
        CHECK_EQUAL(utf8_to_utf16(text, length, back, count - 1), -1);
        for (size_t cut = 1; cut < length; cut++)
            CHECK_EQUAL(utf8_to_utf16(text, cut, back, 2), -1);
    }
}

static void test_malformed(void)
{
    static const char *const malformed[] = {"\x80",
                                            "\xbf",
                                            "\xc0\x80",
                                            "\xc1\xbf",
                                            "\xe0\x80\x80",
                                            "\xe0\x9f\xbf",
                                            "\xf0\x80\x80\x80",
                                            "\xed\xa0\x80",
                                            "\xed\xbf\xbf",
                                            "\xf4\x90\x80\x80",
                                            "\xf8\x88\x80\x80",
                                            "\xff",
                                            "\xc3"
                                            "A",
                                            "\xe2\x82"
                                            "A",
                                            "a\x80"};
    uint16_t units[8];

    for (unsigned i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        CHECK_EQUAL(utf8_to_utf16(malformed[i], strlen(malformed[i]), units, 8), -1);
    CHECK_EQUAL(utf8_to_utf16("", 0, units, 0), 0);
}

static void test_to_utf8(void)
{
    static const uint16_t units[] = {'a', 0xe9, 0xd83d, 0xde00, 0xdc00, 0xd800};
    char text[20];

    CHECK_EQUAL(utf16_to_utf8(units, 6, text, sizeof(text)), 13);
    CHECK_TEXT(text, "a\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd");
    /* Cut between characters only. */
    CHECK_EQUAL(utf16_to_utf8(units, 6, text, 7), 3);
    CHECK_TEXT(text, "a\xc3\xa9");
    CHECK_EQUAL(utf16_to_utf8(units, 6, text, 1), 0);
    CHECK_TEXT(text, "");
}

static void test_upper(void)
{
    static const uint16_t pairs[][2] = {
        {'a', 'A'},       {'z', 'Z'},       {'A', 'A'},       {'@', '@'},       {'{', '{'},
        {0xe4, 0xc4},     {0xf7, 0xf7},     {0xd7, 0xd7},     {0xdf, 0xdf},     {0xff, 0x178},
        {0x101, 0x100},   {0x100, 0x100},   {0x131, 0x131},   {0x17f, 0x17f},   {0x3b1, 0x391},
        {0x3c2, 0x3a3},   {0x3ce, 0x38f},   {0x434, 0x414},   {0x451, 0x401},   {0x561, 0x531},
        {0x1ef9, 0x1ef8}, {0x4e2d, 0x4e2d}, {0xff41, 0xff21}, {0xffff, 0xffff}, {0, 0},
    };

    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        CHECK_EQUAL(unicode_upper(pairs[i][0]), pairs[i][1]);
    for (uint32_t c = 0x80; c < 0x10000; c++) {
        CHECK(unicode_upper((uint16_t)c) >= 0x80);
        CHECK_EQUAL(unicode_upper(unicode_upper((uint16_t)c)), unicode_upper((uint16_t)c));
    }
}

int main(void)
{
    test_all();
    test_malformed();
    test_to_utf8();
    test_upper();
    return unit_result();
}
