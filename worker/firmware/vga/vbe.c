/* INT 10h AH=4Fh: VESA BIOS Extension, version 3.0, by the "DISPI" registers of QEMU's, Bochs's and
 * our own VGA. */

#include "worker/firmware/pci.h"
#include "worker/firmware/vga/vga.h"
#include "worker/firmware/vga/vbe.h"

#define DISPI_INDEX 0x1ce
#define DISPI_DATA 0x1cf

enum dispi_register {
    DISPI_ID,
    DISPI_WIDTH,
    DISPI_HEIGHT,
    DISPI_BITS,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRTUAL_WIDTH,
    DISPI_VIRTUAL_HEIGHT,
    DISPI_X,
    DISPI_Y,
    DISPI_MEMORY, /* in 64 KiB */
};
#define DISPI_ENABLED 0x01
#define DISPI_DAC_8 0x20
#define DISPI_LINEAR 0x40
#define DISPI_KEEP 0x80
#define DISPI_ID_FIRST 0xb0c0
#define DISPI_ID_LAST 0xb0cf

#define CLASS_VGA 0x0300
#define BANK_SIZE 0x10000u
#define MODE_LINEAR 0x4000
#define MODE_KEEP 0x8000
#define MODE_NUMBER 0x3fff

#define DONE 0x004f
#define FAILED 0x014f
#define WRONG_STATE 0x034f

struct vbe_mode {
    uint16_t number, width, height;
    uint8_t bits;
};

/* VESA's numbers for what has one; 32 bits a pixel have none. */
static const struct vbe_mode modes[] = {
    {0x100, 640, 400, 8},    {0x101, 640, 480, 8},    {0x103, 800, 600, 8},
    {0x105, 1024, 768, 8},   {0x107, 1280, 1024, 8},  {0x10d, 320, 200, 15},
    {0x10e, 320, 200, 16},   {0x10f, 320, 200, 24},   {0x110, 640, 480, 15},
    {0x111, 640, 480, 16},   {0x112, 640, 480, 24},   {0x113, 800, 600, 15},
    {0x114, 800, 600, 16},   {0x115, 800, 600, 24},   {0x116, 1024, 768, 15},
    {0x117, 1024, 768, 16},  {0x118, 1024, 768, 24},  {0x119, 1280, 1024, 15},
    {0x11a, 1280, 1024, 16}, {0x11b, 1280, 1024, 24}, {0x140, 320, 200, 32},
    {0x141, 640, 400, 32},   {0x142, 640, 480, 32},   {0x143, 800, 600, 32},
    {0x144, 1024, 768, 32},  {0x145, 1280, 1024, 32},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static uint16_t current; /* mode, with its flags; 0: none of VBE's */

static uint16_t dispi_read(uint16_t reg)
{
    outw(DISPI_INDEX, reg);
    return inw(DISPI_DATA);
}

static void dispi_write(uint16_t reg, uint16_t value)
{
    outw(DISPI_INDEX, reg);
    outw(DISPI_DATA, value);
}

static bool present(void)
{
    uint16_t id = dispi_read(DISPI_ID);

    return id >= DISPI_ID_FIRST && id <= DISPI_ID_LAST;
}

static uint32_t memory_size(void)
{
    return (uint32_t)dispi_read(DISPI_MEMORY) << 16;
}

static uint8_t bytes_per_pixel(uint8_t bits)
{
    return (uint8_t)((bits + 7) / 8);
}

static uint16_t line_bytes(const struct vbe_mode *mode)
{
    return (uint16_t)(mode->width * bytes_per_pixel(mode->bits));
}

static bool fits(const struct vbe_mode *mode)
{
    return (uint32_t)line_bytes(mode) * mode->height <= memory_size();
}

static const struct vbe_mode *find(uint16_t number)
{
    for (unsigned i = 0; i < MODES; i++) {
        if (modes[i].number == (number & MODE_NUMBER) && fits(&modes[i]))
            return &modes[i];
    }
    return NULL;
}

void vbe_leave(void)
{
    if (current)
        dispi_write(DISPI_ENABLE, 0);
    current = 0;
}

/* The first base address register of the VGA that is memory. */
static uint32_t frame_buffer(void)
{
    for (unsigned function = 0; function < PCI_FUNCTIONS; function++) {
        uint32_t base;

        if (!pci_present((uint8_t)function) ||
            pci_read32((uint8_t)function, PCI_CLASS) >> 16 != CLASS_VGA)
            continue;
        base = pci_read32((uint8_t)function, PCI_BAR);
        return base & 1 ? 0 : base & ~15u;
    }
    return 0;
}

/* --- 4F00h: what there is
 * -------------------------------------------------------------------------- */

static void get_information(struct frame *frame)
{
    static const char name[] = "Veneer";
    struct vbe_information information = {
        .signature = VBE_SIGNATURE,
        .version = 0x0300,
        .capabilities = 1, /* the DAC can have 8 bits */
        .memory = dispi_read(DISPI_MEMORY),
        .revision = 1,
    };
    uint32_t signature = far_read32(frame->es, frame->di);
    uint16_t size = signature == VBE2_SIGNATURE ? 512 : 256, at, first;

    /* The list of modes is in the caller's block, behind what is fixed; so is the name. */
    for (uint16_t i = 0; i < size; i++)
        far_write8(frame->es, (uint16_t)(frame->di + i), 0);
    at = first = (uint16_t)(frame->di + sizeof(information));
    for (unsigned i = 0; i < MODES; i++) {
        if (!fits(&modes[i]))
            continue;
        far_write16(frame->es, at, modes[i].number);
        at = (uint16_t)(at + 2);
    }
    far_write16(frame->es, at, 0xffff);
    at = (uint16_t)(at + 2);
    far_put(frame->es, at, name, sizeof(name));
    information.modes = (uint32_t)frame->es << 16 | first;
    information.oem = information.vendor = information.product = information.product_revision =
        (uint32_t)frame->es << 16 | at;
    far_put(frame->es, frame->di, &information, sizeof(information));
    frame->ax = DONE;
}

/* --- 4F01h: what a mode is like
 * -------------------------------------------------------------------- */

static void set_colors(struct vbe_mode_information *information, uint8_t bits)
{
    bool alpha = bits == 15 || bits == 32;
    uint8_t color = bits >= 24 ? 8 : 5, green = bits == 16 ? 6 : color;

    if (bits == 8) {
        information->model = VBE_MODEL_PACKED;
        return;
    }
    information->model = VBE_MODEL_DIRECT;
    information->blue_size = information->linear_blue_size = color;
    information->green_size = information->linear_green_size = green;
    information->red_size = information->linear_red_size = color;
    information->green_position = information->linear_green_position = color;
    information->red_position = information->linear_red_position = (uint8_t)(color + green);
    if (alpha) {
        uint8_t at = (uint8_t)(color * 2 + green);

        information->reserved_size = information->linear_reserved_size = bits == 15 ? 1 : 8;
        information->reserved_position = information->linear_reserved_position = at;
    }
    information->direct_color = bits == 32 ? 2 : 0;
}

static void get_mode_information(struct frame *frame)
{
    const struct vbe_mode *mode = find(frame->cx);
    struct vbe_mode_information information = {0};
    uint32_t images;

    if (!mode) {
        frame->ax = FAILED;
        return;
    }
    images = memory_size() / ((uint32_t)line_bytes(mode) * mode->height) - 1;
    information.attributes = VBE_MODE_SUPPORTED | VBE_MODE_INFORMATION | VBE_MODE_COLOR |
                             VBE_MODE_GRAPHICS | VBE_MODE_NOT_VGA;
    information.frame_buffer = frame_buffer();
    if (information.frame_buffer)
        information.attributes |= VBE_MODE_LINEAR;
    information.window_a_attributes = 7; /* it moves, can be read and written */
    information.granularity = information.window_size = BANK_SIZE / 1024;
    information.window_a_segment = 0xa000;
    information.line_bytes = information.linear_line_bytes = line_bytes(mode);
    information.width = mode->width;
    information.height = mode->height;
    information.character_width = 8;
    information.character_height = 16;
    information.planes = information.banks = 1;
    information.bits = mode->bits;
    information.images = information.linear_images = information.banked_images =
        (uint8_t)(images > 255 ? 255 : images);
    information.reserved_1 = 1;
    information.max_pixel_clock = 230000000;
    set_colors(&information, mode->bits);
    far_put(frame->es, frame->di, &information, sizeof(information));
    frame->ax = DONE;
}

/* --- 4F02h and 4F03h: the mode
 * ---------------------------------------------------------------------- */

static void set_mode(struct frame *frame)
{
    const struct vbe_mode *mode = find(frame->bx);
    uint16_t enable = DISPI_ENABLED;

    if ((frame->bx & MODE_NUMBER) < 0x100) {
        if (!vga_mode_find(frame->bl & 0x7f)) {
            frame->ax = FAILED;
            return;
        }
        vga_set_mode((uint8_t)(frame->bl | (frame->bx & MODE_KEEP ? 0x80 : 0)));
        frame->ax = DONE;
        return;
    }
    if (!mode) {
        frame->ax = FAILED;
        return;
    }
    /* Mode 13h is near: a byte a pixel, chained planes, and a palette of 256 colors. */
    vga_set_mode(0x13 | 0x80);
    if (frame->bx & MODE_LINEAR)
        enable |= DISPI_LINEAR;
    if (frame->bx & MODE_KEEP)
        enable |= DISPI_KEEP;
    dispi_write(DISPI_ENABLE, 0);
    dispi_write(DISPI_WIDTH, mode->width);
    dispi_write(DISPI_HEIGHT, mode->height);
    dispi_write(DISPI_BITS, mode->bits);
    dispi_write(DISPI_VIRTUAL_WIDTH, mode->width);
    dispi_write(DISPI_X, 0);
    dispi_write(DISPI_Y, 0);
    dispi_write(DISPI_BANK, 0);
    dispi_write(DISPI_ENABLE, enable);
    current = frame->bx & (MODE_NUMBER | MODE_LINEAR | MODE_KEEP);
    frame->ax = DONE;
}

static void get_mode(struct frame *frame)
{
    frame->bx = current ? current : bda_read8(BDA_VIDEO_MODE);
    frame->ax = DONE;
}

/* --- 4F05h to 4F09h: window, lines, start, colors
 * ------------------------------------------------------ */

static void window_control(struct frame *frame)
{
    if (frame->bl != 0 || frame->bh > 1) {
        frame->ax = FAILED;
    } else if (current & MODE_LINEAR || !current) {
        frame->ax = WRONG_STATE;
    } else if (frame->bh == 1) {
        frame->dx = dispi_read(DISPI_BANK);
        frame->ax = DONE;
    } else if ((uint32_t)frame->dx * BANK_SIZE >= memory_size()) {
        frame->ax = FAILED;
    } else {
        dispi_write(DISPI_BANK, frame->dx);
        frame->ax = DONE;
    }
}

static void scan_line_length(struct frame *frame)
{
    const struct vbe_mode *mode = find(current);
    uint32_t bytes, pixels;

    if (!current || !mode) {
        frame->ax = WRONG_STATE;
        return;
    }
    bytes = bytes_per_pixel(mode->bits);
    pixels = dispi_read(DISPI_VIRTUAL_WIDTH);
    if (frame->bl == 0)
        pixels = frame->cx;
    else if (frame->bl == 2)
        pixels = (frame->cx + bytes - 1) / bytes;
    else if (frame->bl == 3)
        pixels = memory_size() / mode->height / bytes;
    else if (frame->bl > 3)
        pixels = 0;
    if (pixels < mode->width || pixels > 0xffff / bytes ||
        pixels * bytes * mode->height > memory_size()) {
        frame->ax = FAILED;
        return;
    }
    if (frame->bl == 0 || frame->bl == 2)
        dispi_write(DISPI_VIRTUAL_WIDTH, (uint16_t)pixels);
    frame->bx = (uint16_t)(pixels * bytes);
    frame->cx = (uint16_t)pixels;
    frame->dx =
        (uint16_t)(memory_size() / (pixels * bytes) > 0xffff ? 0xffff
                                                             : memory_size() / (pixels * bytes));
    frame->ax = DONE;
}

static void display_start(struct frame *frame)
{
    if (!current) {
        frame->ax = WRONG_STATE;
    } else if ((frame->bl & 0x7f) == 0) {
        dispi_write(DISPI_X, frame->cx);
        dispi_write(DISPI_Y, frame->dx);
        frame->ax = DONE;
    } else if (frame->bl == 1) {
        frame->bh = 0;
        frame->cx = dispi_read(DISPI_X);
        frame->dx = dispi_read(DISPI_Y);
        frame->ax = DONE;
    } else {
        frame->ax = FAILED;
    }
}

static void dac_width(struct frame *frame)
{
    uint16_t enable = dispi_read(DISPI_ENABLE) | DISPI_KEEP;
    const struct vbe_mode *mode = find(current);

    if (!mode || mode->bits != 8) {
        frame->ax = WRONG_STATE;
        return;
    }
    if (frame->bl == 0)
        dispi_write(DISPI_ENABLE,
                    (uint16_t)(frame->bh >= 8 ? enable | DISPI_DAC_8 : enable & ~DISPI_DAC_8));
    if (frame->bl > 1) {
        frame->ax = FAILED;
        return;
    }
    frame->bh = dispi_read(DISPI_ENABLE) & DISPI_DAC_8 ? 8 : 6;
    frame->ax = DONE;
}

/* Entries are blue, green, red, and a byte of no use. */
static void palette_data(struct frame *frame)
{
    bool set = (frame->bl & 0x7f) == 0;

    if ((frame->bl & 0x7f) > 1 || frame->dx > 255 || frame->cx > 256u - frame->dx) {
        frame->ax = FAILED;
        return;
    }
    for (uint16_t i = 0; i < frame->cx; i++) {
        uint8_t entry[4] = {0}, rgb[3];
        uint16_t at = (uint16_t)(frame->di + i * 4);
        uint8_t index = (uint8_t)(frame->dx + i);

        if (set) {
            far_get(entry, frame->es, at, 4);
            vga_dac_write(index, entry[2], entry[1], entry[0]);
            continue;
        }
        vga_dac_read(index, rgb);
        entry[0] = rgb[2];
        entry[1] = rgb[1];
        entry[2] = rgb[0];
        far_put(frame->es, at, entry, 4);
    }
    frame->ax = DONE;
}

/* --- 4F15h: the monitor
 * -------------------------------------------------------------------------------- */

static void display_identification(struct frame *frame)
{
    if (frame->bl == 0) {
        frame->bx = 0x0103; /* a second for a transfer, DDC 1 and 2 */
        frame->ax = DONE;
    } else if (frame->bl == 1 && frame->dx == 0) {
        uint8_t edid[VBE_EDID_SIZE];

        vbe_edid(edid);
        far_put(frame->es, frame->di, edid, sizeof(edid));
        frame->ax = DONE;
    } else {
        frame->ax = FAILED;
    }
}

void vbe_service(struct frame *frame)
{
    static void (*const functions[])(struct frame *) = {
        get_information, get_mode_information, set_mode,      get_mode,  NULL,
        window_control,  scan_line_length,     display_start, dac_width, palette_data,
    };

    if (!present())
        return; /* AL stays what it was: there is no VBE */
    if (frame->al < sizeof(functions) / sizeof(functions[0]) && functions[frame->al])
        functions[frame->al](frame);
    else if (frame->al == 0x04)
        vbe_state_service(frame);
    else if (frame->al == 0x15)
        display_identification(frame);
    else
        frame->ax = FAILED;
}

/* --- For 4F04h
 * ------------------------------------------------------------------------------------------ */

void vbe_save(struct vbe_state *state)
{
    state->mode = current;
    for (uint16_t i = 0; i < VBE_STATE_REGISTERS; i++)
        state->registers[i] = dispi_read((uint16_t)(DISPI_WIDTH + i));
}

void vbe_restore(const struct vbe_state *state)
{
    dispi_write(DISPI_ENABLE, 0);
    current = state->mode;
    if (!current)
        return;
    for (uint16_t i = 0; i < VBE_STATE_REGISTERS; i++) {
        if (DISPI_WIDTH + i != DISPI_ENABLE)
            dispi_write((uint16_t)(DISPI_WIDTH + i), state->registers[i]);
    }
    dispi_write(DISPI_ENABLE, state->registers[DISPI_ENABLE - DISPI_WIDTH] | DISPI_KEEP);
}
