/* Boot information: what the hypervisor tells the parent partition's kernel when it starts it.
 *
 * Entry contract. The hypervisor enters the parent's ELF entry point on VP 0 (LP 0):
 *  - 64-bit mode, CPL 0, interrupts off, all segments flat; GDTR and IDTR have limit 0, so the
 *    kernel loads its own tables before it reloads a selector or takes an exception;
 *  - RDI = address of a struct boot_info, one page, owned by the parent, below 4 GiB;
 *    the other general registers are 0, RSP too: the kernel brings its own stack;
 *  - CR0 = PG WP NE ET MP PE, CR4 = PAE, EFER = LMA LME NXE; the x87/SSE state is the reset state;
 *  - paging on, with tables in memory of the type BOOT_MEMORY_BOOT_DATA: the first 4 GiB are mapped
 *    one to one, writable, not executable (but see below); segments of the kernel are mapped at
 * their virtual addresses with their own rights.
 *
 * Segments with virtual addresses in the upper half are placed where there is room
 * (`kernel_base`); segments in the lower half are placed, and mapped executable if they ask for it,
 * at exactly that physical address, which must be free RAM.
 *
 * The other VPs do not run until HvCallStartVirtualProcessor names them. */
#ifndef VENEER_BOOT_INFO_H
#define VENEER_BOOT_INFO_H

#include <stddef.h>
#include <stdint.h>

#define BOOT_INFO_MAGIC 0x544f4f425245454eULL
#define BOOT_INFO_VERSION 1
#define BOOT_INFO_MAX_MEMORY_RANGES 96
#define BOOT_INFO_MAX_MODULES 12
#define BOOT_INFO_COMMAND_LINE_SIZE 512
#define BOOT_INFO_MODULE_NAME_SIZE 48

/* Memory types. The first five are those of the firmware (ACPI's address range types); what is in
 * no range of the map is not RAM: devices, or nothing. Ranges are sorted, do not overlap, and are
 * whole pages for BOOT_MEMORY_RAM and everything from BOOT_MEMORY_HYPERVISOR on. */
enum boot_memory_type {
    BOOT_MEMORY_RAM = 1,
    BOOT_MEMORY_RESERVED = 2,
    BOOT_MEMORY_ACPI_RECLAIM = 3,
    BOOT_MEMORY_ACPI_NVS = 4,
    BOOT_MEMORY_BAD = 5,
    BOOT_MEMORY_HYPERVISOR = 0x100, /* not mapped for the parent: an access gives #GP */
    BOOT_MEMORY_KERNEL = 0x101,     /* the parent kernel's segments */
    BOOT_MEMORY_MODULE = 0x102,     /* a module: RAM again when the parent is done with it */
    BOOT_MEMORY_BOOT_DATA = 0x103,  /* first page tables, this page: RAM again when copied */
};

struct boot_memory_range {
    uint64_t base; /* bytes, physical */
    uint64_t size; /* bytes, not 0 */
    uint32_t type; /* enum boot_memory_type */
    uint32_t reserved;
};

/* A file that the boot loader read for the parent. Starts on a page boundary. */
struct boot_module {
    uint64_t base;
    uint64_t size;                         /* bytes; the rest of the last page is undefined */
    char name[BOOT_INFO_MODULE_NAME_SIZE]; /* module command line, cut, NUL terminated */
};

enum boot_framebuffer_type {
    BOOT_FRAMEBUFFER_NONE = 0,
    BOOT_FRAMEBUFFER_RGB = 1,  /* linear, direct colour: 15 to 32 bits per pixel */
    BOOT_FRAMEBUFFER_TEXT = 2, /* VGA text: 2 bytes a cell, width and height in cells */
};

struct boot_framebuffer {
    uint64_t address; /* physical */
    uint32_t pitch;   /* bytes per line */
    uint32_t width;   /* pixels (RGB) or cells (TEXT) */
    uint32_t height;
    uint8_t bits_per_pixel;
    uint8_t type;                /* enum boot_framebuffer_type */
    uint8_t red_shift, red_bits; /* RGB: position and width of each colour in a pixel */
    uint8_t green_shift, green_bits;
    uint8_t blue_shift, blue_bits;
};

struct boot_info {
    uint64_t magic;            /* BOOT_INFO_MAGIC */
    uint32_t version;          /* BOOT_INFO_VERSION */
    uint32_t size;             /* sizeof(struct boot_info) */
    uint64_t kernel_base;      /* physical address of the first upper-half segment page, or 0 */
    uint64_t kernel_size;      /* bytes, whole pages; virtual layout is kept */
    uint64_t kernel_virtual;   /* virtual address that kernel_base is mapped at */
    uint64_t tsc_frequency;    /* Hz, as measured by the hypervisor */
    uint64_t efi_system_table; /* physical address, or 0 on BIOS */
    uint32_t vp_count;         /* VPs of the parent, one per LP; VP index = LP index */
    uint32_t memory_count;     /* used entries of memory[] */
    uint32_t module_count;
    uint8_t rsdp[36]; /* copy of the ACPI RSDP, revision 0 or 2; all 0 if there is none */
    struct boot_framebuffer framebuffer;
    char command_line[BOOT_INFO_COMMAND_LINE_SIZE]; /* the parent's part, NUL terminated */
    struct boot_module modules[BOOT_INFO_MAX_MODULES];
    struct boot_memory_range memory[BOOT_INFO_MAX_MEMORY_RANGES];
};

_Static_assert(sizeof(struct boot_memory_range) == 24, "boot_memory_range layout");
_Static_assert(sizeof(struct boot_module) == 64, "boot_module layout");
_Static_assert(sizeof(struct boot_framebuffer) == 32, "boot_framebuffer layout");
_Static_assert(offsetof(struct boot_info, rsdp) == 68, "boot_info layout");
_Static_assert(sizeof(struct boot_info) <= 4096, "boot_info is one page");

#endif
