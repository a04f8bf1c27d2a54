/* A VGA with VBE: the registers and planes of IBM's VGA, and a linear frame buffer with the "DISPI"
 * registers of Bochs, which QEMU's standard VGA has too (IDs B0C0h to B0C5h). As a PCI function it
 * is 1414:5353, whose base address register 0 is the video memory.
 *
 * Where the guest sees plain memory (text, 256 colours with chained planes, VBE), video memory is
 * mapped into the guest and costs no exits; elsewhere each access comes here, as planes, masks and
 * latches need. What is read while memory is mapped does not load the latches.
 * All functions: machine's lock held. Video memory may change at any time all the same. */
#ifndef VENEER_WORKER_DEVICES_VGA_H
#define VENEER_WORKER_DEVICES_VGA_H

#include "worker/devices/byte_ports.h"
#include "worker/devices/pci.h"

#define VGA_MEMORY_SIZE (4u * 1024 * 1024)
#define VGA_PLANES 4
#define VGA_PLANE_SIZE 0x10000u

#define VGA_SEQUENCER_REGISTERS 5
#define VGA_GRAPHICS_REGISTERS 9
#define VGA_CRTC_REGISTERS 25
#define VGA_ATTRIBUTE_REGISTERS 21
#define VGA_DAC_SIZE (256 * 3)
#define DISPI_REGISTERS 11

struct vga_state {
    uint8_t misc, feature;
    uint8_t sequencer_index, sequencer[VGA_SEQUENCER_REGISTERS];
    uint8_t graphics_index, graphics[VGA_GRAPHICS_REGISTERS];
    uint8_t crtc_index, crtc[VGA_CRTC_REGISTERS];
    uint8_t attribute_index, attribute[VGA_ATTRIBUTE_REGISTERS];
    bool attribute_data; /* the flip-flop: 3C0h is for data */
    uint8_t dac_mask, dac_read_index, dac_write_index;
    uint8_t dac_component; /* of the colour: 0 to 2 */
    bool dac_reading;
    uint8_t dac[VGA_DAC_SIZE]; /* as written: 6 or 8 bits of red, green, blue */
    uint8_t latches[VGA_PLANES];
    uint16_t dispi_index, dispi[DISPI_REGISTERS];
    bool text_layout;  /* how planes lie in video memory: vga_cell() */
    bool retrace_read; /* the last read of input status 1 said so */
    uint64_t retraces; /* begun until that read */
};

/* Where video memory is mapped in the guest; @size 0: nowhere. */
struct vga_window {
    uint64_t first, offset, size;
};

struct vga {
    const struct device_host *host;
    struct byte_ports ports;      /* 3B0h to 3DFh; for the machine to register, like the others */
    struct device_ports dispi;    /* 1CEh, 1CFh */
    struct device_mmio mmio;      /* A0000h to BFFFFh, where no memory is mapped */
    struct pci_function function; /* for the machine to put on its bus, at device 8 function 0 */
    struct device_mmio bar;       /* video memory where it cannot be mapped */
    struct device_memory memory;
    struct vga_window low;    /* mapped within @mmio */
    struct vga_window linear; /* mapped for @bar */
    struct vga_state state;
};

/* Makes @vga, with all registers 0: firmware has to set a mode. */
void vga_init(struct vga *vga, const struct device_host *host);

/* Resets what is not of the PCI function, which pci_reset() does. Video memory stays. */
void vga_reset(struct vga *vga);

/* Maps into the guest what @vga->state asks for, and no more: after the state was changed from
 * outside, such as loaded. */
void vga_map(struct vga *vga);

#endif
