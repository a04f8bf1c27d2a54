/* Text on a screen: VGA text mode or a linear framebuffer, scrolling. Screen memory, which is slow
 * to read, is never read. Not locked: the caller serialises. */
#ifndef VENEER_LIB_SCREEN_H
#define VENEER_LIB_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

enum screen_type { SCREEN_NONE, SCREEN_VGA_TEXT, SCREEN_RGB };

struct screen_mode {
    enum screen_type type;
    uint32_t pitch;          /* bytes per line of pixels or cells */
    uint32_t width, height;  /* pixels, or cells in text mode */
    uint8_t bytes_per_pixel; /* 2, 3 or 4 (RGB) */
    uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

/* A larger screen shows text in its upper left part. */
#define SCREEN_MAX_COLUMNS 160
#define SCREEN_MAX_ROWS 64

/* What the screen shows. */
struct screen_cells {
    char rows[SCREEN_MAX_ROWS][SCREEN_MAX_COLUMNS]; /* 20h-7Eh */
};

struct screen {
    struct screen_mode mode;
    volatile uint8_t *memory; /* mapped by the caller, pitch * height (text: rows) bytes */
    uint32_t columns, rows;   /* in characters */
    uint32_t column, row;     /* of the next character; column may be `columns`: the line is full */
    struct screen_cells *cells; /* the caller's */
};

/* Sets up *@screen over @memory, with @cells as its own copy, and clears it. Both stay the caller's
 * and are used as long as the screen is. False, and SCREEN_NONE, if the mode cannot be used. */
bool screen_init(struct screen *screen, const struct screen_mode *mode, volatile void *memory,
                 struct screen_cells *cells);

/* From now on the screen's memory is at @memory and its copy in @cells. */
void screen_move(struct screen *screen, volatile void *memory, struct screen_cells *cells);

/* Bytes of memory that a mode needs mapped; 0 if it cannot be used (also on overflow). */
uint64_t screen_memory_size(const struct screen_mode *mode);

/* Shows @c at a place of the screen, without moving the cursor: outside 20h-7Eh as '?'. Places
 * beyond the screen are ignored. */
void screen_draw(struct screen *screen, uint32_t column, uint32_t row, char c);

/* Shows the next character's place in reverse, or as it was. The caller hides the cursor before it
 * writes. */
void screen_show_cursor(struct screen *screen, bool visible);

/* Writes one character; knows \n, \r, \b and \t; others outside 20h-7Eh appear as '?'. */
void screen_put(struct screen *screen, char c);

#endif
