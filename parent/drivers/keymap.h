/* Scan codes of set 1 (what the keyboard controller of a PC translates to) into what a terminal
 * sends, for a US keyboard. Pure logic. */
#ifndef VENEER_PARENT_DRIVERS_KEYMAP_H
#define VENEER_PARENT_DRIVERS_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYMAP_TEXT_SIZE 8

/* All zeros at the start. */
struct keymap {
    bool left_shift, right_shift, left_control, right_control, left_alt, right_alt;
    bool caps_lock, num_lock;
    bool extended;   /* E0h came: the next code is of the keys that AT keyboards have more */
    uint8_t ignored; /* so many codes: the rest of the sequence of Pause */
};

enum keymap_action {
    KEYMAP_NONE,
    KEYMAP_SCROLL_UP,   /* Shift with Page Up */
    KEYMAP_SCROLL_DOWN, /* Shift with Page Down */
};

/* Takes the next scan code. Returns the length of what it means, in @text, 0 if it is nothing to be
 * sent; or an action for the screen in *@action. */
size_t keymap_translate(struct keymap *keymap, uint8_t code, char text[KEYMAP_TEXT_SIZE],
                        enum keymap_action *action);

/* The key that types @c, with Shift or without, among those of the main block; Enter is '\r'.
 * False: there is none. */
bool keymap_find(char c, uint8_t *code, bool *shift);

#endif
