/* Runs on the machine that builds: writes the fonts of the VGA BIOS, 8, 14 and 16 lines high, into
 * the file it is given. */

#include <stdio.h>
#include <string.h>

#include "worker/firmware/vga/glyphs.h"

#define GLYPHS 256

static unsigned char font_8[GLYPHS][8], font_14[GLYPHS][14], font_16[GLYPHS][16];

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "wb") : NULL;

    if (!file) {
        fprintf(stderr, "usage: glyphs OUTPUT\n");
        return 2;
    }
    for (unsigned i = 0; i < GLYPHS; i++)
        glyph_make((uint8_t)i, font_16[i], font_14[i], font_8[i]);
    fwrite(font_8, sizeof(font_8), 1, file);
    fwrite(font_14, sizeof(font_14), 1, file);
    fwrite(font_16, sizeof(font_16), 1, file);
    return ferror(file) || fclose(file) ? 1 : 0;
}
