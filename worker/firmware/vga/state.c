/* INT 10h AH=1Bh, 1Ch and AX=4F04h: what the video BIOS and its hardware are at. */

#include "worker/firmware/vga/vbe.h"
#include "worker/firmware/vga/vga.h"

#define SAVE_HARDWARE 1
#define SAVE_DATA 2
#define SAVE_DAC 4
#define SAVE_VBE 8
#define BLOCK 64 /* sizes are told in such */

#define BDA_VIDEO BDA_VIDEO_MODE
#define BDA_VIDEO_SIZE 0x1e /* 49h to 66h */
#define BDA_VIDEO_2 BDA_ROWS_LESS_1
#define BDA_VIDEO_2_SIZE 7

struct hardware {
    uint8_t misc;
    uint8_t sequencer[VGA_SEQUENCERS], crtc[VGA_CRTCS], attribute[VGA_ATTRIBUTES],
        graphics[VGA_GRAPHICSES];
};

struct data {
    uint8_t bda[BDA_VIDEO_SIZE], bda_2[BDA_VIDEO_2_SIZE];
    uint32_t vectors[3]; /* 10h, 1Fh, 43h */
};

struct dac {
    uint8_t mask, rgb[256][3];
};

static const uint8_t saved_vectors[3] = {0x10, 0x1f, 0x43};

/* What AH=1Bh points to: what this BIOS can do. */
static const uint8_t static_information[16] = {
    0xff, 0xe0, 0x0f, 0, 0, 0, 0, /* modes 0 to 7, Dh to 13h */
    0x07,                         /* 200, 350, 400 lines */
    2,    8,                      /* character sets at once, and there are */
    0xff, 0x0e,
};

static uint16_t size_of(uint16_t what)
{
    return (uint16_t)((what & SAVE_HARDWARE ? sizeof(struct hardware) : 0) +
                      (what & SAVE_DATA ? sizeof(struct data) : 0) +
                      (what & SAVE_DAC ? sizeof(struct dac) : 0) +
                      (what & SAVE_VBE ? sizeof(struct vbe_state) : 0));
}

static void save_hardware(struct hardware *hardware)
{
    uint16_t crtc = vga_crtc_port();

    hardware->misc = inb(VGA_MISC_READ);
    for (uint8_t i = 0; i < VGA_SEQUENCERS; i++)
        hardware->sequencer[i] = vga_read(VGA_SEQUENCER, i);
    for (uint8_t i = 0; i < VGA_CRTCS; i++)
        hardware->crtc[i] = vga_read(crtc, i);
    for (uint8_t i = 0; i < VGA_ATTRIBUTES; i++)
        hardware->attribute[i] = vga_attribute_read(i);
    for (uint8_t i = 0; i < VGA_GRAPHICSES; i++)
        hardware->graphics[i] = vga_read(VGA_GRAPHICS, i);
}

static void restore_hardware(const struct hardware *hardware)
{
    uint16_t crtc;

    outb(VGA_MISC, hardware->misc);
    crtc = vga_crtc_port();
    vga_write(VGA_SEQUENCER, 0, 1);
    for (uint8_t i = 1; i < VGA_SEQUENCERS; i++)
        vga_write(VGA_SEQUENCER, i, hardware->sequencer[i]);
    vga_write(VGA_SEQUENCER, 0, 3);
    vga_write(crtc, 0x11, 0);
    for (uint8_t i = 0; i < VGA_CRTCS; i++)
        vga_write(crtc, i, hardware->crtc[i]);
    for (uint8_t i = 0; i < VGA_ATTRIBUTES; i++)
        vga_attribute_write(i, hardware->attribute[i]);
    for (uint8_t i = 0; i < VGA_GRAPHICSES; i++)
        vga_write(VGA_GRAPHICS, i, hardware->graphics[i]);
}

static void save_data(struct data *data)
{
    far_get(data->bda, BDA_SEGMENT, BDA_VIDEO, BDA_VIDEO_SIZE);
    far_get(data->bda_2, BDA_SEGMENT, BDA_VIDEO_2, BDA_VIDEO_2_SIZE);
    for (unsigned i = 0; i < 3; i++)
        data->vectors[i] = far_read32(0, (uint16_t)(saved_vectors[i] * 4));
}

static void restore_data(const struct data *data)
{
    far_put(BDA_SEGMENT, BDA_VIDEO, data->bda, BDA_VIDEO_SIZE);
    far_put(BDA_SEGMENT, BDA_VIDEO_2, data->bda_2, BDA_VIDEO_2_SIZE);
    for (unsigned i = 0; i < 3; i++)
        far_write32(0, (uint16_t)(saved_vectors[i] * 4), data->vectors[i]);
}

/* The colors go to the caller one by one: together they do not fit on a stack of ours. */
static void save_dac(uint16_t segment, uint16_t offset)
{
    uint8_t rgb[3];

    far_write8(segment, offset++, inb(VGA_DAC_MASK));
    for (unsigned i = 0; i < 256; i++) {
        vga_dac_read((uint8_t)i, rgb);
        far_put(segment, offset, rgb, 3);
        offset = (uint16_t)(offset + 3);
    }
}

static void restore_dac(uint16_t segment, uint16_t offset)
{
    uint8_t rgb[3];

    outb(VGA_DAC_MASK, far_read8(segment, offset++));
    for (unsigned i = 0; i < 256; i++) {
        far_get(rgb, segment, offset, 3);
        vga_dac_write((uint8_t)i, rgb[0], rgb[1], rgb[2]);
        offset = (uint16_t)(offset + 3);
    }
}

static void save(uint16_t what, uint16_t segment, uint16_t offset)
{
    struct hardware hardware;
    struct data data;
    struct vbe_state vbe;

    if (what & SAVE_HARDWARE) {
        save_hardware(&hardware);
        far_put(segment, offset, &hardware, sizeof(hardware));
        offset = (uint16_t)(offset + sizeof(hardware));
    }
    if (what & SAVE_DATA) {
        save_data(&data);
        far_put(segment, offset, &data, sizeof(data));
        offset = (uint16_t)(offset + sizeof(data));
    }
    if (what & SAVE_DAC) {
        save_dac(segment, offset);
        offset = (uint16_t)(offset + sizeof(struct dac));
    }
    if (what & SAVE_VBE) {
        vbe_save(&vbe);
        far_put(segment, offset, &vbe, sizeof(vbe));
    }
}

static void restore(uint16_t what, uint16_t segment, uint16_t offset)
{
    struct hardware hardware;
    struct data data;
    struct vbe_state vbe;
    uint16_t vbe_offset = (uint16_t)(offset + size_of(what & (uint16_t)~SAVE_VBE));

    /* First: turning the VBE mode off or on disturbs the registers that follow. */
    if (what & SAVE_VBE) {
        far_get(&vbe, segment, vbe_offset, sizeof(vbe));
        vbe_restore(&vbe);
    }
    if (what & SAVE_HARDWARE) {
        far_get(&hardware, segment, offset, sizeof(hardware));
        restore_hardware(&hardware);
        offset = (uint16_t)(offset + sizeof(hardware));
    }
    if (what & SAVE_DATA) {
        far_get(&data, segment, offset, sizeof(data));
        restore_data(&data);
        offset = (uint16_t)(offset + sizeof(data));
    }
    if (what & SAVE_DAC)
        restore_dac(segment, offset);
}

/* AH=1Ch: AL 0 asks for the size of the buffer, 1 saves, 2 restores. */
void state_save_service(struct frame *frame)
{
    uint16_t what = frame->cx & (SAVE_HARDWARE | SAVE_DATA | SAVE_DAC);

    if (frame->al > 2)
        return;
    if (frame->al == 0)
        frame->bx = (uint16_t)((size_of(what) + BLOCK - 1) / BLOCK);
    else if (frame->al == 1)
        save(what, frame->es, frame->bx);
    else
        restore(what, frame->es, frame->bx);
    frame->al = 0x1c;
}

void vbe_state_service(struct frame *frame)
{
    uint16_t what = frame->cx & (SAVE_HARDWARE | SAVE_DATA | SAVE_DAC | SAVE_VBE);

    if (frame->dl > 2) {
        frame->ax = 0x014f;
        return;
    }
    if (frame->dl == 0)
        frame->bx = (uint16_t)((size_of(what) + BLOCK - 1) / BLOCK);
    else if (frame->dl == 1)
        save(what, frame->es, frame->bx);
    else
        restore(what, frame->es, frame->bx);
    frame->ax = 0x004f;
}

/* AH=1Bh: the state of everything, in 64 bytes at ES:DI. */
void state_service(struct frame *frame)
{
    const struct vga_mode *mode = vga_mode();
    uint8_t information[64] = {0};
    uint32_t pointer = (uint32_t)VGA_SEGMENT << 16 | (uint16_t)(uintptr_t)static_information;
    uint16_t colors = mode->layout == LAYOUT_LINEAR                                  ? 256
                      : mode->layout == LAYOUT_CGA4                                  ? 4
                      : mode->layout == LAYOUT_CGA2 || mode->palette == PALETTE_MONO ? 2
                                                                                     : 16;

    if (frame->bx)
        return;
    memcpy(information, &pointer, 4);
    far_get(information + 4, BDA_SEGMENT, BDA_VIDEO, BDA_VIDEO_SIZE);
    information[0x22] = (uint8_t)(bda_read8(BDA_ROWS_LESS_1) + 1);
    information[0x23] = bda_read8(BDA_CHARACTER_HEIGHT);
    information[0x25] = bda_read8(BDA_DISPLAY_CODE);
    information[0x27] = (uint8_t)colors;
    information[0x28] = (uint8_t)(colors >> 8);
    information[0x29] = mode->layout == LAYOUT_TEXT ? 8 : 1;
    information[0x2a] = mode->misc & 0x80 ? (mode->misc & 0x40 ? 3 : 1) : 2;
    information[0x31] = 3; /* 256 KiB */
    far_put(frame->es, frame->di, information, sizeof(information));
    frame->al = 0x1b;
}
