/* Arithmetic on operands of 1, 2, 4 or 8 bytes, as processors do it. Pure. Operands have no bits
 * above their size, results neither. Of *@rflags the status flags become those of the result;
 * undefined ones are as Intel's processors are known to leave them, or unchanged. */
#ifndef VENEER_WORKER_EMULATOR_ALU_H
#define VENEER_WORKER_EMULATOR_ALU_H

#include <stdbool.h>
#include <stdint.h>

#define RFLAGS_CF (1u << 0)
#define RFLAGS_PF (1u << 2)
#define RFLAGS_AF (1u << 4)
#define RFLAGS_ZF (1u << 6)
#define RFLAGS_SF (1u << 7)
#define RFLAGS_OF (1u << 11)
#define RFLAGS_STATUS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

/* @value without bits above @size bytes; and with its sign above them. */
uint64_t alu_cut(uint64_t value, unsigned size);
uint64_t alu_sign_extend(uint64_t value, unsigned size);

/* How many bits are set. */
unsigned alu_count_bits(uint64_t value);

/* @a @operation @b; OP_ADD to OP_CMP, and OP_TEST. The result of OP_CMP is that of OP_SUB, that of
 * OP_TEST that of OP_AND. */
uint64_t alu_binary(unsigned operation, uint64_t a, uint64_t b, unsigned size, uint64_t *rflags);

/* OP_NOT, OP_NEG, OP_INC, OP_DEC. */
uint64_t alu_unary(unsigned operation, uint64_t a, unsigned size, uint64_t *rflags);

/* OP_ROL to OP_SAR by @count, of which as many bits count as the processor looks at. */
uint64_t alu_shift(unsigned operation, uint64_t a, uint8_t count, unsigned size, uint64_t *rflags);

/* OP_SHLD, OP_SHRD: what is shifted in comes from @b. */
uint64_t alu_double_shift(unsigned operation, uint64_t a, uint64_t b, uint8_t count, unsigned size,
                          uint64_t *rflags);

/* @a times @b, of which *@high are the upper @size bytes. */
uint64_t alu_multiply(uint64_t a, uint64_t b, bool with_sign, unsigned size, uint64_t *high,
                      uint64_t *rflags);

/* @high:@low divided by @divisor. False: by zero, or the quotient is too large. Flags stay. */
bool alu_divide(uint64_t high, uint64_t low, uint64_t divisor, bool with_sign, unsigned size,
                uint64_t *quotient, uint64_t *remainder);

#endif
