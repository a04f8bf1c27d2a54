/* What the parts of the VGA BIOS share. */
#ifndef VENEER_FIRMWARE_VGA_VGA_H
#define VENEER_FIRMWARE_VGA_VGA_H

#include "worker/firmware/bda.h"
#include "worker/firmware/firmware.h"

#define VGA_SEGMENT 0xc000 /* of this program */

/* Ports */
#define VGA_ATTRIBUTE 0x3c0
#define VGA_ATTRIBUTE_READ 0x3c1
#define VGA_MISC 0x3c2
#define VGA_SEQUENCER 0x3c4
#define VGA_DAC_MASK 0x3c6
#define VGA_DAC_READ 0x3c7
#define VGA_DAC_WRITE 0x3c8
#define VGA_DAC_DATA 0x3c9
#define VGA_MISC_READ 0x3cc
#define VGA_GRAPHICS 0x3ce

#define VGA_SEQUENCERS 5
#define VGA_CRTCS 25
#define VGA_ATTRIBUTES 21
#define VGA_GRAPHICSES 9

/* How a mode keeps its pixels. */
enum vga_layout {
    LAYOUT_TEXT,
    LAYOUT_CGA4,   /* 2 bits a pixel, two banks */
    LAYOUT_CGA2,   /* 1 bit a pixel, two banks */
    LAYOUT_PLANAR, /* 4 planes */
    LAYOUT_LINEAR, /* a byte a pixel */
};

/* Which colors the DAC gets. */
enum vga_palette {
    PALETTE_MONO,
    PALETTE_CGA, /* bit 4 is intensity */
    PALETTE_EGA, /* rgbRGB */
    PALETTE_256,
};

struct vga_mode {
    uint8_t number, layout, palette;
    uint8_t columns, rows, height; /* of characters */
    uint16_t segment;              /* of the memory */
    uint16_t page_size;            /* bytes */
    uint8_t misc;
    uint8_t sequencer[4]; /* 1 to 4 */
    uint8_t crtc[VGA_CRTCS];
    uint8_t attribute[20];
    uint8_t graphics[VGA_GRAPHICSES];
};

/* --- modes.c --- */

/* The mode of that number, or NULL. */
const struct vga_mode *vga_mode_find(uint8_t number);

/* The mode that is set; that of mode 3 if it is none of VGA's. */
const struct vga_mode *vga_mode(void);

/* INT 10h AH=00h: AL is the mode, with bit 7 if its memory is not to be cleared. */
void vga_set_mode(uint8_t al);

/* Writes all registers of a mode; neither memory nor the BIOS data area. */
void vga_write_mode(const struct vga_mode *mode);

/* Fills the memory of the mode with blanks. */
void vga_clear(const struct vga_mode *mode);

/* --- registers.c --- */

uint8_t vga_read(uint16_t port, uint8_t index);
void vga_write(uint16_t port, uint8_t index, uint8_t value);
uint16_t vga_crtc_port(void);
uint8_t vga_attribute_read(uint8_t index);
void vga_attribute_write(uint8_t index, uint8_t value);

/* --- palette.c --- */

void vga_load_palette(enum vga_palette palette);
void vga_dac_write(uint8_t index, uint8_t red, uint8_t green, uint8_t blue);
void vga_dac_read(uint8_t index, uint8_t *rgb);

/* INT 10h AH=0Bh and 10h */
void vga_color_service(struct frame *frame);
void vga_palette_service(struct frame *frame);

/* --- font.c --- */

/* The glyphs of all 256 characters, @height bytes each: 8, 14 or 16. */
const uint8_t *font_get(uint8_t height);

/* Copies @count glyphs of @height bytes from @segment:@offset into font @block, from @first on. */
void font_load(uint16_t segment, uint16_t offset, uint16_t first, uint16_t count, uint8_t height,
               uint8_t block);

/* INT 10h AH=11h */
void font_service(struct frame *frame);

/* --- text.c: functions for all modes; positions are in characters --- */

struct position {
    uint8_t column, row;
};

struct position cursor_get(uint8_t page);
void cursor_set(uint8_t page, struct position position);
void cursor_set_shape(uint8_t start, uint8_t end);
void page_select(uint8_t page);

/* The number of rows of the mode. */
uint8_t screen_rows(void);
uint8_t screen_columns(void);

/* Writes a character; in graphics modes @attribute is a color, with bit 7 to be XORed. */
void screen_put(uint8_t page, struct position position, uint8_t character, uint8_t attribute);

/* Writes a character only, as AH=0Ah and 0Eh: in text modes the attribute stays. */
void screen_put_plain(uint8_t page, struct position position, uint8_t character, uint8_t color);

/* Attribute in the upper byte. */
uint16_t screen_get(uint8_t page, struct position position);

/* INT 10h AH=06h and 07h: 0 lines clears. */
struct window {
    uint8_t top, left, bottom, right;
};
void screen_scroll(uint8_t page, struct window window, uint8_t lines, uint8_t attribute, bool down);

/* INT 10h AH=0Eh */
void screen_teletype(uint8_t page, uint8_t character, uint8_t color);

/* --- graphics.c --- */

void graphics_put(const struct vga_mode *mode, uint8_t page, struct position position,
                  uint8_t character, uint8_t color);
uint8_t graphics_get(const struct vga_mode *mode, uint8_t page, struct position position);
void graphics_scroll(const struct vga_mode *mode, uint8_t page, struct window window, uint8_t lines,
                     uint8_t color, bool down);
void graphics_write_pixel(struct frame *frame);
void graphics_read_pixel(struct frame *frame);

/* --- vbe.c, state.c --- */

/* INT 10h AH=4Fh */
void vbe_service(struct frame *frame);

/* Whether a VBE mode is set; leaves it. */
bool vbe_active(void);
void vbe_leave(void);

/* INT 10h AH=1Bh and 1Ch */
void state_service(struct frame *frame);
void state_save_service(struct frame *frame);

#endif
