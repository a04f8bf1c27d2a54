#include "tests/devices/vga_machine.h"

#include <stdlib.h>
#include <string.h>

static void map_mmio(void *context, const struct device_mmio *mmio)
{
    fake_add_mmio(context, mmio);
}

static void unmap_mmio(void *context, const struct device_mmio *mmio)
{
    fake_remove_mmio(context, mmio);
}

void vga_machine_create(struct vga_machine *machine)
{
    fake_create(&machine->fake);
    machine->ranges = (struct pci_ranges){&machine->fake, NULL, NULL, map_mmio, unmap_mmio};
    pci_init(&machine->bus, &machine->fake.host, &machine->ranges);
    vga_init(&machine->vga, &machine->fake.host);
    pci_add(&machine->bus, 8, 0, &machine->vga.function);
    fake_add_ports(&machine->fake, &machine->bus.ports);
    fake_add_ports(&machine->fake, &machine->vga.ports.ports);
    fake_add_ports(&machine->fake, &machine->vga.dispi);
    fake_add_mmio(&machine->fake, &machine->vga.mmio);
}

void vga_machine_destroy(struct vga_machine *machine)
{
    fake_destroy(&machine->fake);
}

void vga_set_sequencer(struct vga_machine *machine, uint8_t index, uint8_t value)
{
    fake_out(&machine->fake, 0x3c4, 2, (uint32_t)value << 8 | index);
}

void vga_set_graphics(struct vga_machine *machine, uint8_t index, uint8_t value)
{
    fake_out(&machine->fake, 0x3ce, 2, (uint32_t)value << 8 | index);
}

void vga_set_crtc(struct vga_machine *machine, uint8_t index, uint8_t value)
{
    fake_out(&machine->fake, 0x3d4, 2, (uint32_t)value << 8 | index);
}

void vga_set_attribute(struct vga_machine *machine, uint8_t index, uint8_t value)
{
    fake_inb(&machine->fake, 0x3da);
    fake_outb(&machine->fake, 0x3c0, index | 0x20);
    fake_outb(&machine->fake, 0x3c0, value);
}

void vga_set_dispi(struct vga_machine *machine, uint16_t index, uint16_t value)
{
    fake_out(&machine->fake, 0x1ce, 2, index);
    fake_out(&machine->fake, 0x1cf, 2, value);
}

uint16_t vga_get_dispi(struct vga_machine *machine, uint16_t index)
{
    fake_out(&machine->fake, 0x1ce, 2, index);
    return (uint16_t)fake_in(&machine->fake, 0x1cf, 2);
}

void vga_set_config(struct vga_machine *machine, uint32_t offset, uint32_t value)
{
    fake_out(&machine->fake, 0xcf8, 4, 0x80000000 | 8 << 11 | offset);
    fake_out(&machine->fake, 0xcfc, 4, value);
}

/* Values of the BIOS: IBM Video Subsystem reference, tables of the modes' registers. */
static const struct mode {
    uint8_t number, misc;
    uint8_t sequencer[5], crtc[25], graphics[9], attribute[5];
} modes[] = {
    {0x03,
     0x67,
     {3, 0x00, 0x03, 0x00, 0x02},
     {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0,
      0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
     {0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff},
     {0x0c, 0x00, 0x0f, 0x08, 0x00}},
    {0x04,
     0x63,
     {3, 0x09, 0x03, 0x00, 0x02},
     {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x20, 0,   0,
      0,    0,    0,    0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},
     {0, 0, 0, 0, 0, 0x30, 0x0f, 0x00, 0xff},
     {0x01, 0x00, 0x03, 0x00, 0x00}},
    {0x06,
     0x63,
     {3, 0x01, 0x01, 0x00, 0x06},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x20, 0,   0,
      0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},
     {0, 0, 0, 0, 0, 0x00, 0x0d, 0x00, 0xff},
     {0x01, 0x00, 0x01, 0x00, 0x00}},
    {0x12,
     0xe3,
     {3, 0x01, 0x0f, 0x00, 0x06},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x20, 0,   0,
      0,    0,    0,    0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
     {0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff},
     {0x01, 0x00, 0x0f, 0x00, 0x00}},
    {0x13,
     0x63,
     {3, 0x01, 0x0f, 0x00, 0x0e},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x20, 0,   0,
      0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
     {0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff},
     {0x41, 0x00, 0x0f, 0x00, 0x00}},
};

void vga_set_mode(struct vga_machine *machine, uint32_t number)
{
    const struct mode *mode = modes;

    while (mode->number != number) {
        if (++mode == modes + sizeof(modes) / sizeof(modes[0]))
            abort();
    }
    vga_set_dispi(machine, 4, 0);
    fake_outb(&machine->fake, 0x3c2, mode->misc);
    for (uint8_t i = 0; i < 5; i++)
        vga_set_sequencer(machine, i, mode->sequencer[i]);
    vga_set_crtc(machine, 0x11, 0);
    for (uint8_t i = 0; i < 25; i++)
        vga_set_crtc(machine, i, mode->crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        vga_set_graphics(machine, i, mode->graphics[i]);
    for (uint8_t i = 0; i < 5; i++)
        vga_set_attribute(machine, 0x10 + i, mode->attribute[i]);
}

void vga_set_vbe(struct vga_machine *machine, uint16_t width, uint16_t height, uint16_t bpp)
{
    vga_set_dispi(machine, 4, 0);
    vga_set_dispi(machine, 1, width);
    vga_set_dispi(machine, 2, height);
    vga_set_dispi(machine, 3, bpp);
    vga_set_dispi(machine, 4, 0x41);
}
