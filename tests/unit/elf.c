#include "lib/elf.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#define FILE_SIZE 4096
#define UPPER 0xffffffff80000000ull

/* Offsets in the file header and in a program header (System V ABI, 64-bit). */
enum { CLASS = 4, DATA = 5, TYPE = 16, MACHINE = 18, VERSION = 20, ENTRY = 24, PROGRAMS = 32 };
enum { PROGRAM_SIZE = 54, PROGRAM_COUNT = 56 };
enum { P_TYPE = 0, P_FLAGS = 4, P_OFFSET = 8, P_ADDRESS = 16, P_FILE = 32, P_MEMORY = 40 };
enum { LOAD = 1, DYNAMIC = 2, INTERPRETER = 3 };
enum { EXECUTE = 1, WRITE = 2, READ = 4 };

static uint8_t file[FILE_SIZE];
static struct elf_image image;

static void set(size_t offset, size_t size, uint64_t value)
{
    memcpy(file + offset, &value, size);
}

static size_t program_at(unsigned index)
{
    return 64 + 56 * (size_t)index;
}

static void set_program(unsigned index, size_t field, uint64_t value)
{
    set(program_at(index) + field, field < P_OFFSET ? 4 : 8, value);
}

static void add_program(uint32_t type, uint32_t flags, uint64_t address, uint64_t file_size,
                        uint64_t memory_size)
{
    unsigned index = file[PROGRAM_COUNT]++;

    set_program(index, P_TYPE, type);
    set_program(index, P_FLAGS, flags);
    set_program(index, P_OFFSET, 1024);
    set_program(index, P_ADDRESS, address);
    set_program(index, P_FILE, file_size);
    set_program(index, P_MEMORY, memory_size);
}

/* A good file: code, constants, and data with a zeroed rest. */
static void start(void)
{
    memset(file, 0, sizeof(file));
    memcpy(file,
           "\x7f"
           "ELF\x02\x01\x01",
           7);
    set(TYPE, 2, 2);
    set(MACHINE, 2, 62);
    set(VERSION, 4, 1);
    set(ENTRY, 8, UPPER + 0x10);
    set(PROGRAMS, 8, 64);
    set(PROGRAM_SIZE, 2, 56);
    add_program(LOAD, READ | EXECUTE, UPPER, 0x800, 0x800);
    add_program(LOAD, READ, UPPER + 0x1000, 0x10, 0x10);
    add_program(LOAD, READ | WRITE, UPPER + 0x2010, 0x20, 0x5000);
}

/* Parses from memory of exactly @size bytes, so that reading outside is noticed. */
static const char *parse_sized(size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    memcpy(copy, file, size);

    const char *error = elf_parse(copy, size, &image);

    free(copy);
    return error;
}

static const char *parse(void)
{
    return parse_sized(FILE_SIZE);
}

static void test_good(void)
{
    start();
    CHECK(parse() == NULL);
    CHECK_EQUAL(image.entry, UPPER + 0x10);
    CHECK_EQUAL(image.segment_count, 3);
    CHECK(image.segments[0].executable && !image.segments[0].writable);
    CHECK(!image.segments[1].executable && !image.segments[1].writable);
    CHECK(!image.segments[2].executable && image.segments[2].writable);
    CHECK_EQUAL(image.segments[2].virtual_address, UPPER + 0x2010);
    CHECK_EQUAL(image.segments[2].file_offset, 1024);
    CHECK_EQUAL(image.segments[2].file_size, 0x20);
    CHECK_EQUAL(image.segments[2].memory_size, 0x5000);

    /* Empty segments and other program headers do not count. */
    add_program(LOAD, READ, UPPER + 0x2000, 0, 0);
    add_program(0x6474e551, READ | WRITE | EXECUTE, 0, 0, 0);
    CHECK(parse() == NULL);
    CHECK_EQUAL(image.segment_count, 3);
}

static void test_bad_header(void)
{
    for (size_t size = 0; size < 64 + 3 * 56; size += 7) {
        start();
        CHECK(parse_sized(size) != NULL);
    }
    start(), file[1] = 'e';
    CHECK_TEXT(parse(), "the file is not an ELF file");
    start(), file[CLASS] = 1;
    CHECK_TEXT(parse(), "the ELF file is not for x86-64");
    start(), file[DATA] = 2;
    CHECK_TEXT(parse(), "the ELF file is not for x86-64");
    start(), file[MACHINE] = 3;
    CHECK_TEXT(parse(), "the ELF file is not for x86-64");
    start(), file[TYPE] = 3;
    CHECK_TEXT(parse(), "the ELF file is not an executable with fixed addresses");
    start(), file[PROGRAM_SIZE] = 57;
    CHECK(parse() != NULL);
    start(), set(PROGRAMS, 8, FILE_SIZE - 3 * 56 + 1);
    CHECK_TEXT(parse(), "the ELF file ends before its program headers do");
    start(), set(PROGRAMS, 8, UINT64_MAX - 10);
    CHECK_TEXT(parse(), "the ELF file ends before its program headers do");
    start(), set(PROGRAM_COUNT, 2, 0xffff);
    CHECK_TEXT(parse(), "the ELF file ends before its program headers do");
    start(), set(PROGRAM_COUNT, 2, 0);
    CHECK_TEXT(parse(), "the ELF file has no segments");
}

static void test_bad_contents(void)
{
    start(), set_program(2, P_OFFSET, FILE_SIZE - 0x1f);
    CHECK_TEXT(parse(), "the ELF file ends before its segments do");
    start(), set_program(2, P_OFFSET, UINT64_MAX - 0x0f);
    CHECK_TEXT(parse(), "the ELF file ends before its segments do");
    start(), set_program(2, P_FILE, UINT64_MAX - 1), set_program(2, P_MEMORY, UINT64_MAX);
    CHECK_TEXT(parse(), "the ELF file ends before its segments do");
    start(), set_program(2, P_FILE, 0x5001);
    CHECK_TEXT(parse(), "an ELF segment is larger in the file than in memory");
    start(), set_program(0, P_FLAGS, READ | WRITE | EXECUTE);
    CHECK_TEXT(parse(), "an ELF segment is both writable and executable");
    start(), set_program(1, P_TYPE, DYNAMIC);
    CHECK_TEXT(parse(), "the ELF file is linked dynamically");
    start(), set_program(1, P_TYPE, INTERPRETER);
    CHECK_TEXT(parse(), "the ELF file is linked dynamically");
    start();
    while (file[PROGRAM_COUNT] <= ELF_MAX_SEGMENTS)
        add_program(LOAD, READ, UPPER + 0x10000 * (uint64_t)file[PROGRAM_COUNT], 1, 1);
    CHECK_TEXT(parse(), "the ELF file has too many segments");
}

static void test_bad_addresses(void)
{
    static const char impossible[] = "an ELF segment has addresses that no program can have";
    static const char overlap[] = "the ELF segments overlap, share a page or are out of order";

    /* The end wraps, is in the last page, is the beginning of the last page. */
    start(), set_program(2, P_ADDRESS, UINT64_MAX - 0x4fff);
    CHECK_TEXT(parse(), impossible);
    start(), set_program(2, P_ADDRESS, UINT64_MAX - 0x5ffe);
    CHECK_TEXT(parse(), impossible);
    start(), set_program(2, P_ADDRESS, UINT64_MAX - 0x5fff);
    CHECK(parse() == NULL);
    start(), set_program(2, P_MEMORY, UINT64_MAX);
    CHECK_TEXT(parse(), impossible);
    start(), set_program(0, P_ADDRESS, 0x00007fffffffffffull);
    CHECK_TEXT(parse(), impossible);
    start(), set_program(0, P_ADDRESS, 0xffff7ffffffff000ull);
    CHECK_TEXT(parse(), impossible);

    start(), set_program(1, P_ADDRESS, UPPER + 0x7ff);
    CHECK_TEXT(parse(), overlap);
    start(), set_program(1, P_ADDRESS, UPPER + 0x900);
    CHECK_TEXT(parse(), overlap);
    start(), set_program(1, P_ADDRESS, UPPER - 0x1000);
    CHECK_TEXT(parse(), overlap);
    start(), set_program(0, P_MEMORY, 0x1001);
    CHECK_TEXT(parse(), overlap);
}

static void test_entry(void)
{
    static const uint64_t wrong[] = {0, UPPER - 1, UPPER + 0x800, UPPER + 0x1000, UPPER + 0x2010};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        start(), set(ENTRY, 8, wrong[i]);
        CHECK_TEXT(parse(), "the ELF file's entry point is not in an executable segment");
    }
    start(), set(ENTRY, 8, UPPER + 0x7ff);
    CHECK(parse() == NULL);
}

int main(void)
{
    test_good();
    test_bad_header();
    test_bad_contents();
    test_bad_addresses();
    test_entry();
    return unit_result();
}
