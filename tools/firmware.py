#!/usr/bin/env python3
"""Puts the firmware's image together: VGA BIOS and segment F000h, with their checksums.

usage: tools/firmware.py VGA SEGMENT OUTPUT
"""

import pathlib
import sys

IMAGE_SIZE = 0x20000
VGA_OFFSET, VGA_SIZE, VGA_CHECKSUM = 0x8000, 0x8000, 6
SEGMENT_OFFSET, SEGMENT_SIZE = 0x10000, 0x10000
# Structures of segment F000h whose bytes add up to 0: signature, length (and its unit), checksum.
STRUCTURES = ((b"$PnP", 5, 1, 8), (b"_32_", 9, 16, 10))
IMAGE_CHECKSUM = IMAGE_SIZE - 1


def balance(data, start, size, at):
    """Makes the byte at `at` such that the sum of the bytes is 0."""
    data[at] = 0
    data[at] = -sum(data[start:start + size]) & 0xFF


def main(vga_path, segment_path, output):
    vga, segment = pathlib.Path(vga_path).read_bytes(), pathlib.Path(segment_path).read_bytes()
    if len(vga) > VGA_SIZE or len(segment) != SEGMENT_SIZE:
        sys.exit(f"firmware.py: {len(vga)} and {len(segment)} bytes are not what the image takes")
    image = bytearray(VGA_OFFSET) + vga + bytes(VGA_SIZE - len(vga)) + segment
    balance(image, VGA_OFFSET, VGA_SIZE, VGA_OFFSET + VGA_CHECKSUM)
    for signature, length, unit, checksum in STRUCTURES:
        for at in range(SEGMENT_OFFSET, IMAGE_SIZE, 16):
            if image[at:at + 4] == signature:
                balance(image, at, image[at + length] * unit, at + checksum)
    balance(image, 0, IMAGE_SIZE, IMAGE_CHECKSUM)
    pathlib.Path(output).write_bytes(image)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
