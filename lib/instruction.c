#include "lib/instruction.h"

unsigned instruction_prefixes(const uint8_t *bytes, unsigned count, bool long_mode,
                              struct instruction_prefixes *prefixes)
{
    struct instruction_prefixes p = {.segment = -1};
    unsigned i;

    for (i = 0; i < count; i++) {
        uint8_t byte = bytes[i], rex = 0;
        if (byte == 0x66)
            p.operand_size = true;
        else if (byte == 0x67)
            p.address_size = true;
        else if (byte == 0xf0)
            p.lock = true;
        else if (byte == 0xf2 || byte == 0xf3)
            p.rep = byte;
        else if (byte == 0x64 || byte == 0x65)
            p.segment = (int8_t)(byte - 0x60);
        else if (long_mode && (byte & 0xf0) == 0x40)
            rex = byte;
        else if ((byte & 0xe7) != 0x26)
            break;
        else if (!long_mode) /* 64-bit code has no use for the others */
            p.segment = byte >> 3 & 3;
        p.rex = rex; /* only that before the opcode counts (Intel SDM vol. 2, 2.2.1) */
    }
    *prefixes = p;
    return i;
}

/* Bytes of ModRM, SIB and displacement of a memory operand; 0: a register, or cut off (Intel SDM
 * vol. 2, tables 2-1 to 2-3). */
static unsigned modrm_length(const uint8_t *bytes, unsigned count, unsigned address_size)
{
    static const uint8_t displacement[] = {0, 1, 4};

    if (count == 0 || bytes[0] >= 0xc0)
        return 0;
    uint8_t mod = bytes[0] >> 6, rm = bytes[0] & 7;
    if (address_size == 2)
        return mod == 0 && rm == 6 ? 3 : 1u + mod;
    if (rm == 4) {
        if (count < 2)
            return 0;
        return mod == 0 && (bytes[1] & 7) == 5 ? 6 : 2u + displacement[mod];
    }
    return mod == 0 && rm == 5 ? 5 : 1u + displacement[mod];
}

/* Fills in what the opcode says (2-byte ones: 0F00h + the second). @operand_size: that of the wide
 * forms. */
static bool decode_opcode(unsigned opcode, unsigned operand_size, struct mov_instruction *mov)
{
    bool wide = opcode & 1;
    uint8_t size = wide ? (uint8_t)operand_size : 1;

    *mov = (struct mov_instruction){.size = size, .register_size = size};
    switch (opcode & ~1u) {
    case 0x88:
    case 0xa2:
        mov->store = true;
        return true;
    case 0x8a:
    case 0xa0:
        return true;
    case 0xc6:
        mov->store = mov->immediate = true;
        return true;
    case 0xfb6:
        mov->size = wide ? 2 : 1;
        mov->register_size = (uint8_t)operand_size;
        return true;
    default:
        return false;
    }
}

/* The register that the ModRM byte and REX name: without REX, byte registers 4 to 7 are AH, CH, DH,
 * BH. */
static void decode_register(uint8_t modrm, uint8_t rex, struct mov_instruction *mov)
{
    mov->gpr = modrm >> 3 & 7;
    mov->high_byte = mov->register_size == 1 && rex == 0 && mov->gpr >= 4;
    if (mov->high_byte)
        mov->gpr -= 4;
    if (rex & REX_R)
        mov->gpr += 8;
}

/* Bytes of the operands behind @opcode at @operands; 0: not a memory form. Takes register and
 * immediate. */
static unsigned decode_operands(unsigned opcode, const uint8_t *operands, unsigned count,
                                unsigned address_size, uint8_t rex, struct mov_instruction *mov)
{
    unsigned length, immediate_size;

    if ((opcode & ~3u) == 0xa0)
        return address_size; /* an address, and AL to RAX */
    length = modrm_length(operands, count, address_size);
    if (length == 0)
        return 0;
    decode_register(operands[0], rex, mov);
    if (!mov->immediate)
        return length;
    immediate_size = mov->size == 8 ? 4 : mov->size;
    if ((operands[0] & 0x38) != 0 || length + immediate_size > count)
        return 0;
    mov->gpr = mov->high_byte = 0;
    for (unsigned i = 0; i < immediate_size; i++)
        mov->value |= (uint32_t)operands[length + i] << 8 * i;
    return length + immediate_size;
}

bool mov_decode(const uint8_t *bytes, unsigned count, bool long_mode, bool default_32,
                struct mov_instruction *mov)
{
    struct instruction_prefixes p;
    unsigned at = instruction_prefixes(bytes, count, long_mode, &p);

    if (p.lock || at >= count)
        return false;
    unsigned operand_size = (long_mode || default_32) != p.operand_size ? 4 : 2;
    unsigned address_size = default_32 != p.address_size ? 4 : 2;
    if (p.rex & REX_W)
        operand_size = 8;
    if (long_mode)
        address_size = p.address_size ? 4 : 8;
    unsigned opcode = bytes[at++];
    if (opcode == 0x0f && at < count)
        opcode = 0xf00u | bytes[at++];
    if (!decode_opcode(opcode, operand_size, mov))
        return false;
    unsigned length = decode_operands(opcode, bytes + at, count - at, address_size, p.rex, mov);
    if (length == 0 || at + length > count || at + length > INSTRUCTION_MAX)
        return false;
    mov->length = (uint8_t)(at + length);
    return true;
}
