/* Operations that move and exchange. */
#include "lib/string.h"
#include "worker/emulator/emulation.h"

bool execute_move(struct emulation *e)
{
    unsigned size = operand_size(e, 0);
    uint64_t value = operand_read(e, 1); /* memory is read even if nothing is moved */
    switch (e->instruction.opcode.operation) {
    case OP_MOVSX:
        value = alu_sign_extend(value, operand_size(e, 1));
        break;
    case OP_MOVBE:
        value = __builtin_bswap64(value) >> (64 - 8 * size);
        break;
    case OP_CMOV:
        if (!condition_holds(e->rflags, e->instruction.byte))
            value = operand_read(e, 0); /* 4 bytes clear the upper half even so */
        break;
    }
    return operand_write(e, 0, value);
}

bool execute_set(struct emulation *e)
{
    return operand_write(e, 0, condition_holds(e->rflags, e->instruction.byte));
}

/* XCHG, XADD. If both operands are the same register, the first one's value wins. */
bool execute_exchange(struct emulation *e)
{
    uint64_t first = operand_read(e, 0), second = operand_read(e, 1);
    if (e->instruction.opcode.operation == OP_XADD)
        second = alu_binary(OP_ADD, first, second, e->instruction.operand_size, &e->rflags);
    return operand_write(e, 1, first) && operand_write(e, 0, second);
}

bool execute_compare_exchange(struct emulation *e)
{
    unsigned size = e->instruction.operand_size;
    uint64_t old = operand_read(e, 0), wanted = operand_read(e, 1);
    alu_binary(OP_CMP, register_read(e, EMULATOR_RAX, size), old, size, &e->rflags);
    if (e->rflags & RFLAGS_ZF)
        return operand_write(e, 0, wanted);
    register_write(e, EMULATOR_RAX, size, old);
    /* Memory is written in either case (Intel SDM vol. 2, CMPXCHG); a register stays. */
    return !e->instruction.memory || operand_write(e, 0, old);
}

bool execute_compare_exchange_wide(struct emulation *e)
{
    unsigned half = e->memory.size / 2;
    uint64_t old[2] = {0, 0};
    uint8_t wanted[16];
    if (half == 8 && e->memory.place[0].physical % 16 != 0)
        return emulation_raise_with_code(e, VECTOR_GP, 0);
    span_read(e, &e->memory, e->memory_old);
    memcpy(&old[0], e->memory_old, half);
    memcpy(&old[1], e->memory_old + half, half);
    bool same = old[0] == register_read(e, EMULATOR_RAX, half) &&
                old[1] == register_read(e, EMULATOR_RDX, half);
    if (!same) {
        e->rflags &= ~(uint64_t)RFLAGS_ZF;
        register_write(e, EMULATOR_RAX, half, old[0]);
        register_write(e, EMULATOR_RDX, half, old[1]);
        return memory_replace(e, e->memory_old);
    }
    e->rflags |= RFLAGS_ZF;
    memcpy(wanted, &e->gpr[EMULATOR_RBX], half);
    memcpy(wanted + half, &e->gpr[EMULATOR_RCX], half);
    return memory_replace(e, wanted);
}

bool execute_xmm(struct emulation *e)
{
    const struct instruction *i = &e->instruction;
    unsigned operation = i->opcode.operation;
    uint8_t value[16] = {0};
    bool high = operation == OP_XMM_LOAD_HIGH || operation == OP_XMM_STORE_HIGH;
    uint8_t *part = value + (high ? 8 : 0);

    if (!e->ops->xmm_read || !e->ops->xmm_write)
        return emulation_unsupported(e);
    if (operation != OP_XMM_LOAD)
        e->ops->xmm_read(e->context, i->reg, value);
    if (operation == OP_XMM_STORE || operation == OP_XMM_STORE_HIGH) {
        span_write(e, &e->memory, part);
        return true;
    }
    span_read(e, &e->memory, part);
    e->ops->xmm_write(e->context, i->reg, value);
    return true;
}
