#include "hypervisor/boot/multiboot2.h"

#include <stdlib.h>

#include "tests/memory_map_check.h"
#include "tests/unit/unit.h"

#define BLOCK_SIZE 8192

/* Tag types (Multiboot2 specification 2.0, 3.6). */
enum {
    END = 0,
    COMMAND_LINE = 1,
    MODULE = 3,
    MEMORY_MAP = 6,
    FRAMEBUFFER = 8,
    EFI64 = 12,
    OLD_RSDP = 14,
    NEW_RSDP = 15,
    EFI_MEMORY_MAP = 17,
    LOAD_BASE = 21,
};

static uint8_t block[BLOCK_SIZE];
static uint32_t used;
static struct loader_info info;

static void put(const void *data, size_t size)
{
    memcpy(block + used, data, size);
    used += (uint32_t)size;
}

static void put_number(uint64_t value, size_t size)
{
    put(&value, size);
}

/* The size of a tag is set, and its end aligned, when the next one begins. */
static uint32_t tag_start;

static void end_tag(void)
{
    uint32_t size = used - tag_start;

    if (tag_start != 0)
        memcpy(block + tag_start + 4, &size, sizeof(size));
    used = (used + 7) & ~7u;
}

static void begin_tag(uint32_t type)
{
    end_tag();
    tag_start = used;
    put_number(type, 4);
    put_number(0, 4);
}

static void put_memory(uint64_t base, uint64_t size, uint32_t type)
{
    put_number(base, 8);
    put_number(size, 8);
    put_number(type, 8);
}

static void put_efi_memory(uint64_t base, uint64_t pages, uint32_t type)
{
    put_number(type, 8);
    put_number(base, 8);
    put_number(0, 8);
    put_number(pages, 8);
    put_number(0xf, 8);
    put_number(0, 8); /* the firmware's descriptors may be larger than those we know */
}

static void put_module(uint32_t base, uint32_t end, const char *text)
{
    begin_tag(MODULE);
    put_number(base, 4);
    put_number(end, 4);
    put(text, strlen(text) + 1);
}

static void begin_block(void)
{
    memset(block, 0, sizeof(block));
    tag_start = 0;
    used = 8;
}

/* A block with RAM at 1-16 MiB, to which tags can be added. */
static void start(void)
{
    begin_block();
    begin_tag(MEMORY_MAP);
    put_number(24, 4);
    put_number(0, 4);
    put_memory(0, 0x9fc00, 1);
    put_memory(0x100000, 0xf00000, 1);
    put_memory(0xfffc0000, 0x40000, 2);
}

/* Parses a copy of exactly @available bytes, so that reading outside is noticed. */
static const char *parse_sized(uint64_t available)
{
    uint8_t *copy = malloc(available > 0 ? available : 1);

    memcpy(copy, block, available);

    const char *error = multiboot2_parse(copy, available, &info);

    free(copy);
    return error;
}

static const char *parse(void)
{
    begin_tag(END);
    end_tag();
    memcpy(block, &used, sizeof(used));
    return parse_sized(used);
}

static void test_all_of_a_bios_boot(void)
{
    start();
    begin_tag(COMMAND_LINE);
    put("serial=com1 -- x", 17);
    put_module(0x200000, 0x201234, "parent.elf selftest");
    put_module(0x202000, 0x202001, "");
    begin_tag(LOAD_BASE);
    put_number(0x400000, 4);
    begin_tag(4711);
    put("unknown", 7);
    CHECK(parse() == NULL);
    CHECK_TEXT(info.command_line, "serial=com1 -- x");
    CHECK_EQUAL(info.module_count, 2);
    CHECK_EQUAL(info.modules[0].base, 0x200000);
    CHECK_EQUAL(info.modules[0].size, 0x1234);
    CHECK_TEXT(info.modules[0].command_line, "parent.elf selftest");
    CHECK_EQUAL(info.modules[1].size, 1);
    CHECK_EQUAL(info.load_base, 0x400000);
    CHECK_EQUAL(info.memory.count, 3);
    CHECK_EQUAL(memory_map_total(&info.memory, BOOT_MEMORY_RAM), 0x9f000 + 0xf00000);
    CHECK_EQUAL(info.framebuffer.type, BOOT_FRAMEBUFFER_NONE);
    CHECK_EQUAL(info.efi_system_table, 0);
    CHECK_EQUAL(info.rsdp[0], 0);
}

static void test_efi_memory_map_is_preferred(void)
{
    static const uint8_t ram[] = {1, 2, 3, 4, 7};

    start();
    begin_tag(EFI_MEMORY_MAP);
    put_number(48, 4);
    put_number(1, 4);
    for (unsigned type = 0; type < 16; type++)
        put_efi_memory(type * 0x10000, 2, type);
    put_efi_memory(0x200000, UINT64_MAX, 0);
    begin_tag(EFI64);
    put_number(0x123456789a, 8);
    CHECK(parse() == NULL);
    CHECK_EQUAL(info.efi_system_table, 0x123456789a);
    CHECK_EQUAL(memory_map_total(&info.memory, BOOT_MEMORY_RAM), sizeof(ram) * 0x2000);
    for (unsigned i = 0; i < sizeof(ram); i++)
        CHECK_EQUAL(memory_map_find(&info.memory, ram[i] * 0x10000)->type, BOOT_MEMORY_RAM);
    CHECK_EQUAL(memory_map_find(&info.memory, 0x50000)->type, BOOT_MEMORY_RESERVED);
    CHECK_EQUAL(memory_map_find(&info.memory, 0x80000)->type, BOOT_MEMORY_BAD);
    CHECK_EQUAL(memory_map_find(&info.memory, 0x90000)->type, BOOT_MEMORY_ACPI_RECLAIM);
    CHECK_EQUAL(memory_map_find(&info.memory, 0xa0000)->type, BOOT_MEMORY_ACPI_NVS);
    CHECK_EQUAL(memory_map_find(&info.memory, 0xf0000)->type, BOOT_MEMORY_RESERVED);
    CHECK_EQUAL(memory_map_find(&info.memory, 1ull << 51)->type, BOOT_MEMORY_RESERVED);
}

static void put_framebuffer(uint64_t address, uint32_t pitch, uint32_t width, uint32_t height,
                            uint8_t bits, uint8_t type)
{
    static const uint8_t colours[] = {16, 8, 8, 8, 0, 8};

    begin_tag(FRAMEBUFFER);
    put_number(address, 8);
    put_number(pitch, 4);
    put_number(width, 4);
    put_number(height, 4);
    put_number(bits, 1);
    put_number(type, 1);
    put_number(0, 2);
    if (type == 1)
        put(colours, sizeof(colours));
}

static void test_framebuffers(void)
{
    start();
    put_framebuffer(0xfd000000, 4096, 1024, 768, 32, 1);
    CHECK(parse() == NULL);
    CHECK_EQUAL(info.framebuffer.type, BOOT_FRAMEBUFFER_RGB);
    CHECK_EQUAL(info.framebuffer.address, 0xfd000000);
    CHECK_EQUAL(info.framebuffer.pitch, 4096);
    CHECK_EQUAL(info.framebuffer.width, 1024);
    CHECK_EQUAL(info.framebuffer.height, 768);
    CHECK_EQUAL(info.framebuffer.bits_per_pixel, 32);
    CHECK_EQUAL(info.framebuffer.red_shift, 16);
    CHECK_EQUAL(info.framebuffer.blue_bits, 8);

    start();
    put_framebuffer(0xb8000, 160, 80, 25, 16, 2);
    CHECK(parse() == NULL);
    CHECK_EQUAL(info.framebuffer.type, BOOT_FRAMEBUFFER_TEXT);
    CHECK_EQUAL(info.framebuffer.width, 80);
}

static void test_unusable_framebuffers(void)
{
    static const struct {
        uint64_t address;
        uint32_t pitch, width, height;
        uint8_t bits, type;
    } unusable[] = {
        {0xfd000000, 4096, 1024, 768, 8, 0}, /* palette */
        {0xfd000000, 4096, 1024, 768, 32, 7}, {0xfd000000, 4095, 1024, 768, 32, 1},
        {0xfd000000, 4096, 1024, 768, 8, 1},  {0xfd000000, 4096, 1024, 768, 40, 1},
        {0xfd000000, 4096, 1024, 768, 16, 1}, /* red does not fit */
        {0xfd000000, 4096, 0, 768, 32, 1},    {0xfd000000, 4096, 1024, 0, 32, 1},
        {0, 4096, 1024, 768, 32, 1},          {UINT64_MAX - 0xffff, 4096, 1024, 768, 32, 1},
        {0xb8000, 159, 80, 25, 16, 2},
    };

    for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++) {
        start();
        put_framebuffer(unusable[i].address, unusable[i].pitch, unusable[i].width,
                        unusable[i].height, unusable[i].bits, unusable[i].type);
        CHECK(parse() == NULL);
        CHECK_EQUAL(info.framebuffer.type, BOOT_FRAMEBUFFER_NONE);
        CHECK_EQUAL(info.framebuffer.address, 0);
    }
}

/* Sets the byte at @at so that the first @size bytes have the sum 0. */
static void fix_checksum(uint8_t *data, size_t size, size_t at)
{
    uint8_t sum = 0;

    data[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + data[i]);
    data[at] = (uint8_t)(0 - sum);
}

static void put_rsdp(uint32_t tag, uint8_t revision, uint8_t mark)
{
    uint8_t rsdp[36] = "RSD PTR ";

    rsdp[15] = revision;
    rsdp[16] = mark;
    rsdp[20] = sizeof(rsdp);
    fix_checksum(rsdp, 20, 8);
    fix_checksum(rsdp, 36, 32);
    begin_tag(tag);
    put(rsdp, tag == OLD_RSDP ? 20 : 36);
}

static void test_rsdp(void)
{
    for (unsigned order = 0; order < 2; order++) {
        start();
        put_rsdp(order == 0 ? OLD_RSDP : NEW_RSDP, order == 0 ? 0 : 2, 1);
        put_rsdp(order == 0 ? NEW_RSDP : OLD_RSDP, order == 0 ? 2 : 0, 2);
        CHECK(parse() == NULL);
        CHECK_EQUAL(info.rsdp[15], 2);
        CHECK_EQUAL(info.rsdp[16], order == 0 ? 2 : 1);
        CHECK_EQUAL(info.rsdp[20], 36);
    }
    start();
    put_rsdp(OLD_RSDP, 0, 7);
    CHECK(parse() == NULL);
    CHECK_EQUAL(info.rsdp[16], 7);
    CHECK_EQUAL(info.rsdp[20], 0);

    start();
    put_rsdp(OLD_RSDP, 0, 7);
    block[used - 1] ^= 1;
    CHECK(parse() == NULL);
    CHECK_EQUAL(info.rsdp[0], 0);
}

static void test_bad_blocks(void)
{
    static const char out_of_reach[] = "the boot loader's information is out of reach";
    uint32_t size;

    start();
    CHECK(parse() == NULL);
    size = used;
    CHECK_TEXT(parse_sized(0), out_of_reach);
    CHECK_TEXT(parse_sized(7), out_of_reach);
    CHECK_TEXT(parse_sized(size - 1), out_of_reach);
    /* Cut anywhere, with a size that says so. */
    for (uint32_t cut = 0; cut < size; cut++) {
        memcpy(block, &cut, sizeof(cut));
        CHECK(cut < 8 ? parse_sized(8) != NULL : parse_sized(cut) != NULL);
    }
    begin_block();
    CHECK_TEXT(parse(), "the boot loader gave no memory map");
}

static void test_bad_tags(void)
{
    static const char bad_size[] = "the boot loader's information has a tag of a bad size";
    static const char too_short[] = "the boot loader's information has a tag that is too short";
    static const uint32_t minimum[][2] = {{COMMAND_LINE, 9}, {MODULE, 17},    {MEMORY_MAP, 16},
                                          {FRAMEBUFFER, 32}, {EFI64, 16},     {OLD_RSDP, 28},
                                          {NEW_RSDP, 44},    {LOAD_BASE, 12}, {EFI_MEMORY_MAP, 16}};

    for (size_t i = 0; i < sizeof(minimum) / sizeof(minimum[0]); i++) {
        start();
        begin_tag(minimum[i][0]);
        for (uint32_t size = 8; size + 1 < minimum[i][1]; size++)
            put_number(0, 1);
        CHECK_TEXT(parse(), too_short);
    }
    start();
    put_framebuffer(0xfd000000, 4096, 1024, 768, 32, 1);
    used -= 1;
    CHECK_TEXT(parse(), too_short);
    /* No NUL at the end. */
    start();
    begin_tag(COMMAND_LINE);
    put("abc", 3);
    CHECK_TEXT(parse(), too_short);

    start();
    CHECK(parse() == NULL);
    block[8 + 4] = 7;
    CHECK_TEXT(parse_sized(used), bad_size);
    block[8 + 7] = 0xff;
    CHECK_TEXT(parse_sized(used), bad_size);
    memset(block + 8 + 4, 0xff, 4);
    CHECK_TEXT(parse_sized(used), bad_size);
}

static void test_bad_memory_maps(void)
{
    begin_block();
    begin_tag(MEMORY_MAP);
    put_number(23, 4);
    put_number(0, 4);
    put_memory(0, 0x9fc00, 1);
    CHECK_TEXT(parse(), "the memory map has entries of an unknown size");

    begin_block();
    begin_tag(MEMORY_MAP);
    put_number(24, 4);
    put_number(0, 4);
    for (unsigned i = 0; i < MEMORY_MAP_MAX_RANGES; i++)
        put_memory(0x2000 * i, 0x1000, 1);
    CHECK_TEXT(parse(), "the memory map has too many ranges");

    /* What is left of a tag behind the last whole entry is ignored. */
    start();
    put_number(0, 8);
    CHECK(parse() == NULL);
    CHECK_EQUAL(info.memory.count, 3);
}

static const char *parse_module(uint32_t base, uint32_t end)
{
    start();
    put_module(0x200000, 0x201001, "first");
    put_module(base, end, "second");
    return parse();
}

static void test_bad_modules(void)
{
    static const char outside[] = "a module does not lie in RAM";

    CHECK(parse_module(0x202000, 0x203000) == NULL);
    CHECK(parse_module(0xfff000, 0x1000000) == NULL);
    CHECK_TEXT(parse_module(0x300001, 0x301000), "a module does not start on a page boundary");
    CHECK_TEXT(parse_module(0x300000, 0x300000), "a module is empty");
    CHECK_TEXT(parse_module(0x300000, 0x2fffff), "a module is empty");
    CHECK_TEXT(parse_module(0xfff000, 0x1000001), outside);
    CHECK_TEXT(parse_module(0x1000000, 0x1000001), outside);
    CHECK_TEXT(parse_module(0xfffff000, 0xffffffff), outside);
    CHECK_TEXT(parse_module(0x100000, UINT32_MAX), outside);
    CHECK_TEXT(parse_module(0x9f000, 0x9f100), outside);
    CHECK_TEXT(parse_module(0x201000, 0x201001), "two modules overlap");
    CHECK_TEXT(parse_module(0x1ff000, 0x200001), "two modules overlap");
    CHECK_TEXT(parse_module(0x100000, 0x1000000), "two modules overlap");

    start();
    for (unsigned i = 0; i < BOOT_INFO_MAX_MODULES; i++)
        put_module(0x200000 + i * 0x1000, 0x200800 + i * 0x1000, "m");
    CHECK(parse() == NULL);
    start();
    for (unsigned i = 0; i <= BOOT_INFO_MAX_MODULES; i++)
        put_module(0x200000 + i * 0x1000, 0x200800 + i * 0x1000, "m");
    CHECK_TEXT(parse(), "the boot loader loaded too many modules");
}

static void test_long_text_is_cut(void)
{
    char text[LOADER_COMMAND_LINE_SIZE + 100];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    start();
    begin_tag(COMMAND_LINE);
    put(text, sizeof(text));
    put_module(0x200000, 0x201000, text);
    CHECK(parse() == NULL);
    CHECK_EQUAL(strlen(info.command_line), LOADER_COMMAND_LINE_SIZE - 1);
    CHECK_EQUAL(strlen(info.modules[0].command_line), LOADER_COMMAND_LINE_SIZE - 1);
}

int main(void)
{
    test_all_of_a_bios_boot();
    test_efi_memory_map_is_preferred();
    test_framebuffers();
    test_unusable_framebuffers();
    test_rsdp();
    test_bad_blocks();
    test_bad_tags();
    test_bad_memory_maps();
    test_bad_modules();
    test_long_text_is_cut();
    return unit_result();
}
