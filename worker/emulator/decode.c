/* Prefixes, opcode, ModRM, SIB, displacement and immediate (Intel SDM vol. 2, chapter 2). */
#include "worker/emulator/instruction.h"

#define MODE_REGISTER 3 /* ModRM.mod: no memory */

struct decoder {
    const uint8_t *bytes;
    unsigned count, at;
    bool cut;
    enum emulator_mode mode;
    bool operand_prefix, address_prefix;
    uint8_t rex;    /* 0: none */
    int8_t segment; /* prefix; -1: none */
    struct instruction *out;
};

static uint8_t next_byte(struct decoder *d)
{
    if (d->at >= d->count) {
        d->cut = true;
        return 0;
    }
    return d->bytes[d->at++];
}

/* @size bytes, little-endian, sign-extended. */
static uint64_t next_signed(struct decoder *d, unsigned size)
{
    uint64_t value = 0;
    if (size == 0)
        return 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)next_byte(d) << 8 * i;
    unsigned unused = 64 - 8 * size;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* Takes a prefix; false: @byte is none. In 64-bit mode only FS and GS count. */
static bool take_prefix(struct decoder *d, uint8_t byte)
{
    bool long_mode = d->mode == EMULATOR_MODE_64;
    uint8_t rex = 0;
    if (byte == 0x66)
        d->operand_prefix = true;
    else if (byte == 0x67)
        d->address_prefix = true;
    else if (byte == 0xf0)
        d->out->lock = true;
    else if (byte == 0xf2 || byte == 0xf3)
        d->out->repeat = byte;
    else if (byte == 0x64 || byte == 0x65)
        d->segment = (int8_t)(byte - 0x64 + EMULATOR_FS);
    else if (long_mode && (byte & 0xf0) == 0x40)
        rex = byte;
    else if ((byte & 0xe7) != 0x26)
        return false;
    else if (!long_mode)
        d->segment = byte >> 3 & 3;
    d->rex = rex; /* counts only right before the opcode */
    return true;
}

/* The entry for the opcode, as far as its bytes and prefixes say. */
static const struct opcode *read_opcode(struct decoder *d)
{
    uint8_t byte = next_byte(d);
    while (!d->cut && take_prefix(d, byte))
        byte = next_byte(d);
    enum opcode_map map = OPCODE_MAP_1;
    if (byte == 0x0f) {
        map = OPCODE_MAP_0F;
        byte = next_byte(d);
        if (byte == 0x38) {
            map = OPCODE_MAP_0F38;
            byte = next_byte(d);
        }
    }
    d->out->byte = byte;
    const struct opcode *opcode = opcode_find(map, byte);
    uint8_t repeat = d->out->repeat;
    if (map == OPCODE_MAP_0F38 && repeat != 0)
        return opcode_find(OPCODE_MAP_0F, 0); /* none */
    if (opcode->operation == OP_BY_PREFIX)
        return opcode_by_prefix(opcode->operands[2], repeat == 0xf3   ? 2
                                                     : repeat == 0xf2 ? 3
                                                                      : d->operand_prefix);
    return opcode;
}

static bool by_modrm(const struct opcode *opcode)
{
    if (opcode->operation == OP_BY_REG)
        return true;
    for (unsigned i = 0; i < 3; i++)
        if (opcode->operands[i] >= OPERAND_E && opcode->operands[i] <= OPERAND_X)
            return true;
    return false;
}

static void set_sizes(struct decoder *d)
{
    struct instruction *out = d->out;
    bool long_mode = d->mode == EMULATOR_MODE_64;
    uint16_t flags = out->opcode.flags;
    unsigned operand = (d->mode == EMULATOR_MODE_16) != d->operand_prefix ? 2 : 4;

    if (flags & OPCODE_SIZE_Y)
        operand = 4;
    if (long_mode) {
        out->rex = d->rex != 0;
        out->rex_w = d->rex & 8;
        if (out->rex_w || (flags & OPCODE_NEAR) || ((flags & OPCODE_STACK) && operand == 4))
            operand = 8;
        out->address_size = d->address_prefix ? 4 : 8;
    } else {
        out->address_size = (d->mode == EMULATOR_MODE_16) != d->address_prefix ? 2 : 4;
    }
    out->operand_size = flags & OPCODE_BYTE ? 1 : (uint8_t)operand;
}

/* 16-bit addressing (SDM table 2-1). */
static void read_address_16(struct decoder *d, unsigned mod, unsigned rm)
{
    static const uint8_t bases[] = {EMULATOR_RBX, EMULATOR_RBX, EMULATOR_RBP, EMULATOR_RBP,
                                    EMULATOR_RSI, EMULATOR_RDI, EMULATOR_RBP, EMULATOR_RBX};
    struct instruction *out = d->out;
    out->base = bases[rm];
    if (rm < 4)
        out->index = rm & 1 ? EMULATOR_RDI : EMULATOR_RSI;
    if (mod == 0 && rm == 6)
        out->base = NO_REGISTER;
    out->displacement = next_signed(d, out->base == NO_REGISTER ? 2 : mod);
}

/* 32- and 64-bit addressing (SDM tables 2-2 and 2-3). */
static void read_address(struct decoder *d, unsigned mod, unsigned rm)
{
    struct instruction *out = d->out;
    uint8_t base = (uint8_t)rm;
    if (rm == 4) {
        uint8_t sib = next_byte(d);
        base = sib & 7;
        out->scale = sib >> 6;
        out->index = (uint8_t)((sib >> 3 & 7) | (d->rex & 2) << 2);
        if (out->index == EMULATOR_RSP) /* means none */
            out->index = NO_REGISTER;
    }
    bool no_base = mod == 0 && base == EMULATOR_RBP;
    out->rip_relative = no_base && rm == EMULATOR_RBP && d->mode == EMULATOR_MODE_64;
    out->base = no_base ? NO_REGISTER : (uint8_t)(base | (d->rex & 1) << 3);
    out->displacement = next_signed(d, no_base || mod == 2 ? 4 : mod);
}

static void set_segment(struct decoder *d)
{
    struct instruction *out = d->out;
    bool stack = out->base == EMULATOR_RSP || out->base == EMULATOR_RBP;
    out->segment = d->segment >= 0 ? (uint8_t)d->segment : stack ? EMULATOR_SS : EMULATOR_DS;
}

static void read_modrm(struct decoder *d)
{
    struct instruction *out = d->out;
    uint8_t modrm = next_byte(d);
    unsigned mod = modrm >> 6, rm = modrm & 7;

    out->reg = (uint8_t)((modrm >> 3 & 7) | (d->rex & 4) << 1);
    if (out->opcode.operation == OP_BY_REG) {
        const struct opcode outer = out->opcode;
        out->opcode = *opcode_by_reg(outer.operands[2], modrm >> 3 & 7);
        out->opcode.flags |= outer.flags;
        if (outer.operands[0] != OPERAND_NONE && out->opcode.operation != OP_NONE) {
            out->opcode.operands[0] = outer.operands[0];
            out->opcode.operands[1] = outer.operands[1];
        }
    }
    set_sizes(d);
    if (mod == MODE_REGISTER) {
        out->rm = (uint8_t)(rm | (d->rex & 1) << 3);
        return;
    }
    out->memory = true;
    if (out->address_size == 2)
        read_address_16(d, mod, rm);
    else
        read_address(d, mod, rm);
}

/* What follows the address: immediates, and an address that is one. */
static void read_rest(struct decoder *d)
{
    struct instruction *out = d->out;
    unsigned whole = out->operand_size < 4 ? out->operand_size : 4;

    for (unsigned i = 0; i < 3; i++) {
        switch (out->opcode.operands[i]) {
        case OPERAND_IB:
            out->immediate = next_signed(d, 1);
            break;
        case OPERAND_IW:
            out->immediate = (uint16_t)next_signed(d, 2);
            break;
        case OPERAND_IZ:
            out->immediate = next_signed(d, whole);
            break;
        case OPERAND_ONE:
            out->immediate = 1;
            break;
        case OPERAND_O:
            out->memory = true;
            out->displacement = next_signed(d, out->address_size);
            break;
        }
    }
}

static bool is_string(uint8_t operation)
{
    return operation >= OP_MOVS && operation <= OP_OUTS;
}

/* Forms that the tables cannot tell from those that exist. */
static bool is_known(const struct decoder *d)
{
    const struct instruction *out = d->out;
    uint16_t flags = out->opcode.flags;
    bool long_mode = d->mode == EMULATOR_MODE_64;

    if (out->opcode.operation == OP_NONE)
        return false;
    if (long_mode ? flags & OPCODE_NOT_64 : flags & OPCODE_ONLY_64)
        return false;
    if ((flags & OPCODE_NO_PREFIX) && (d->operand_prefix || out->repeat))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        if (out->opcode.operands[i] == OPERAND_M && !out->memory)
            return false;
        if (out->opcode.operands[i] == OPERAND_SREG && out->reg >= EMULATOR_SEGMENTS)
            return false;
    }
    return true;
}

bool instruction_operand_is_memory(const struct instruction *instruction, unsigned n)
{
    uint8_t operand = instruction->opcode.operands[n];
    return operand == OPERAND_O ||
           (operand >= OPERAND_E && operand <= OPERAND_M && instruction->memory);
}

enum decode_status instruction_decode(const uint8_t *bytes, unsigned count, enum emulator_mode mode,
                                      struct instruction *instruction)
{
    bool all = count >= EMULATOR_INSTRUCTION_MAX;
    struct decoder d = {.bytes = bytes,
                        .count = all ? EMULATOR_INSTRUCTION_MAX : count,
                        .mode = mode,
                        .segment = -1,
                        .out = instruction};
    *instruction = (struct instruction){.base = NO_REGISTER, .index = NO_REGISTER};
    instruction->opcode = *read_opcode(&d);
    if (by_modrm(&instruction->opcode) && instruction->opcode.operation != OP_NONE)
        read_modrm(&d);
    else
        set_sizes(&d);
    instruction->rm = instruction->opcode.operands[0] == OPERAND_R
                          ? (uint8_t)((instruction->byte & 7) | (d.rex & 1) << 3)
                          : instruction->rm;
    read_rest(&d);
    set_segment(&d);
    if (d.cut)
        return all ? DECODE_TOO_LONG : DECODE_CUT;
    instruction->length = (uint8_t)d.at;
    if (!is_known(&d))
        return DECODE_UNKNOWN;
    bool may_lock =
        (instruction->opcode.flags & OPCODE_LOCK) && instruction_operand_is_memory(instruction, 0);
    if (instruction->lock && !may_lock)
        return DECODE_INVALID;
    /* An exchange with memory is always locked (SDM vol. 2, XCHG). */
    if (instruction->opcode.operation == OP_XCHG && may_lock)
        instruction->lock = true;
    if (!is_string(instruction->opcode.operation))
        instruction->repeat = 0;
    return DECODE_DONE;
}
