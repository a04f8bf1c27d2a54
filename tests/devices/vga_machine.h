/* A fake machine with a VGA on its PCI bus, for the VGA's tests; and modes as a BIOS sets them. */
#ifndef VENEER_TESTS_DEVICES_VGA_MACHINE_H
#define VENEER_TESTS_DEVICES_VGA_MACHINE_H

#include "tests/devices/fake.h"
#include "worker/devices/vga.h"

struct vga_machine {
    struct fake_machine fake;
    struct pci_bus bus;
    struct pci_ranges ranges;
    struct vga vga;
};

/* Makes @machine, with its registers as after a reset; to be destroyed by vga_machine_destroy(). It
 * must not be moved. */
void vga_machine_create(struct vga_machine *machine);
void vga_machine_destroy(struct vga_machine *machine);

void vga_set_sequencer(struct vga_machine *machine, uint8_t index, uint8_t value);
void vga_set_graphics(struct vga_machine *machine, uint8_t index, uint8_t value);
void vga_set_crtc(struct vga_machine *machine, uint8_t index, uint8_t value);
void vga_set_attribute(struct vga_machine *machine, uint8_t index, uint8_t value);
void vga_set_dispi(struct vga_machine *machine, uint16_t index, uint16_t value);
uint16_t vga_get_dispi(struct vga_machine *machine, uint16_t index);

/* Writes the PCI function's register at @offset. */
void vga_set_config(struct vga_machine *machine, uint32_t offset, uint32_t value);

/* The registers of mode @number: 03h, 04h, 06h, 12h or 13h; palette registers and DAC as they are.
 */
void vga_set_mode(struct vga_machine *machine, uint32_t number);

/* A VBE mode with the linear frame buffer, memory cleared. */
void vga_set_vbe(struct vga_machine *machine, uint16_t width, uint16_t height, uint16_t bpp);

#endif
