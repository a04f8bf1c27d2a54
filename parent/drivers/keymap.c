#include "parent/drivers/keymap.h"

#include "lib/string.h"

#define CODE_RELEASED 0x80
#define CODE_EXTENDED 0xe0
#define CODE_PAUSE 0xe1 /* two more codes each time, and no release */

#define CODE_CONTROL 0x1d
#define CODE_LEFT_SHIFT 0x2a
#define CODE_RIGHT_SHIFT 0x36
#define CODE_ALT 0x38
#define CODE_SPACE 0x39
#define CODE_CAPS_LOCK 0x3a
#define CODE_NUM_LOCK 0x45
#define CODE_KEYPAD_FIRST 0x47
#define CODE_KEYPAD_LAST 0x53
#define CODE_PAGE_UP 0x49
#define CODE_PAGE_DOWN 0x51

#define CODE_MAIN_LAST 0x35 /* of the main block, but for the space bar */

#define ESCAPE 0x1b
#define DELETE 0x7f

/* By scan code: the character alone, and with Shift. */
static const char plain[] = {
    [0x01] = ESCAPE, [0x02] = '1',    [0x03] = '2',  [0x04] = '3',  [0x05] = '4',  [0x06] = '5',
    [0x07] = '6',    [0x08] = '7',    [0x09] = '8',  [0x0a] = '9',  [0x0b] = '0',  [0x0c] = '-',
    [0x0d] = '=',    [0x0e] = DELETE, [0x0f] = '\t', [0x10] = 'q',  [0x11] = 'w',  [0x12] = 'e',
    [0x13] = 'r',    [0x14] = 't',    [0x15] = 'y',  [0x16] = 'u',  [0x17] = 'i',  [0x18] = 'o',
    [0x19] = 'p',    [0x1a] = '[',    [0x1b] = ']',  [0x1c] = '\r', [0x1e] = 'a',  [0x1f] = 's',
    [0x20] = 'd',    [0x21] = 'f',    [0x22] = 'g',  [0x23] = 'h',  [0x24] = 'j',  [0x25] = 'k',
    [0x26] = 'l',    [0x27] = ';',    [0x28] = '\'', [0x29] = '`',  [0x2b] = '\\', [0x2c] = 'z',
    [0x2d] = 'x',    [0x2e] = 'c',    [0x2f] = 'v',  [0x30] = 'b',  [0x31] = 'n',  [0x32] = 'm',
    [0x33] = ',',    [0x34] = '.',    [0x35] = '/',  [0x37] = '*',  [0x39] = ' ',  [0x4a] = '-',
    [0x4e] = '+',    [0x56] = '\\',
};
static const char shifted[] = {
    [0x02] = '!', [0x03] = '@', [0x04] = '#', [0x05] = '$', [0x06] = '%', [0x07] = '^',
    [0x08] = '&', [0x09] = '*', [0x0a] = '(', [0x0b] = ')', [0x0c] = '_', [0x0d] = '+',
    [0x1a] = '{', [0x1b] = '}', [0x27] = ':', [0x28] = '"', [0x29] = '~', [0x2b] = '|',
    [0x33] = '<', [0x34] = '>', [0x35] = '?', [0x56] = '|',
};

/* The keypad with Num Lock, from CODE_KEYPAD_FIRST on. */
static const char keypad[] = "789-456+1230.";

/* The same places, and the keys with the code that have E0h before it, as a terminal sends them. */
static const char *const navigation[] = {"\x1b[H",  "\x1b[A",  "\x1b[5~", NULL,     "\x1b[D",
                                         NULL,      "\x1b[C",  NULL,      "\x1b[F", "\x1b[B",
                                         "\x1b[6~", "\x1b[2~", "\x1b[3~"};

/* F1 to F10 are in a row, F11 and F12 are not. */
#define CODE_F1 0x3b
#define CODE_F10 0x44
#define CODE_F11 0x57
#define CODE_F12 0x58
static const char *const functions[] = {"\x1bOP",   "\x1bOQ",   "\x1bOR",   "\x1bOS",
                                        "\x1b[15~", "\x1b[17~", "\x1b[18~", "\x1b[19~",
                                        "\x1b[20~", "\x1b[21~", "\x1b[23~", "\x1b[24~"};

/* Whether the code is of a key that only changes what others mean. */
static bool update_modifiers(struct keymap *keymap, uint8_t code, bool extended, bool pressed)
{
    switch (code) {
    case CODE_LEFT_SHIFT:
        /* With E0h it is not a key, but what some keys send for old programs. */
        if (!extended)
            keymap->left_shift = pressed;
        return true;
    case CODE_RIGHT_SHIFT:
        if (!extended)
            keymap->right_shift = pressed;
        return true;
    case CODE_CONTROL:
        *(extended ? &keymap->right_control : &keymap->left_control) = pressed;
        return true;
    case CODE_ALT:
        *(extended ? &keymap->right_alt : &keymap->left_alt) = pressed;
        return true;
    case CODE_CAPS_LOCK:
        keymap->caps_lock ^= pressed;
        return true;
    case CODE_NUM_LOCK:
        keymap->num_lock ^= pressed;
        return true;
    default:
        return false;
    }
}

static const char *function_key(uint8_t code)
{
    if (code >= CODE_F1 && code <= CODE_F10)
        return functions[code - CODE_F1];
    if (code == CODE_F11 || code == CODE_F12)
        return functions[10 + code - CODE_F11];
    return NULL;
}

/* The sequence of a key that is no character. */
static const char *sequence(const struct keymap *keymap, uint8_t code, bool extended)
{
    bool in_keypad = code >= CODE_KEYPAD_FIRST && code <= CODE_KEYPAD_LAST;

    if (in_keypad && (extended || !keymap->num_lock))
        return navigation[code - CODE_KEYPAD_FIRST];
    return extended ? NULL : function_key(code);
}

static char character(const struct keymap *keymap, uint8_t code, bool extended)
{
    bool shift = keymap->left_shift || keymap->right_shift;
    char c = code < sizeof(plain) ? plain[code] : 0;

    /* The only characters with E0h are Enter and / of the keypad. */
    if (extended)
        return c == '\r' || c == '/' ? c : 0;
    if (code >= CODE_KEYPAD_FIRST && code <= CODE_KEYPAD_LAST)
        return keymap->num_lock ? keypad[code - CODE_KEYPAD_FIRST] : c;
    if (c >= 'a' && c <= 'z')
        return shift != keymap->caps_lock ? (char)(c - 'a' + 'A') : c;
    if (shift && code < sizeof(shifted) && shifted[code] != 0)
        return shifted[code];
    return c;
}

static char with_control(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c & 0x1f);
    if (c >= '@' && c <= '_')
        return (char)(c & 0x1f);
    return c == ' ' ? 0 : c;
}

static enum keymap_action screen_action(const struct keymap *keymap, uint8_t code)
{
    if (!keymap->left_shift && !keymap->right_shift)
        return KEYMAP_NONE;
    if (code == CODE_PAGE_UP)
        return KEYMAP_SCROLL_UP;
    return code == CODE_PAGE_DOWN ? KEYMAP_SCROLL_DOWN : KEYMAP_NONE;
}

/* What the press of a key that is no modifier means. */
static size_t press(const struct keymap *keymap, uint8_t code, bool extended,
                    char text[KEYMAP_TEXT_SIZE], enum keymap_action *action)
{
    const char *keys = sequence(keymap, code, extended);
    size_t length = 0;

    if (keys != NULL) {
        *action = screen_action(keymap, code);
        if (*action != KEYMAP_NONE)
            return 0;
        return string_copy(text, keys, KEYMAP_TEXT_SIZE);
    }

    char c = character(keymap, code, extended);

    if (c == 0)
        return 0;
    if (keymap->left_alt || keymap->right_alt)
        text[length++] = ESCAPE;
    text[length++] = keymap->left_control || keymap->right_control ? with_control(c) : c;
    return length;
}

size_t keymap_translate(struct keymap *keymap, uint8_t code, char text[KEYMAP_TEXT_SIZE],
                        enum keymap_action *action)
{
    bool extended = keymap->extended;

    *action = KEYMAP_NONE;
    if (keymap->ignored > 0) {
        keymap->ignored--;
        return 0;
    }
    if (code == CODE_PAUSE) {
        keymap->ignored = 2;
        return 0;
    }
    keymap->extended = code == CODE_EXTENDED;
    if (keymap->extended)
        return 0;

    bool pressed = !(code & CODE_RELEASED);

    code &= (uint8_t)~CODE_RELEASED;
    if (update_modifiers(keymap, code, extended, pressed) || !pressed)
        return 0;
    return press(keymap, code, extended, text, action);
}

static uint8_t find_character(const char *characters, char c)
{
    for (uint8_t code = 1; code <= CODE_MAIN_LAST; code++)
        if (characters[code] == c)
            return code;
    return 0;
}

bool keymap_find(char c, uint8_t *code, bool *shift)
{
    bool upper = c >= 'A' && c <= 'Z';
    *shift = upper;
    *code = c == ' ' ? CODE_SPACE : 0;
    if (c == 0 || *code != 0)
        return c != 0;
    *code = find_character(plain, upper ? (char)(c - 'A' + 'a') : c);
    if (*code != 0)
        return true;
    *code = find_character(shifted, c);
    *shift = true;
    return *code != 0;
}
