/* Operands: registers, immediates, and the memory operand. */
#include "lib/string.h"
#include "worker/emulator/emulation.h"

uint64_t register_read(const struct emulation *e, unsigned number, unsigned size)
{
    return alu_cut(e->gpr[number], size);
}

void register_write(struct emulation *e, unsigned number, unsigned size, uint64_t value)
{
    uint64_t keep = size < 4 ? ~address_mask(size) : 0;
    e->gpr[number] = (e->gpr[number] & keep) | alu_cut(value, size);
}

static bool is_high_byte(const struct emulation *e, unsigned number, unsigned size)
{
    return size == 1 && !e->instruction.rex && number >= 4;
}

uint64_t register_read_encoded(const struct emulation *e, unsigned number, unsigned size)
{
    if (is_high_byte(e, number, size))
        return e->gpr[number - 4] >> 8 & 0xff;
    return register_read(e, number, size);
}

void register_write_encoded(struct emulation *e, unsigned number, unsigned size, uint64_t value)
{
    if (is_high_byte(e, number, size))
        e->gpr[number - 4] = (e->gpr[number - 4] & ~0xff00ull) | (value & 0xff) << 8;
    else
        register_write(e, number, size, value);
}

bool condition_holds(uint64_t rflags, unsigned condition)
{
    bool carry = rflags & RFLAGS_CF, zero = rflags & RFLAGS_ZF;
    bool less = !(rflags & RFLAGS_SF) != !(rflags & RFLAGS_OF);
    const bool holds[] = {rflags & RFLAGS_OF, carry, zero,        carry || zero, rflags & RFLAGS_SF,
                          rflags & RFLAGS_PF, less,  less || zero};
    return holds[condition >> 1 & 7] != (condition & 1);
}

/* Bits of a string that begins at the operand are numbered in both directions (Intel SDM vol. 2,
 * BT): how far off is the element that the bit is in, in bytes. */
static uint64_t bit_string_offset(const struct emulation *e)
{
    const struct instruction *i = &e->instruction;
    unsigned operation = i->opcode.operation, size = i->operand_size;
    if (operation < OP_BT || operation > OP_BTC || i->opcode.operands[1] != OPERAND_G)
        return 0;
    int64_t bit = (int64_t)alu_sign_extend(e->gpr[i->reg], size);
    return (uint64_t)(bit >> 3) & ~(uint64_t)(size - 1);
}

uint64_t operand_offset(const struct emulation *e)
{
    const struct instruction *i = &e->instruction;
    uint64_t offset = i->displacement + bit_string_offset(e);
    if (i->rip_relative)
        offset += e->cpu->rip + i->length;
    if (i->base != NO_REGISTER)
        offset += e->gpr[i->base];
    if (i->index != NO_REGISTER)
        offset += e->gpr[i->index] << i->scale;
    return offset & address_mask(i->address_size);
}

bool operand_open(struct emulation *e)
{
    const struct instruction *i = &e->instruction;
    if (!i->memory)
        return true;
    unsigned n = instruction_operand_is_memory(i, 0) ? 0 : 1;
    unsigned access = EMULATOR_READ;
    if (n == 0 && i->opcode.flags & OPCODE_WRITES)
        access = EMULATOR_WRITE | (i->opcode.flags & OPCODE_READS ? EMULATOR_READ : 0);
    return span_open(e, i->segment, operand_offset(e), operand_size(e, n), access, &e->memory);
}

static unsigned memory_only_size(const struct instruction *i)
{
    if (i->opcode.operation == OP_CMPXCHG8B)
        return i->rex_w ? 16 : 8;
    if (i->opcode.operation < OP_XMM_LOAD || i->opcode.flags & OPCODE_SIZE_Y)
        return i->operand_size;
    return i->opcode.flags & OPCODE_SIZE_4 ? 4 : i->opcode.flags & OPCODE_SIZE_8 ? 8 : 16;
}

unsigned operand_size(const struct emulation *e, unsigned n)
{
    const struct instruction *i = &e->instruction;
    switch (i->opcode.operands[n]) {
    case OPERAND_EB:
    case OPERAND_CL:
        return 1;
    case OPERAND_EW:
    case OPERAND_SREG:
        return 2;
    case OPERAND_ED:
        return i->operand_size < 4 ? i->operand_size : 4;
    case OPERAND_M:
        return memory_only_size(i);
    case OPERAND_E:
        /* A selector in memory has 2 bytes, whatever the operand size. */
        return i->opcode.operation == OP_MOV_SEGMENT && i->memory ? 2 : i->operand_size;
    default:
        return i->operand_size;
    }
}

uint64_t operand_read(struct emulation *e, unsigned n)
{
    const struct instruction *i = &e->instruction;
    unsigned size = operand_size(e, n);
    if (instruction_operand_is_memory(i, n)) {
        uint64_t value = 0;
        span_read(e, &e->memory, e->memory_old);
        memcpy(&value, e->memory_old, size);
        return value;
    }
    switch (i->opcode.operands[n]) {
    case OPERAND_E:
    case OPERAND_EB:
    case OPERAND_EW:
    case OPERAND_ED:
        return register_read_encoded(e, i->rm, size);
    case OPERAND_R:
        return register_read(e, i->rm, size);
    case OPERAND_G:
        return register_read_encoded(e, i->reg, size);
    case OPERAND_SREG:
        return e->cpu->segments[i->reg].selector;
    case OPERAND_A:
        return register_read(e, EMULATOR_RAX, size);
    case OPERAND_CL:
        return register_read(e, EMULATOR_RCX, size);
    default:
        return alu_cut(i->immediate, size);
    }
}

bool memory_replace(struct emulation *e, const void *data)
{
    if (e->instruction.lock)
        return span_exchange(e, &e->memory, e->memory_old, data) || emulation_again(e);
    span_write(e, &e->memory, data);
    return true;
}

bool operand_write(struct emulation *e, unsigned n, uint64_t value)
{
    const struct instruction *i = &e->instruction;
    unsigned size = operand_size(e, n);
    if (instruction_operand_is_memory(i, n))
        return memory_replace(e, &value);
    switch (i->opcode.operands[n]) {
    case OPERAND_G:
        register_write_encoded(e, i->reg, size, value);
        return true;
    case OPERAND_A:
        register_write(e, EMULATOR_RAX, size, value);
        return true;
    case OPERAND_R:
        register_write(e, i->rm, size, value);
        return true;
    default:
        register_write_encoded(e, i->rm, size, value);
        return true;
    }
}
