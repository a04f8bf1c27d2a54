#include "worker/firmware/vga/vga.h"

#define ATTRIBUTE_SCREEN_ON 0x20

uint8_t vga_read(uint16_t port, uint8_t index)
{
    outb(port, index);
    return inb((uint16_t)(port + 1));
}

void vga_write(uint16_t port, uint8_t index, uint8_t value)
{
    outw(port, (uint16_t)(value << 8 | index));
}

uint16_t vga_crtc_port(void)
{
    return inb(VGA_MISC_READ) & 1 ? 0x3d4 : 0x3b4;
}

/* Reading the input status makes the attribute controller expect an index. */
static void attribute_index(uint8_t index)
{
    inb((uint16_t)(vga_crtc_port() + 6));
    outb(VGA_ATTRIBUTE, index);
}

uint8_t vga_attribute_read(uint8_t index)
{
    uint8_t value;

    attribute_index(index | ATTRIBUTE_SCREEN_ON);
    value = inb(VGA_ATTRIBUTE_READ);
    attribute_index(ATTRIBUTE_SCREEN_ON);
    return value;
}

void vga_attribute_write(uint8_t index, uint8_t value)
{
    attribute_index(index);
    outb(VGA_ATTRIBUTE, value);
    attribute_index(ATTRIBUTE_SCREEN_ON);
}
