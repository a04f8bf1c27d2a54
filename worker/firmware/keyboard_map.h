/* Which key a scan code is, on the keyboard of the United States. */
#ifndef VENEER_FIRMWARE_KEYBOARD_MAP_H
#define VENEER_FIRMWARE_KEYBOARD_MAP_H

#include <stdbool.h>
#include <stdint.h>

/* BDA_KEYBOARD_FLAGS */
#define FLAG_RIGHT_SHIFT 0x01
#define FLAG_LEFT_SHIFT 0x02
#define FLAG_SHIFTS (FLAG_RIGHT_SHIFT | FLAG_LEFT_SHIFT)
#define FLAG_CTRL 0x04
#define FLAG_ALT 0x08
#define FLAG_SCROLL 0x10
#define FLAG_NUM 0x20
#define FLAG_CAPS 0x40
#define FLAG_INSERT 0x80
/* The byte behind it: the upper ones while they are held, and */
#define FLAG2_LEFT_CTRL 0x01
#define FLAG2_LEFT_ALT 0x02
#define FLAG2_PAUSED 0x08
/* BDA_KEYBOARD_MODE */
#define MODE_LAST_E1 0x01
#define MODE_LAST_E0 0x02
#define MODE_RIGHT_CTRL 0x04
#define MODE_RIGHT_ALT 0x08
#define MODE_ENHANCED 0x10

/* The key as INT 16h AH=10h returns it, scan code and character, for scan code @code (behind E0 if
 * @extended) and BDA_KEYBOARD_FLAGS @flags; 0 if it is none. */
uint16_t keyboard_map(uint8_t code, bool extended, uint8_t flags);

/* Stores a key; false without room. Interrupts disabled. */
bool keyboard_store(uint16_t key);

#endif
