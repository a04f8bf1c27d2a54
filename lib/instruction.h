/* Decoding of the few instructions that are looked at in memory. Pure logic. */
#ifndef VENEER_LIB_INSTRUCTION_H
#define VENEER_LIB_INSTRUCTION_H

#include <stdbool.h>
#include <stdint.h>

#define INSTRUCTION_MAX 15u /* bytes */

#define REX_B 1u
#define REX_R 4u
#define REX_W 8u

struct instruction_prefixes {
    bool operand_size, address_size, lock; /* 66h, 67h, F0h */
    uint8_t rep;                           /* the last of F2h and F3h, or 0 */
    uint8_t rex;                           /* 40h to 4Fh, or 0 */
    int8_t segment; /* ES CS SS DS FS GS = 0 to 5; -1: none that has an effect */
};

/* Takes the prefixes at @bytes apart. Result: how many bytes they are; @count if there is nothing
 * else. @long_mode: 64-bit code. */
unsigned instruction_prefixes(const uint8_t *bytes, unsigned count, bool long_mode,
                              struct instruction_prefixes *prefixes);

/* A MOV between memory and a general register, or of an immediate to memory; MOVZX from memory. */
struct mov_instruction {
    uint8_t length;
    uint8_t size;          /* bytes of the access: 1, 2, 4, 8 */
    uint8_t register_size; /* bytes of the register that change, but that 4 clear the upper half */
    bool store;
    bool immediate; /* store of @value, which is sign-extended if @size is 8 */
    uint8_t gpr;    /* number of the register; otherwise */
    bool high_byte; /* bits 15:8 of it */
    uint32_t value;
};

/* Decodes the instruction at @bytes. @default_32: outside 64-bit code, the code segment's D bit.
 * False: another instruction, or not all of it. */
bool mov_decode(const uint8_t *bytes, unsigned count, bool long_mode, bool default_32,
                struct mov_instruction *mov);

#endif
