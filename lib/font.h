/* Our own 8x16 font for the characters 20h to 7Eh. */
#ifndef VENEER_LIB_FONT_H
#define VENEER_LIB_FONT_H

#include <stdint.h>

#define FONT_WIDTH 8
#define FONT_HEIGHT 16
#define FONT_FIRST 0x20
#define FONT_LAST 0x7e

/* The pixels of line @y (0 at the top, less than FONT_HEIGHT) of the glyph for @c, which is from
 * FONT_FIRST to FONT_LAST; the most significant bit is the leftmost pixel. */
uint8_t font_row(char c, unsigned y);

#endif
