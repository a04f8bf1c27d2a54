/* Our own 8x16 font for the characters 20h to 7Eh. */
#ifndef VENEER_LIB_FONT_H
#define VENEER_LIB_FONT_H

#include <stdint.h>

#define FONT_WIDTH 8
#define FONT_HEIGHT 16
#define FONT_FIRST 0x20
#define FONT_LAST 0x7e

/* Rows from top to bottom; the most significant bit is the leftmost pixel. */
extern const uint8_t font_glyphs[FONT_LAST - FONT_FIRST + 1][FONT_HEIGHT];

#endif
