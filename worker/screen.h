/* What a virtual machine's screen shows, as text and as a picture. Sizes and addresses come from
 * the guest's registers and are bounded here; only video memory is read. */
#ifndef VENEER_WORKER_SCREEN_H
#define VENEER_WORKER_SCREEN_H

#include "worker/devices/vga.h"

#define SCREEN_MAX_WIDTH 2560
#define SCREEN_MAX_HEIGHT 1600

/* A text screen, in characters. */
struct screen_text {
    uint32_t columns, rows; /* both 0: the screen shows graphics */
    bool cursor;            /* shown, at: */
    uint32_t cursor_column, cursor_row;
};

/* Describes @vga's screen in @text, and writes it as UTF-8 into @lines of @size > 0 bytes: a line
 * for each row, without the blanks at its end, terminated by a newline; a NUL at the end. What does
 * not fit is left out by whole lines. Returns the length; 0 if the screen shows graphics. Machine's
 * lock held. */
size_t screen_text(const struct vga *vga, struct screen_text *text, char *lines, size_t size);

/* A picture: the registers as they were when it was taken; pixels are read when a row is. */
struct screen_picture {
    uint32_t width, height; /* pixels; at least 1, at most the maxima above */
    struct vga_state state;
    const struct vga *vga;
};

/* Takes a picture of whatever @vga shows. Lines and pixels that the mode doubles are one. Machine's
 * lock held. */
void screen_picture(const struct vga *vga, struct screen_picture *picture);

/* Writes row @row, below @picture->height, to @rgb: 3 bytes (red, green, blue) for each of its
 * width. The guest may go on meanwhile. Any thread; @picture->vga must still be there. */
void screen_picture_row(const struct screen_picture *picture, uint32_t row, uint8_t *rgb);

#endif
