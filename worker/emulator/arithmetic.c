/* Operations that compute: what they read and write. How they compute is in alu.c. */
#include "worker/emulator/emulation.h"

bool execute_arithmetic(struct emulation *e)
{
    const struct opcode *opcode = &e->instruction.opcode;
    unsigned size = e->instruction.operand_size;
    uint64_t a = operand_read(e, 0), result;
    if (opcode->operands[1] == OPERAND_NONE)
        result = alu_unary(opcode->operation, a, size, &e->rflags);
    else
        result = alu_binary(opcode->operation, a, operand_read(e, 1), size, &e->rflags);
    return !(opcode->flags & OPCODE_WRITES) || operand_write(e, 0, result);
}

bool execute_shift(struct emulation *e)
{
    uint8_t count = (uint8_t)operand_read(e, 1);
    return operand_write(e, 0,
                         alu_shift(e->instruction.opcode.operation, operand_read(e, 0), count,
                                   e->instruction.operand_size, &e->rflags));
}

bool execute_double_shift(struct emulation *e)
{
    uint8_t count = (uint8_t)operand_read(e, 2);
    uint64_t a = operand_read(e, 0), b = operand_read(e, 1);
    return operand_write(e, 0,
                         alu_double_shift(e->instruction.opcode.operation, a, b, count,
                                          e->instruction.operand_size, &e->rflags));
}

bool execute_multiply(struct emulation *e)
{
    const struct opcode *opcode = &e->instruction.opcode;
    unsigned size = e->instruction.operand_size;
    uint64_t high;
    if (opcode->operation == OP_IMUL) {
        unsigned second = opcode->operands[2] == OPERAND_NONE ? 0 : 2;
        uint64_t a = operand_read(e, 1), b = operand_read(e, second);
        return operand_write(e, 0, alu_multiply(a, b, true, size, &high, &e->rflags));
    }
    uint64_t low = alu_multiply(register_read(e, EMULATOR_RAX, size), operand_read(e, 0),
                                opcode->operation == OP_IMUL_WIDE, size, &high, &e->rflags);
    if (size == 1) {
        register_write(e, EMULATOR_RAX, 2, high << 8 | low);
        return true;
    }
    register_write(e, EMULATOR_RAX, size, low);
    register_write(e, EMULATOR_RDX, size, high);
    return true;
}

bool execute_divide(struct emulation *e)
{
    unsigned size = e->instruction.operand_size;
    uint64_t quotient, remainder, divisor = operand_read(e, 0);
    uint64_t low = register_read(e, EMULATOR_RAX, size);
    uint64_t high =
        size == 1 ? e->gpr[EMULATOR_RAX] >> 8 & 0xff : register_read(e, EMULATOR_RDX, size);
    if (!alu_divide(high, low, divisor, e->instruction.opcode.operation == OP_IDIV, size, &quotient,
                    &remainder))
        return emulation_raise(e, VECTOR_DE);
    if (size == 1) {
        register_write(e, EMULATOR_RAX, 2, remainder << 8 | quotient);
        return true;
    }
    register_write(e, EMULATOR_RAX, size, quotient);
    register_write(e, EMULATOR_RDX, size, remainder);
    return true;
}

bool execute_bit(struct emulation *e)
{
    const struct opcode *opcode = &e->instruction.opcode;
    uint64_t bit = operand_read(e, 1) % (8 * e->instruction.operand_size);
    uint64_t value = operand_read(e, 0), mask = 1ull << bit;
    e->rflags = value & mask ? e->rflags | RFLAGS_CF : e->rflags & ~(uint64_t)RFLAGS_CF;
    switch (opcode->operation) {
    case OP_BT:
        return true;
    case OP_BTS:
        return operand_write(e, 0, value | mask);
    case OP_BTR:
        return operand_write(e, 0, value & ~mask);
    default:
        return operand_write(e, 0, value ^ mask);
    }
}

bool execute_bit_scan(struct emulation *e)
{
    unsigned operation = e->instruction.opcode.operation;
    uint64_t source = operand_read(e, 1), result;
    e->rflags &= ~(uint64_t)(operation == OP_POPCNT ? RFLAGS_STATUS : RFLAGS_ZF);
    if (source == 0)
        e->rflags |= RFLAGS_ZF;
    if (operation == OP_POPCNT)
        result = alu_count_bits(source);
    else if (source == 0) /* the destination stays */
        return true;
    else
        result = (uint64_t)(operation == OP_BSF ? __builtin_ctzll(source)
                                                : 63 - __builtin_clzll(source));
    return operand_write(e, 0, result);
}
