/* Structures of VESA's "VBE Core Functions Standard", version 3.0. */
#ifndef VENEER_FIRMWARE_VGA_VBE_H
#define VENEER_FIRMWARE_VGA_VBE_H

#include "worker/firmware/firmware.h"

#define VBE_SIGNATURE 0x41534556u  /* "VESA" */
#define VBE2_SIGNATURE 0x32454256u /* "VBE2": the caller has 512 bytes */

struct vbe_information {
    uint32_t signature;
    uint16_t version;
    uint32_t oem; /* far pointers, like those that follow */
    uint32_t capabilities, modes;
    uint16_t memory; /* in 64 KiB */
    uint16_t revision;
    uint32_t vendor, product, product_revision;
} __attribute__((packed));

_Static_assert(sizeof(struct vbe_information) == 0x22, "VBE");

#define VBE_MODE_SUPPORTED 0x0001
#define VBE_MODE_INFORMATION 0x0002
#define VBE_MODE_COLOR 0x0008
#define VBE_MODE_GRAPHICS 0x0010
#define VBE_MODE_NOT_VGA 0x0020
#define VBE_MODE_LINEAR 0x0080
#define VBE_MODEL_PACKED 4
#define VBE_MODEL_DIRECT 6

struct vbe_mode_information {
    uint16_t attributes;
    uint8_t window_a_attributes, window_b_attributes;
    uint16_t granularity, window_size; /* KiB */
    uint16_t window_a_segment, window_b_segment;
    uint32_t window_function; /* none: INT 10h */
    uint16_t line_bytes;
    uint16_t width, height;
    uint8_t character_width, character_height, planes, bits, banks, model, bank_size, images;
    uint8_t reserved_1;
    uint8_t red_size, red_position, green_size, green_position, blue_size, blue_position;
    uint8_t reserved_size, reserved_position, direct_color;
    uint32_t frame_buffer, reserved_2;
    uint16_t reserved_3;
    uint16_t linear_line_bytes;
    uint8_t banked_images, linear_images;
    uint8_t linear_red_size, linear_red_position, linear_green_size, linear_green_position;
    uint8_t linear_blue_size, linear_blue_position, linear_reserved_size, linear_reserved_position;
    uint32_t max_pixel_clock;
    uint8_t reserved_4[190];
} __attribute__((packed));

_Static_assert(offsetof(struct vbe_mode_information, frame_buffer) == 0x28, "VBE");
_Static_assert(sizeof(struct vbe_mode_information) == 256, "VBE");

#define VBE_STATE_REGISTERS 9 /* DISPI 1 to 9 */
struct vbe_state {
    uint16_t mode;
    uint16_t registers[VBE_STATE_REGISTERS];
};

void vbe_save(struct vbe_state *state);
void vbe_restore(const struct vbe_state *state);

/* 4F04h (state.c) */
void vbe_state_service(struct frame *frame);

#define VBE_EDID_SIZE 128

/* What a monitor of ours would tell of itself: 1024x768 at most. */
void vbe_edid(uint8_t edid[VBE_EDID_SIZE]);

#endif
