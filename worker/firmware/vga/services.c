/* INT 10h */

#include "worker/firmware/vga/vga.h"

#define ALTERNATE_SELECT 0x12

void video_service(struct frame *frame);
void video_init(struct frame *frame);

extern uint8_t int10[];

static struct position position_of(const struct frame *frame)
{
    return (struct position){frame->dl, frame->dh};
}

static void get_cursor(struct frame *frame)
{
    struct position position = cursor_get(frame->bh);

    frame->dl = position.column;
    frame->dh = position.row;
    frame->cx = bda_read16(BDA_CURSOR_SHAPE);
    frame->ax = 0;
}

static void scroll(struct frame *frame)
{
    struct window window = {frame->ch, frame->cl, frame->dh, frame->dl};

    screen_scroll(bda_read8(BDA_PAGE), window, frame->al, frame->bh, frame->ah == 0x07);
}

/* AH=09h and 0Ah: CX times the same character. It may run into the next rows. */
static void write_repeated(struct frame *frame)
{
    struct position position = cursor_get(frame->bh);

    for (uint16_t i = 0; i < frame->cx && position.row < screen_rows(); i++) {
        if (frame->ah == 0x09)
            screen_put(frame->bh, position, frame->al, frame->bl);
        else
            screen_put_plain(frame->bh, position, frame->al, frame->bl);
        if (++position.column >= screen_columns()) {
            position.column = 0;
            position.row++;
        }
    }
}

/* AH=13h: AL bit 0 moves the cursor, bit 1: attributes are in the string. */
static void write_string(struct frame *frame)
{
    struct position before = cursor_get(frame->bh);
    uint16_t at = frame->bp;

    cursor_set(frame->bh, position_of(frame));
    for (uint16_t i = 0; i < frame->cx; i++) {
        uint8_t character = far_read8(frame->es, at++), attribute = frame->bl;

        if (frame->al & 2)
            attribute = far_read8(frame->es, at++);
        if (character != '\a' && character != '\b' && character != '\r' && character != '\n')
            screen_put(frame->bh, cursor_get(frame->bh), character, attribute);
        screen_teletype(frame->bh, character, attribute);
    }
    if (!(frame->al & 1))
        cursor_set(frame->bh, before);
}

static void set_video_flag(uint8_t offset, uint8_t bit, bool on)
{
    uint8_t flags = bda_read8(offset);

    bda_write8(offset, (uint8_t)(on ? flags | bit : flags & ~bit));
}

static void set_scan_lines(uint8_t choice)
{
    uint8_t flags = bda_read8(BDA_VIDEO_MODE_SET);

    flags &= 0x6f;
    if (choice == 0)
        flags |= 0x80;
    else if (choice == 2)
        flags |= 0x10;
    bda_write8(BDA_VIDEO_MODE_SET, flags);
}

/* AH=12h */
static void alternate_service(struct frame *frame)
{
    uint8_t choice = frame->al;

    switch (frame->bl) {
    case 0x10:
        frame->bh = (bda_read8(BDA_VIDEO_MODE) & 0x7f) == 7;
        frame->bl = 3; /* 256 KiB */
        frame->ch = 0;
        frame->cl = bda_read8(BDA_VIDEO_SWITCHES) & 15;
        return;
    case 0x20: /* another print screen routine: the one that is there does for any mode */
        return;
    case 0x30:
        set_scan_lines(choice);
        break;
    case 0x31:
        set_video_flag(BDA_VIDEO_MODE_SET, 0x08, choice == 1);
        break;
    case 0x32: /* the VGA answers its ports and memory, or not */
        outb(VGA_MISC, (uint8_t)((inb(VGA_MISC_READ) & ~2) | (choice ? 0 : 2)));
        break;
    case 0x33:
        set_video_flag(BDA_VIDEO_MODE_SET, 0x02, choice == 0);
        break;
    case 0x34:
        set_video_flag(BDA_VIDEO_CONTROL, 0x01, choice == 1);
        break;
    case 0x36:
        vga_write(VGA_SEQUENCER, 1,
                  (uint8_t)((vga_read(VGA_SEQUENCER, 1) & ~0x20) | (choice ? 0x20 : 0)));
        break;
    default:
        return;
    }
    frame->al = ALTERNATE_SELECT;
}

/* AH=1Ah: which display there is. */
static void display_service(struct frame *frame)
{
    if (frame->al > 1)
        return;
    if (frame->al == 1)
        bda_write8(BDA_DISPLAY_CODE, frame->bl);
    else
        frame->bx = bda_read8(BDA_DISPLAY_CODE);
    frame->al = 0x1a;
}

static void set_mode(struct frame *frame)
{
    uint8_t mode = frame->al & 0x7f;

    vga_set_mode(frame->al);
    /* What some programs know the mode's kind by. */
    frame->al = mode == 6 ? 0x3f : mode <= 7 ? 0x30 : 0x20;
}

static void get_mode(struct frame *frame)
{
    frame->ah = screen_columns();
    frame->al = (uint8_t)(bda_read8(BDA_VIDEO_MODE) | (bda_read8(BDA_VIDEO_CONTROL) & 0x80));
    frame->bh = bda_read8(BDA_PAGE);
}

static void read_character(struct frame *frame)
{
    frame->ax = screen_get(frame->bh, cursor_get(frame->bh));
}

static void set_shape(struct frame *frame)
{
    cursor_set_shape(frame->ch, frame->cl);
}

static void set_cursor(struct frame *frame)
{
    cursor_set(frame->bh, position_of(frame));
}

static void get_light_pen(struct frame *frame)
{
    frame->ah = 0; /* it is not there */
}

static void set_page(struct frame *frame)
{
    page_select(frame->al);
}

static void teletype(struct frame *frame)
{
    screen_teletype(bda_read8(BDA_PAGE), frame->al, frame->bl);
}

void video_service(struct frame *frame)
{
    static void (*const functions[])(struct frame *) = {
        set_mode,
        set_shape,
        set_cursor,
        get_cursor,
        get_light_pen,
        set_page,
        scroll,
        scroll,
        read_character,
        write_repeated,
        write_repeated,
        vga_color_service,
        graphics_write_pixel,
        graphics_read_pixel,
        teletype,
        get_mode,
        vga_palette_service,
        font_service,
        alternate_service,
        write_string,
    };

    if (frame->ah < sizeof(functions) / sizeof(functions[0]))
        functions[frame->ah](frame);
    else if (frame->ah == 0x1a)
        display_service(frame);
    else if (frame->ah == 0x1b)
        state_service(frame);
    else if (frame->ah == 0x1c)
        state_save_service(frame);
    else if (frame->ah == 0x4f)
        vbe_service(frame);
}

/* POST calls C000:0003. */
void video_init(struct frame *frame)
{
    (void)frame;
    far_write32(0, 0x10 * 4, (uint32_t)VGA_SEGMENT << 16 | (uint16_t)(uintptr_t)int10);
    far_write32(0, 0x42 * 4, (uint32_t)VGA_SEGMENT << 16 | (uint16_t)(uintptr_t)int10);
    bda_write8(BDA_VIDEO_MODE_SET, 0x11); /* 400 lines, VGA */
    vga_set_mode(3);
}
