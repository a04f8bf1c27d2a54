/* Reads ELF64 executables for x86-64 (System V ABI, chapters 4 and 5). The file is hostile input.
 */
#ifndef VENEER_LIB_ELF_H
#define VENEER_LIB_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 8

struct elf_segment {
    uint64_t virtual_address; /* bytes; not necessarily on a page boundary */
    uint64_t file_offset;
    uint64_t file_size;   /* <= memory_size; the rest is zero */
    uint64_t memory_size; /* > 0 */
    bool writable, executable;
};

struct elf_image {
    uint64_t entry;         /* virtual address, inside an executable segment */
    unsigned segment_count; /* >= 1 */
    struct elf_segment segments[ELF_MAX_SEGMENTS]; /* ascending; no two share a page */
};

/* Checks the @size bytes at @file and describes them in *@image. Returns NULL, or a sentence
 * without full stop that says what is wrong (then *@image is undefined). Refused: other classes or
 * machines, files that are not ET_EXEC, headers or segments outside the file, addresses that wrap
 * or are not canonical, segments that are out of order or share a page, segments both writable and
 * executable, an interpreter or dynamic section. */
const char *elf_parse(const void *file, size_t size, struct elf_image *image);

#endif
