/* Unit test of the names of keys, and of the keys for characters. */
#include "parent/console/keys.h"

#include "parent/drivers/keymap.h"
#include "tests/unit/unit.h"

/* The strokes as text: codes in hexadecimal, "-" before those that go up. */
static const char *text_of(const struct key_strokes *strokes)
{
    static char text[256];
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < strokes->count; i++) {
        const struct machine_control_key *key = &strokes->keys[i];
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%x ",
                                   key->released ? "-" : "", key->prefix << 8 | key->code);
    }
    return text;
}

static const char *named(const char *name)
{
    struct key_strokes strokes;
    return keys_of_name(name, &strokes) ? text_of(&strokes) : "none";
}

static void test_names(void)
{
    CHECK_TEXT(named("enter"), "1c -1c ");
    CHECK_TEXT(named("a"), "1e -1e ");
    CHECK_TEXT(named("A"), "2a 1e -1e -2a ");
    CHECK_TEXT(named("delete"), "e053 -e053 ");
    CHECK_TEXT(named("ctrl-alt-delete"), "1d 38 e053 -e053 -38 -1d ");
    CHECK_TEXT(named("ctrl-c"), "1d 2e -2e -1d ");
    CHECK_TEXT(named("0x1c"), "1c -1c ");
    CHECK_TEXT(named("shift-0x7f"), "2a 7f -7f -2a ");
    CHECK_TEXT(named("0x80"), "none");
    CHECK_TEXT(named("0x0"), "none");
    CHECK_TEXT(named(""), "none");
    CHECK_TEXT(named("ctrl-"), "none");
    CHECK_TEXT(named("-"), "none");
    CHECK_TEXT(named("minus"), "c -c ");
    CHECK_TEXT(named("a-name-that-is-longer-than-any"), "none");
    CHECK_TEXT(named("a-b-c-d-e-f-g-h-i"), "none"); /* too many at once */
    CHECK_TEXT(named("\xc3\xa4"), "none");
}

/* What a terminal would get from the strokes of each character is that character. */
static void test_characters(void)
{
    struct key_strokes strokes;
    for (int c = -128; c < 128; c++) {
        struct keymap keymap = {0};
        char text[KEYMAP_TEXT_SIZE], got = 0;
        enum keymap_action action;
        bool typed = keys_of_character((char)c, &strokes);
        bool printable = c >= ' ' && c <= '~';
        if (!typed) {
            CHECK(!printable && c != '\n' && c != '\t');
            continue;
        }
        for (uint32_t i = 0; i < strokes.count; i++) {
            uint8_t code = strokes.keys[i].code | (strokes.keys[i].released ? 0x80 : 0);
            if (keymap_translate(&keymap, code, text, &action) > 0)
                got = text[0];
        }
        CHECK(got == (c == '\n' ? '\r' : (char)c));
        CHECK(!keymap.left_shift);
    }
}

int main(void)
{
    test_names();
    test_characters();
    return unit_result();
}
