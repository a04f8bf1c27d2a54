#include "worker/firmware/keyboard_map.h"

#define ESCAPE 0x1b
#define BACKSPACE 0x08
#define TAB 0x09
#define ENTER 0x0d
#define NEWLINE 0x0a
#define CTRL_BACKSPACE 0x7f

#define LAST_MAIN 0x39 /* space */
#define FIRST_F 0x3b
#define LAST_F10 0x44
#define FIRST_PAD 0x47
#define LAST_PAD 0x53
#define SCAN_102ND 0x56
#define SCAN_F11 0x57
#define SCAN_F12 0x58

static const char plain[LAST_MAIN + 1] = "\0\0331234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\"
                                         "zxcvbnm,./\0*\0 ";
static const char shifted[LAST_MAIN + 1] = "\0\033!@#$%^&*()_+\b\0QWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|"
                                           "ZXCVBNM<>?\0*\0 ";
static const char pad[LAST_PAD - FIRST_PAD + 1] = "789-456+1230.";
/* Scan codes that INT 16h has for the keypad and the keys beside it with Ctrl and with Alt. */
static const uint8_t pad_ctrl[] = {0x77, 0x8d, 0x84, 0x8e, 0x73, 0x8f, 0x74,
                                   0x90, 0x75, 0x91, 0x76, 0x92, 0x93};
static const uint8_t pad_alt[] = {0x97, 0x98, 0x99, 0x4a, 0x9b, 0x9c, 0x9d,
                                  0x4e, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3};

static uint16_t make(uint8_t code, uint8_t character)
{
    return (uint16_t)(code << 8 | character);
}

static uint16_t with_ctrl(uint8_t code)
{
    char c = plain[code];

    if (c >= 'a' && c <= 'z')
        return make(code, c & 0x1f);
    switch (c) {
    case '2':
        return make(0x03, 0);
    case '6':
        return make(code, 0x1e);
    case '-':
        return make(code, 0x1f);
    case '[':
        return make(code, 0x1b);
    case '\\':
        return make(code, 0x1c);
    case ']':
        return make(code, 0x1d);
    case BACKSPACE:
        return make(code, CTRL_BACKSPACE);
    case TAB:
        return make(0x94, 0);
    case ENTER:
        return make(code, NEWLINE);
    case ESCAPE:
    case ' ':
        return make(code, (uint8_t)c);
    case '*':
        return make(0x96, 0);
    default:
        return 0;
    }
}

static uint16_t with_alt(uint8_t code)
{
    char c = plain[code];

    if (c == ' ')
        return make(code, ' ');
    if (code >= 0x02 && code <= 0x0d) /* digits, - and = */
        return make((uint8_t)(code + 0x76), 0);
    if (c == TAB)
        return make(0xa5, 0);
    return c ? make(code, 0) : 0;
}

static uint16_t main_key(uint8_t code, uint8_t flags)
{
    bool shift = flags & FLAG_SHIFTS;
    char c = plain[code];

    if (flags & FLAG_ALT)
        return with_alt(code);
    if (flags & FLAG_CTRL)
        return with_ctrl(code);
    if (c >= 'a' && c <= 'z' && flags & FLAG_CAPS)
        shift = !shift;
    if (c == TAB && shift)
        return make(code, 0);
    return c ? make(code, (uint8_t)(shift ? shifted[code] : c)) : 0;
}

static uint16_t function_key(uint8_t code, uint8_t flags)
{
    if (code >= SCAN_F11) {
        uint8_t first = flags & FLAG_ALT      ? 0x8b
                        : flags & FLAG_CTRL   ? 0x89
                        : flags & FLAG_SHIFTS ? 0x87
                                              : 0x85;

        return make((uint8_t)(first + code - SCAN_F11), 0);
    }
    if (flags & FLAG_ALT)
        return make((uint8_t)(code - FIRST_F + 0x68), 0);
    if (flags & FLAG_CTRL)
        return make((uint8_t)(code - FIRST_F + 0x5e), 0);
    return make((uint8_t)(flags & FLAG_SHIFTS ? code - FIRST_F + 0x54 : code), 0);
}

/* Keys of the keypad, and (@extended) those beside it that have the same codes. */
static uint16_t pad_key(uint8_t code, bool extended, uint8_t flags)
{
    char c = pad[code - FIRST_PAD];
    bool digit = c != '-' && c != '+';

    if (flags & FLAG_ALT)
        return extended || !digit ? make(pad_alt[code - FIRST_PAD], 0) : 0;
    if (flags & FLAG_CTRL)
        return make(pad_ctrl[code - FIRST_PAD], extended ? 0xe0 : 0);
    if (extended)
        return make(code, 0xe0);
    if (!digit || !(flags & FLAG_NUM) == !!(flags & FLAG_SHIFTS))
        return make(code, (uint8_t)c);
    return make(code, c == '5' ? 0xf0 : 0);
}

static uint16_t extended_main_key(uint8_t code, uint8_t flags)
{
    bool slash = plain[code] == '/';

    if (!slash && plain[code] != ENTER)
        return 0;
    if (flags & FLAG_ALT)
        return make(slash ? 0xa4 : 0xa6, 0);
    if (flags & FLAG_CTRL)
        return slash ? make(0x95, 0) : make(0xe0, NEWLINE);
    return make(0xe0, (uint8_t)plain[code]);
}

uint16_t keyboard_map(uint8_t code, bool extended, uint8_t flags)
{
    if (code <= LAST_MAIN)
        return extended ? extended_main_key(code, flags) : main_key(code, flags);
    if ((code >= FIRST_F && code <= LAST_F10) || code == SCAN_F11 || code == SCAN_F12)
        return extended ? 0 : function_key(code, flags);
    if (code >= FIRST_PAD && code <= LAST_PAD)
        return pad_key(code, extended, flags);
    if (code == SCAN_102ND && !extended)
        return make(code, flags & FLAG_SHIFTS ? '|' : '\\');
    return 0;
}
