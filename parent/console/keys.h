/* Strokes of keys, on a US keyboard, for characters and for names that people give. Pure logic. */
#ifndef VENEER_PARENT_CONSOLE_KEYS_H
#define VENEER_PARENT_CONSOLE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/machine_control.h"

#define KEYS_MAX_STROKES 16

/* Keys that go down and up, in their order. */
struct key_strokes {
    uint32_t count;
    struct machine_control_key keys[KEYS_MAX_STROKES];
};

/* The strokes that type @c: an ASCII character, Tab, or a new line. False: no key has it. */
bool keys_of_character(char c, struct key_strokes *strokes);

/* The strokes of a key by its name, with those that are held meanwhile before it: "f1", "a",
 * "ctrl-alt-delete", "shift-0x1e" (a make code of scan code set 1). False: there is no such key, or
 * there are too many. */
bool keys_of_name(const char *name, struct key_strokes *strokes);

#endif
