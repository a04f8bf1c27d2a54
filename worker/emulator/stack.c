/* The stack, and branches whose target or return address is in memory. */
#include "worker/emulator/emulation.h"

/* Bytes of the stack pointer that count. */
static unsigned stack_size(const struct emulation *e)
{
    if (e->mode == EMULATOR_MODE_64)
        return 8;
    return e->cpu->segments[EMULATOR_SS].attributes & SEGMENT_DEFAULT_32 ? 4 : 2;
}

/* Opens the place for a value of the operand size below the top. RSP stays until push(), as the
 * operand that is pushed may need it. */
static bool push_open(struct emulation *e, struct span *span)
{
    unsigned bytes = e->instruction.operand_size;
    uint64_t top = alu_cut(e->gpr[EMULATOR_RSP] - bytes, stack_size(e));
    return span_open(e, EMULATOR_SS, top, bytes, EMULATOR_WRITE, span);
}

static void push(struct emulation *e, const struct span *span, uint64_t value)
{
    span_write(e, span, &value);
    register_write(e, EMULATOR_RSP, stack_size(e), e->gpr[EMULATOR_RSP] - span->size);
}

/* Opens the value at the top, and moves RSP behind it and @more bytes. */
static bool pop_open(struct emulation *e, unsigned more, struct span *span)
{
    unsigned size = stack_size(e), bytes = e->instruction.operand_size;
    uint64_t top = register_read(e, EMULATOR_RSP, size);
    if (!span_open(e, EMULATOR_SS, top, bytes, EMULATOR_READ, span))
        return false;
    register_write(e, EMULATOR_RSP, size, top + bytes + more);
    return true;
}

static bool branch_to(struct emulation *e, uint64_t target)
{
    bool good = e->mode == EMULATOR_MODE_64 ? is_canonical(e, target)
                                            : target <= e->cpu->segments[EMULATOR_CS].limit;
    e->rip = target;
    return good || emulation_raise_with_code(e, VECTOR_GP, 0);
}

bool execute_push(struct emulation *e)
{
    struct span span;
    if (!push_open(e, &span))
        return false;
    push(e, &span, operand_read(e, 0));
    return true;
}

/* The address of a memory operand is that with the new RSP (Intel SDM vol. 2, POP). */
bool execute_pop(struct emulation *e)
{
    struct span span;
    uint64_t value = 0;
    if (!pop_open(e, 0, &span) || !operand_open(e))
        return false;
    span_read(e, &span, &value);
    return operand_write(e, 0, value);
}

/* CALL and JMP. */
bool execute_branch(struct emulation *e)
{
    const struct instruction *i = &e->instruction;
    uint64_t next = e->rip;
    struct span span;
    bool call = i->opcode.operation == OP_CALL;
    if (call && !push_open(e, &span))
        return false;
    uint64_t target = operand_read(e, 0);
    if (i->opcode.operands[0] == OPERAND_IZ) /* from the next instruction on */
        target = alu_cut(next + target, i->operand_size);
    if (!branch_to(e, target))
        return false;
    if (call)
        push(e, &span, next);
    return true;
}

bool execute_return(struct emulation *e)
{
    struct span span;
    uint64_t target = 0;
    if (!pop_open(e, (unsigned)e->instruction.immediate, &span))
        return false;
    span_read(e, &span, &target);
    return branch_to(e, target);
}
