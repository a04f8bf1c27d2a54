#include "parent/drivers/keymap.h"

#include "tests/unit/unit.h"

static struct keymap keymap;
static enum keymap_action action;

/* What scan codes mean, one after the other; @codes ends with 0. */
static const char *typed(const uint8_t *codes)
{
    static char text[64];
    size_t length = 0;

    action = KEYMAP_NONE;
    for (; *codes != 0; codes++) {
        char more[KEYMAP_TEXT_SIZE];
        enum keymap_action now;
        size_t count = keymap_translate(&keymap, *codes, more, &now);

        CHECK(count <= KEYMAP_TEXT_SIZE);
        CHECK(count == 0 || now == KEYMAP_NONE);
        memcpy(text + length, more, count);
        length += count;
        if (now != KEYMAP_NONE)
            action = now;
    }
    text[length] = '\0';
    return text;
}

#define TYPED(...) typed((const uint8_t[]){__VA_ARGS__, 0})

static void test_characters(void)
{
    CHECK_TEXT(TYPED(0x1e, 0x9e, 0x30, 0xb0, 0x02, 0x82, 0x39, 0xb9), "ab1 ");
    CHECK_TEXT(TYPED(0x1c, 0x9c, 0x0e, 0x8e, 0x0f, 0x8f), "\r\x7f\t");
    CHECK_TEXT(TYPED(0x2a, 0x1e, 0x02, 0x0c, 0x2b, 0xaa, 0x1e), "A!_|a");
    CHECK_TEXT(TYPED(0x36, 0x10, 0x2a, 0xb6, 0x10, 0xaa, 0x10), "QQq");
    CHECK_TEXT(TYPED(0x56, 0xd6), "\\");
    CHECK_TEXT(TYPED(0xe0, 0x35, 0xe0, 0xb5, 0xe0, 0x1c), "/\r");
    CHECK_TEXT(TYPED(0x7f, 0x54, 0x60, 0xff, 0xfa, 0xfe), "");
}

static void test_modifiers(void)
{
    /* Caps Lock is of letters only, and Shift undoes it. */
    CHECK_TEXT(TYPED(0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0x02, 0xaa, 0x3a, 0xba, 0x1e), "A1a!a");
    CHECK_TEXT(TYPED(0x1d, 0x2e, 0x9d, 0x2e), "\x03"
                                              "c");
    CHECK_TEXT(TYPED(0xe0, 0x1d, 0x20, 0xe0, 0x9d, 0x20), "\x04"
                                                          "d");
    CHECK_TEXT(TYPED(0x1d, 0x1a, 0x9d), "\x1b");
    CHECK_TEXT(TYPED(0x38, 0x30, 0xb8, 0x30), "\x1b"
                                              "bb");
    /* What keys of the middle block send for programs that know no E0h. */
    CHECK_TEXT(TYPED(0xe0, 0x2a, 0xe0, 0x4b, 0xe0, 0xcb, 0xe0, 0xaa, 0x1e), "\x1b[Da");
}

static void test_other_keys(void)
{
    CHECK_TEXT(TYPED(0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x50), "\x1b[A\x1b[B");
    CHECK_TEXT(TYPED(0xe0, 0x47, 0xe0, 0x4f, 0xe0, 0x53), "\x1b[H\x1b[F\x1b[3~");
    CHECK_TEXT(TYPED(0x3b, 0x3f, 0x44, 0x57, 0x58), "\x1bOP\x1b[15~\x1b[21~\x1b[23~\x1b[24~");
    /* The keypad, without and with Num Lock. */
    CHECK_TEXT(TYPED(0x48, 0x4c, 0x4a, 0x4e, 0x53), "\x1b[A-+\x1b[3~");
    CHECK_TEXT(TYPED(0x45, 0xc5, 0x48, 0x4c, 0x4a, 0x53, 0xe0, 0x48, 0x45, 0xc5), "85-.\x1b[A");
    /* Pause, which looks like Num Lock. */
    CHECK_TEXT(TYPED(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x48, 0x1e), "\x1b[Aa");
}

static void test_scrolling(void)
{
    CHECK_TEXT(TYPED(0x2a, 0xe0, 0x49), "");
    CHECK_EQUAL(action, KEYMAP_SCROLL_UP);
    CHECK_TEXT(TYPED(0xe0, 0x51, 0xaa), "");
    CHECK_EQUAL(action, KEYMAP_SCROLL_DOWN);
    CHECK_TEXT(TYPED(0xe0, 0x49, 0xe0, 0x51), "\x1b[5~\x1b[6~");
    CHECK_EQUAL(action, KEYMAP_NONE);
}

/* No sequence of codes leads out of the tables. */
static void test_all(void)
{
    uint32_t state = 1;

    for (unsigned i = 0; i < 200000; i++) {
        char text[KEYMAP_TEXT_SIZE];

        state = state * 1664525 + 1013904223;
        CHECK(keymap_translate(&keymap, (uint8_t)(state >> 24), text, &action) <= KEYMAP_TEXT_SIZE);
    }
}

int main(void)
{
    test_characters();
    test_modifiers();
    test_other_keys();
    test_scrolling();
    test_all();
    return unit_result();
}
