#include "parent/console/keys.h"

#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/drivers/keymap.h"

#define NAME_SIZE 16
#define CODE_LEFT_SHIFT 0x2a
#define CODE_MAX 0x7f
#define PREFIX 0xe0

/* Those that are no characters. */
static const struct {
    const char *name;
    uint8_t prefix, code;
} names[] = {
    {"esc", 0, 0x01},
    {"backspace", 0, 0x0e},
    {"tab", 0, 0x0f},
    {"enter", 0, 0x1c},
    {"ctrl", 0, 0x1d},
    {"shift", 0, CODE_LEFT_SHIFT},
    {"rshift", 0, 0x36},
    {"alt", 0, 0x38},
    {"space", 0, 0x39},
    {"capslock", 0, 0x3a},
    {"minus", 0, 0x0c},
    {"numlock", 0, 0x45},
    {"scrolllock", 0, 0x46},
    {"f1", 0, 0x3b},
    {"f2", 0, 0x3c},
    {"f3", 0, 0x3d},
    {"f4", 0, 0x3e},
    {"f5", 0, 0x3f},
    {"f6", 0, 0x40},
    {"f7", 0, 0x41},
    {"f8", 0, 0x42},
    {"f9", 0, 0x43},
    {"f10", 0, 0x44},
    {"f11", 0, 0x57},
    {"f12", 0, 0x58},
    {"rctrl", PREFIX, 0x1d},
    {"altgr", PREFIX, 0x38},
    {"home", PREFIX, 0x47},
    {"up", PREFIX, 0x48},
    {"pageup", PREFIX, 0x49},
    {"left", PREFIX, 0x4b},
    {"right", PREFIX, 0x4d},
    {"end", PREFIX, 0x4f},
    {"down", PREFIX, 0x50},
    {"pagedown", PREFIX, 0x51},
    {"insert", PREFIX, 0x52},
    {"delete", PREFIX, 0x53},
    {"win", PREFIX, 0x5b},
    {"menu", PREFIX, 0x5d},
};

static bool add(struct key_strokes *strokes, uint8_t prefix, uint8_t code, bool released)
{
    if (strokes->count == KEYS_MAX_STROKES)
        return false;
    strokes->keys[strokes->count++] =
        (struct machine_control_key){.prefix = prefix, .code = code, .released = released};
    return true;
}

/* Releases all keys that are down, the last one first. */
static bool release_all(struct key_strokes *strokes)
{
    for (uint32_t i = strokes->count; i > 0; i--)
        if (!add(strokes, strokes->keys[i - 1].prefix, strokes->keys[i - 1].code, true))
            return false;
    return true;
}

/* Presses what types @c. */
static bool press_character(char c, struct key_strokes *strokes)
{
    uint8_t code;
    bool shift;
    if (!keymap_find(c == '\n' ? '\r' : c, &code, &shift))
        return false;
    return (!shift || add(strokes, 0, CODE_LEFT_SHIFT, false)) && add(strokes, 0, code, false);
}

bool keys_of_character(char c, struct key_strokes *strokes)
{
    strokes->count = 0;
    return press_character(c, strokes) && release_all(strokes);
}

static bool press_name(const char *name, struct key_strokes *strokes)
{
    uint64_t code;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].name, name) == 0)
            return add(strokes, names[i].prefix, names[i].code, false);
    if (name[0] != '\0' && name[1] == '\0')
        return press_character(name[0], strokes);
    return parse_number(name, &code) && code >= 1 && code <= CODE_MAX &&
           add(strokes, 0, (uint8_t)code, false);
}

bool keys_of_name(const char *name, struct key_strokes *strokes)
{
    char part[NAME_SIZE];
    strokes->count = 0;
    for (;;) {
        size_t length = 0;
        while (name[length] != '\0' && name[length] != '-')
            length++;
        if (length >= sizeof(part))
            return false;
        memcpy(part, name, length);
        part[length] = '\0';
        if (!press_name(part, strokes))
            return false;
        if (name[length] == '\0')
            return release_all(strokes);
        name += length + 1;
    }
}
