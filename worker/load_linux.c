/* Linux bzImages, by the 64-bit boot protocol (Linux: Documentation/x86/boot.rst and
 * zero-page.rst).
 */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "worker/acpi.h"
#include "worker/load.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"
#include "worker/memory_map.h"
#include "worker/start.h"

/* The setup header, by its offset in the file. */
#define SETUP_SECTS 0x1f1     /* 1 byte */
#define BOOT_FLAG 0x1fe       /* 2 bytes */
#define JUMP 0x200            /* 2 bytes; the second: offset of the header's end from here */
#define HEADER 0x202          /* 4 bytes */
#define VERSION 0x206         /* 2 bytes */
#define TYPE_OF_LOADER 0x210  /* 1 byte */
#define LOADFLAGS 0x211       /* 1 byte */
#define RAMDISK_IMAGE 0x218   /* 4 bytes */
#define RAMDISK_SIZE 0x21c    /* 4 bytes */
#define CMD_LINE_PTR 0x228    /* 4 bytes */
#define INITRD_ADDR_MAX 0x22c /* 4 bytes */
#define XLOADFLAGS 0x236      /* 2 bytes */
#define CMDLINE_SIZE 0x238    /* 4 bytes, without NUL */
#define PREF_ADDRESS 0x258    /* 8 bytes */
#define INIT_SIZE 0x260       /* 4 bytes */
#define SETUP_HEADER_LEAST 0x264

/* The rest of struct boot_params. */
#define ACPI_RSDP_ADDR 0x70 /* 8 bytes */
#define E820_ENTRIES 0x1e8  /* 1 byte */
#define E820_TABLE 0x2d0    /* of 20 bytes each */
#define E820_MAX 128u
#define BOOT_PARAMS_SIZE 4096u

#define BOOT_FLAG_MAGIC 0xaa55
#define HEADER_MAGIC 0x53726448u /* "HdrS" */
#define VERSION_LEAST 0x020c     /* 64-bit entry and its flags: Linux 3.8 */
#define LOADED_HIGH 0x01
#define KERNEL_64 0x0001 /* XLF_KERNEL_64: the entry is there */
#define LOADER_UNDEFINED 0xff
#define ENTRY_64 0x200 /* from the kernel's start */
#define SECTOR 512u

/* In the page at START_INFORMATION and behind it. */
#define BOOT_PARAMS START_INFORMATION
#define GDT (BOOT_PARAMS + BOOT_PARAMS_SIZE)
#define COMMAND_LINE (GDT + PAGE_SIZE)
#define COMMAND_LINE_ROOM 0x1000u

/* The protocol's selectors: __BOOT_CS and __BOOT_DS. */
#define BOOT_CS 0x10
#define BOOT_DS 0x18
static const uint64_t gdt[] = {0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff};

struct e820_entry {
    uint64_t address, size;
    uint32_t type;
} __attribute__((packed));

struct bzimage {
    const uint8_t *file;
    size_t size;
    size_t setup_size; /* bytes in front of the kernel that runs in protected mode */
};

static uint64_t get(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, at, size);
    return value;
}

static void put(uint8_t *at, uint64_t value, unsigned size)
{
    memcpy(at, &value, size);
}

static bool is_linux(const struct load_file *kernel)
{
    const uint8_t *file = kernel->data;
    return kernel->size >= SETUP_HEADER_LEAST && get(file + BOOT_FLAG, 2) == BOOT_FLAG_MAGIC &&
           get(file + HEADER, 4) == HEADER_MAGIC;
}

static struct bzimage check(const struct load_file *kernel)
{
    struct bzimage image = {.file = kernel->data, .size = kernel->size};
    uint64_t sectors = get(image.file + SETUP_SECTS, 1);
    if (get(image.file + VERSION, 2) < VERSION_LEAST ||
        !(get(image.file + XLOADFLAGS, 2) & KERNEL_64) ||
        !(get(image.file + LOADFLAGS, 1) & LOADED_HIGH))
        machine_fail("the Linux kernel has no 64-bit entry: it is older than 3.8, or for 32 bits");
    image.setup_size = ((sectors == 0 ? 4 : sectors) + 1) * SECTOR;
    if (image.setup_size >= image.size)
        machine_fail("the Linux kernel is cut off");
    return image;
}

/* Where the kernel wants to be; it needs INIT_SIZE bytes there. */
static uint64_t load_image(const struct bzimage *image)
{
    uint64_t address = get(image->file + PREF_ADDRESS, 8);
    uint64_t size = image->size - image->setup_size, needed = get(image->file + INIT_SIZE, 4);
    void *memory = guest_memory_ram(address, needed > size ? needed : size);
    if (address < START_KERNEL_LOWEST || !memory)
        machine_fail("the Linux kernel wants %lu MiB at %lu MiB: give the child more memory",
                     (needed >> 20) + 1, address >> 20);
    memcpy(memory, image->file + image->setup_size, size);
    return address;
}

/* As high as the kernel allows it, so that it is in nobody's way. */
static uint64_t load_initrd(const struct bzimage *image, const struct load_file *initrd,
                            uint64_t kernel_end)
{
    uint64_t top = get(image->file + INITRD_ADDR_MAX, 4) + 1;
    if (top > machine_low_size())
        top = machine_low_size();
    if (initrd->size > top || ((top - initrd->size) & PAGE_MASK) < kernel_end)
        machine_fail("the initrd of %lu MiB does not fit behind the kernel: give the child more "
                     "memory",
                     initrd->size >> 20);
    uint64_t address = (top - initrd->size) & PAGE_MASK;
    memcpy(guest_memory_ram(address, initrd->size), initrd->data, initrd->size);
    return address;
}

static void load_command_line(const struct bzimage *image, const char *line)
{
    uint64_t length = strlen(line), limit = get(image->file + CMDLINE_SIZE, 4);
    if (limit >= COMMAND_LINE_ROOM)
        limit = COMMAND_LINE_ROOM - 1;
    if (length > limit)
        machine_fail("the command line is longer than the %lu characters that the kernel takes",
                     limit);
    memcpy(guest_memory_ram(COMMAND_LINE, COMMAND_LINE_ROOM), line, length + 1);
}

static void write_memory_map(uint8_t *params)
{
    struct memory_range ranges[MEMORY_MAP_MAX];
    unsigned count = memory_map(ranges);
    for (unsigned i = 0; i < count; i++) {
        struct e820_entry entry = {ranges[i].address, ranges[i].size, ranges[i].type};
        memcpy(params + E820_TABLE + i * sizeof(entry), &entry, sizeof(entry));
    }
    params[E820_ENTRIES] = (uint8_t)count;
}

/* All zero, but for the file's header and what a boot loader fills in. */
static void write_boot_params(const struct bzimage *image, uint64_t initrd, uint64_t initrd_size)
{
    uint8_t *params = guest_memory_ram(BOOT_PARAMS, BOOT_PARAMS_SIZE);
    size_t header_end = JUMP + 2 + image->file[JUMP + 1];
    memset(params, 0, BOOT_PARAMS_SIZE);
    memcpy(params + SETUP_SECTS, image->file + SETUP_SECTS, header_end - SETUP_SECTS);
    params[TYPE_OF_LOADER] = LOADER_UNDEFINED;
    put(params + RAMDISK_IMAGE, initrd, 4);
    put(params + RAMDISK_SIZE, initrd_size, 4);
    put(params + CMD_LINE_PTR, COMMAND_LINE, 4);
    put(params + ACPI_RSDP_ADDR, ACPI_RSDP_ADDRESS, 8);
    write_memory_map(params);
    memcpy(guest_memory_ram(GDT, sizeof(gdt)), gdt, sizeof(gdt));
}

bool load_linux(const struct load_request *request)
{
    uint64_t initrd = 0;
    if (!is_linux(&request->kernel))
        return false;
    struct bzimage image = check(&request->kernel);
    uint64_t address = load_image(&image);
    if (request->initrd.size > 0)
        initrd = load_initrd(&image, &request->initrd, address + get(image.file + INIT_SIZE, 4));
    load_command_line(&image, request->command_line);
    write_boot_params(&image, initrd, request->initrd.size);
    start_set(&(struct start_state){.mode = START_LONG_MODE,
                                    .rip = address + ENTRY_64,
                                    .rsi = BOOT_PARAMS,
                                    .code = BOOT_CS,
                                    .data = BOOT_DS,
                                    .gdt = GDT,
                                    .gdt_limit = sizeof(gdt) - 1});
    return true;
}
