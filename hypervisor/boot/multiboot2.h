/* The information that a Multiboot2 boot loader hands over (Multiboot2 specification 2.0, 3.6).
 * Hostile input: every tag is checked against its own and the whole size. */
#ifndef VENEER_HYPERVISOR_BOOT_MULTIBOOT2_H
#define VENEER_HYPERVISOR_BOOT_MULTIBOOT2_H

#include <stdint.h>

#include "hypervisor/boot/memory_map.h"
#include "include/boot_info.h"

#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36d76289u
#define LOADER_COMMAND_LINE_SIZE 512

struct loader_module {
    uint64_t base, size;                         /* bytes; physical; page aligned base */
    char command_line[LOADER_COMMAND_LINE_SIZE]; /* cut to fit */
};

/* Everything is copied: the loader's own block is free RAM afterwards. */
struct loader_info {
    char command_line[LOADER_COMMAND_LINE_SIZE];
    uint32_t module_count;
    struct loader_module modules[BOOT_INFO_MAX_MODULES];
    struct memory_map memory;            /* the firmware's, nothing claimed yet */
    struct boot_framebuffer framebuffer; /* type NONE if there is none that we can use */
    uint8_t rsdp[36];                    /* the newest revision offered; all 0 if there is none */
    uint64_t efi_system_table;           /* 0: BIOS */
    uint64_t load_base; /* physical address at which the image was placed, 0 if not told */
};

/* Reads the block at @block, of which @available bytes may be read, into *@info. Returns NULL, or a
 * sentence without full stop that says what is wrong: a bad size or tag, no memory map, too many
 * modules or ranges, a module outside RAM, not on a page boundary, or overlapping another. With
 * boot services still on, or where both are given, the EFI memory map is preferred to the E820-like
 * map. */
const char *multiboot2_parse(const void *block, uint64_t available, struct loader_info *info);

#endif
