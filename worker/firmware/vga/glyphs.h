/* The glyphs of code page 437, made from our font for ASCII. */
#ifndef VENEER_FIRMWARE_VGA_GLYPHS_H
#define VENEER_FIRMWARE_VGA_GLYPHS_H

#include <stdint.h>

/* Draws character @c in 8x16, 8x14 and 8x8 pixels, the leftmost in the most significant bit. */
void glyph_make(uint8_t c, uint8_t lines_16[16], uint8_t lines_14[14], uint8_t lines_8[8]);

#endif
