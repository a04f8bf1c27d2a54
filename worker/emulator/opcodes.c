/* Opcodes that may reach memory or ports (Intel SDM vol. 2, appendix A). */
#include "worker/emulator/instruction.h"

#define B OPCODE_BYTE
#define W OPCODE_WRITES
#define RW (OPCODE_WRITES | OPCODE_READS)
#define LOCK OPCODE_LOCK

#define ENTRY(name, first, second, third, bits)                                                    \
    {                                                                                              \
        .operation = OP_##name, .operands = {OPERAND_##first, OPERAND_##second, OPERAND_##third},  \
        .flags = (bits)                                                                            \
    }
#define PLAIN(name, bits) ENTRY(name, NONE, NONE, NONE, bits)
/* What the group's entry leaves open is as here. */
#define BY_REG(group, first, second, bits)                                                         \
    {                                                                                              \
        .operation = OP_BY_REG, .operands = {OPERAND_##first, OPERAND_##second, GROUP_##group},    \
        .flags = (bits)                                                                            \
    }
#define BY_PREFIX(entry)                                                                           \
    {                                                                                              \
        .operation = OP_BY_PREFIX, .operands = { 0, 0, PREFIXED_##entry }                          \
    }
/* The four forms with ModRM of the first eight operations; CMP writes nothing. */
#define ALU(first, name, bits)                                                                     \
    [first] = ENTRY(name, E, G, NONE, B | (bits)), [(first) + 1] = ENTRY(name, E, G, NONE, bits),  \
    [(first) + 2] = ENTRY(name, G, E, NONE, B | ((bits) & ~LOCK)),                                 \
    [(first) + 3] = ENTRY(name, G, E, NONE, (bits) & ~LOCK)

enum opcode_prefixed {
    PREFIXED_10,
    PREFIXED_11,
    PREFIXED_12,
    PREFIXED_13,
    PREFIXED_16,
    PREFIXED_17,
    PREFIXED_28,
    PREFIXED_29,
    PREFIXED_2B,
    PREFIXED_6E,
    PREFIXED_6F,
    PREFIXED_7E,
    PREFIXED_7F,
    PREFIXED_B8,
    PREFIXED_BC,
    PREFIXED_BD,
    PREFIXED_D6,
    PREFIXED_E7,
    PREFIXED_F0,
    PREFIXED_38_2A,
    PREFIXED_COUNT
};

static const struct opcode map_1[256] = {
    ALU(0x00, ADD, RW | LOCK),
    ALU(0x08, OR, RW | LOCK),
    ALU(0x10, ADC, RW | LOCK),
    ALU(0x18, SBB, RW | LOCK),
    ALU(0x20, AND, RW | LOCK),
    ALU(0x28, SUB, RW | LOCK),
    ALU(0x30, XOR, RW | LOCK),
    ALU(0x38, CMP, 0),
    [0x50 ... 0x57] = ENTRY(PUSH, R, NONE, NONE, OPCODE_STACK),
    [0x58 ... 0x5f] = ENTRY(POP, R, NONE, NONE, OPCODE_STACK | W),
    [0x63] = ENTRY(MOVSX, G, ED, NONE, OPCODE_ONLY_64 | W),
    [0x68] = ENTRY(PUSH, IZ, NONE, NONE, OPCODE_STACK),
    [0x69] = ENTRY(IMUL, G, E, IZ, W),
    [0x6a] = ENTRY(PUSH, IB, NONE, NONE, OPCODE_STACK),
    [0x6b] = ENTRY(IMUL, G, E, IB, W),
    [0x6c] = PLAIN(INS, B),
    [0x6d] = PLAIN(INS, 0),
    [0x6e] = PLAIN(OUTS, B),
    [0x6f] = PLAIN(OUTS, 0),
    [0x80] = BY_REG(ALU, E, IB, B),
    [0x81] = BY_REG(ALU, E, IZ, 0),
    [0x82] = BY_REG(ALU, E, IB, B | OPCODE_NOT_64),
    [0x83] = BY_REG(ALU, E, IB, 0),
    [0x84] = ENTRY(TEST, E, G, NONE, B),
    [0x85] = ENTRY(TEST, E, G, NONE, 0),
    [0x86] = ENTRY(XCHG, E, G, NONE, B | RW | LOCK),
    [0x87] = ENTRY(XCHG, E, G, NONE, RW | LOCK),
    [0x88] = ENTRY(MOV, E, G, NONE, B | W),
    [0x89] = ENTRY(MOV, E, G, NONE, W),
    [0x8a] = ENTRY(MOV, G, E, NONE, B | W),
    [0x8b] = ENTRY(MOV, G, E, NONE, W),
    [0x8c] = ENTRY(MOV_SEGMENT, E, SREG, NONE, W),
    [0x8f] = BY_REG(POP, NONE, NONE, 0),
    [0xa0] = ENTRY(MOV, A, O, NONE, B | W),
    [0xa1] = ENTRY(MOV, A, O, NONE, W),
    [0xa2] = ENTRY(MOV, O, A, NONE, B | W),
    [0xa3] = ENTRY(MOV, O, A, NONE, W),
    [0xa4] = PLAIN(MOVS, B),
    [0xa5] = PLAIN(MOVS, 0),
    [0xa6] = PLAIN(CMPS, B),
    [0xa7] = PLAIN(CMPS, 0),
    [0xaa] = PLAIN(STOS, B),
    [0xab] = PLAIN(STOS, 0),
    [0xac] = PLAIN(LODS, B),
    [0xad] = PLAIN(LODS, 0),
    [0xae] = PLAIN(SCAS, B),
    [0xaf] = PLAIN(SCAS, 0),
    [0xc0] = BY_REG(SHIFT, E, IB, B),
    [0xc1] = BY_REG(SHIFT, E, IB, 0),
    [0xc2] = ENTRY(RET, IW, NONE, NONE, OPCODE_NEAR),
    [0xc3] = PLAIN(RET, OPCODE_NEAR),
    [0xc6] = BY_REG(MOV_BYTE, NONE, NONE, 0),
    [0xc7] = BY_REG(MOV, NONE, NONE, 0),
    [0xd0] = BY_REG(SHIFT, E, ONE, B),
    [0xd1] = BY_REG(SHIFT, E, ONE, 0),
    [0xd2] = BY_REG(SHIFT, E, CL, B),
    [0xd3] = BY_REG(SHIFT, E, CL, 0),
    [0xe4] = ENTRY(IN, IB, NONE, NONE, B),
    [0xe5] = ENTRY(IN, IB, NONE, NONE, 0),
    [0xe6] = ENTRY(OUT, IB, NONE, NONE, B),
    [0xe7] = ENTRY(OUT, IB, NONE, NONE, 0),
    [0xe8] = ENTRY(CALL, IZ, NONE, NONE, OPCODE_NEAR),
    [0xec] = PLAIN(IN, B),
    [0xed] = PLAIN(IN, 0),
    [0xee] = PLAIN(OUT, B),
    [0xef] = PLAIN(OUT, 0),
    [0xf6] = BY_REG(UNARY_BYTE, NONE, NONE, B),
    [0xf7] = BY_REG(UNARY, NONE, NONE, 0),
    [0xfe] = BY_REG(FE, NONE, NONE, B),
    [0xff] = BY_REG(FF, NONE, NONE, 0),
};

static const struct opcode map_0f[256] = {
    [0x10] = BY_PREFIX(10),
    [0x11] = BY_PREFIX(11),
    [0x12] = BY_PREFIX(12),
    [0x13] = BY_PREFIX(13),
    [0x16] = BY_PREFIX(16),
    [0x17] = BY_PREFIX(17),
    [0x28] = BY_PREFIX(28),
    [0x29] = BY_PREFIX(29),
    [0x2b] = BY_PREFIX(2B),
    [0x40 ... 0x4f] = ENTRY(CMOV, G, E, NONE, W),
    [0x6e] = BY_PREFIX(6E),
    [0x6f] = BY_PREFIX(6F),
    [0x7e] = BY_PREFIX(7E),
    [0x7f] = BY_PREFIX(7F),
    [0x90 ... 0x9f] = ENTRY(SET, E, NONE, NONE, B | W),
    [0xa3] = ENTRY(BT, E, G, NONE, 0),
    [0xa4] = ENTRY(SHLD, E, G, IB, RW),
    [0xa5] = ENTRY(SHLD, E, G, CL, RW),
    [0xab] = ENTRY(BTS, E, G, NONE, RW | LOCK),
    [0xac] = ENTRY(SHRD, E, G, IB, RW),
    [0xad] = ENTRY(SHRD, E, G, CL, RW),
    [0xaf] = ENTRY(IMUL, G, E, NONE, W),
    [0xb0] = ENTRY(CMPXCHG, E, G, NONE, B | RW | LOCK),
    [0xb1] = ENTRY(CMPXCHG, E, G, NONE, RW | LOCK),
    [0xb3] = ENTRY(BTR, E, G, NONE, RW | LOCK),
    [0xb6] = ENTRY(MOVZX, G, EB, NONE, W),
    [0xb7] = ENTRY(MOVZX, G, EW, NONE, W),
    [0xb8] = BY_PREFIX(B8),
    [0xba] = BY_REG(BIT, E, IB, 0),
    [0xbb] = ENTRY(BTC, E, G, NONE, RW | LOCK),
    [0xbc] = BY_PREFIX(BC),
    [0xbd] = BY_PREFIX(BD),
    [0xbe] = ENTRY(MOVSX, G, EB, NONE, W),
    [0xbf] = ENTRY(MOVSX, G, EW, NONE, W),
    [0xc0] = ENTRY(XADD, E, G, NONE, B | RW | LOCK),
    [0xc1] = ENTRY(XADD, E, G, NONE, RW | LOCK),
    [0xc3] = ENTRY(MOVNTI, M, G, NONE, W | OPCODE_SIZE_Y | OPCODE_NO_PREFIX),
    [0xc7] = BY_REG(CMPXCHG8B, NONE, NONE, 0),
    [0xd6] = BY_PREFIX(D6),
    [0xe7] = BY_PREFIX(E7),
    [0xf0] = BY_PREFIX(F0),
};

/* With F2 and F3 there are others: CRC32. */
static const struct opcode map_0f38[256] = {
    [0x2a] = BY_PREFIX(38_2A),
    [0xf0] = ENTRY(MOVBE, G, M, NONE, W),
    [0xf1] = ENTRY(MOVBE, M, G, NONE, W),
};

static const struct opcode groups[OPCODE_GROUPS][8] = {
    [GROUP_ALU] = {PLAIN(ADD, RW | LOCK), PLAIN(OR, RW | LOCK), PLAIN(ADC, RW | LOCK),
                   PLAIN(SBB, RW | LOCK), PLAIN(AND, RW | LOCK), PLAIN(SUB, RW | LOCK),
                   PLAIN(XOR, RW | LOCK), PLAIN(CMP, 0)},
    [GROUP_SHIFT] = {PLAIN(ROL, RW), PLAIN(ROR, RW), PLAIN(RCL, RW), PLAIN(RCR, RW), PLAIN(SHL, RW),
                     PLAIN(SHR, RW), PLAIN(SAL, RW), PLAIN(SAR, RW)},
    [GROUP_POP] = {ENTRY(POP, E, NONE, NONE, OPCODE_STACK | W)},
    [GROUP_MOV_BYTE] = {ENTRY(MOV, E, IB, NONE, B | W)},
    [GROUP_MOV] = {ENTRY(MOV, E, IZ, NONE, W)},
    [GROUP_UNARY_BYTE] = {ENTRY(TEST, E, IB, NONE, 0), ENTRY(TEST, E, IB, NONE, 0),
                          ENTRY(NOT, E, NONE, NONE, RW | LOCK),
                          ENTRY(NEG, E, NONE, NONE, RW | LOCK), ENTRY(MUL, E, NONE, NONE, 0),
                          ENTRY(IMUL_WIDE, E, NONE, NONE, 0), ENTRY(DIV, E, NONE, NONE, 0),
                          ENTRY(IDIV, E, NONE, NONE, 0)},
    [GROUP_UNARY] = {ENTRY(TEST, E, IZ, NONE, 0), ENTRY(TEST, E, IZ, NONE, 0),
                     ENTRY(NOT, E, NONE, NONE, RW | LOCK), ENTRY(NEG, E, NONE, NONE, RW | LOCK),
                     ENTRY(MUL, E, NONE, NONE, 0), ENTRY(IMUL_WIDE, E, NONE, NONE, 0),
                     ENTRY(DIV, E, NONE, NONE, 0), ENTRY(IDIV, E, NONE, NONE, 0)},
    [GROUP_FE] = {ENTRY(INC, E, NONE, NONE, RW | LOCK), ENTRY(DEC, E, NONE, NONE, RW | LOCK)},
    [GROUP_FF] = {[0] = ENTRY(INC, E, NONE, NONE, RW | LOCK),
                  [1] = ENTRY(DEC, E, NONE, NONE, RW | LOCK),
                  [2] = ENTRY(CALL, E, NONE, NONE, OPCODE_NEAR),
                  [4] = ENTRY(JMP, E, NONE, NONE, OPCODE_NEAR),
                  [6] = ENTRY(PUSH, E, NONE, NONE, OPCODE_STACK)},
    [GROUP_BIT] = {[4] = PLAIN(BT, 0),
                   [5] = PLAIN(BTS, RW | LOCK),
                   [6] = PLAIN(BTR, RW | LOCK),
                   [7] = PLAIN(BTC, RW | LOCK)},
    [GROUP_CMPXCHG8B] = {[1] = ENTRY(CMPXCHG8B, M, NONE, NONE, RW | LOCK)},
};

#define LOAD(bits) ENTRY(XMM_LOAD, X, M, NONE, bits)
#define STORE(bits) ENTRY(XMM_STORE, M, X, NONE, (bits) | W)
#define A OPCODE_ALIGNED
#define S4 OPCODE_SIZE_4
#define S8 OPCODE_SIZE_8
#define SY OPCODE_SIZE_Y

/* Without prefix, with 66, F3, F2. */
static const struct opcode prefixed[PREFIXED_COUNT][4] = {
    [PREFIXED_10] = {LOAD(0), LOAD(0), LOAD(S4), LOAD(S8)},
    [PREFIXED_11] = {STORE(0), STORE(0), STORE(S4), STORE(S8)},
    [PREFIXED_12] = {ENTRY(XMM_LOAD_LOW, X, M, NONE, S8), ENTRY(XMM_LOAD_LOW, X, M, NONE, S8)},
    [PREFIXED_13] = {STORE(S8), STORE(S8)},
    [PREFIXED_16] = {ENTRY(XMM_LOAD_HIGH, X, M, NONE, S8), ENTRY(XMM_LOAD_HIGH, X, M, NONE, S8)},
    [PREFIXED_17] = {ENTRY(XMM_STORE_HIGH, M, X, NONE, S8 | W),
                     ENTRY(XMM_STORE_HIGH, M, X, NONE, S8 | W)},
    [PREFIXED_28] = {LOAD(A), LOAD(A)},
    [PREFIXED_29] = {STORE(A), STORE(A)},
    [PREFIXED_2B] = {STORE(A), STORE(A)},
    [PREFIXED_6E] = {[1] = LOAD(SY)},
    [PREFIXED_6F] = {[1] = LOAD(A), [2] = LOAD(0)},
    [PREFIXED_7E] = {[1] = STORE(SY), [2] = LOAD(S8)},
    [PREFIXED_7F] = {[1] = STORE(A), [2] = STORE(0)},
    [PREFIXED_B8] = {[2] = ENTRY(POPCNT, G, E, NONE, W)},
    /* With F3 TZCNT and LZCNT on newer processors: not known here. */
    [PREFIXED_BC] = {[0] = ENTRY(BSF, G, E, NONE, RW),
                     [1] = ENTRY(BSF, G, E, NONE, RW),
                     [3] = ENTRY(BSF, G, E, NONE, RW)},
    [PREFIXED_BD] = {[0] = ENTRY(BSR, G, E, NONE, RW),
                     [1] = ENTRY(BSR, G, E, NONE, RW),
                     [3] = ENTRY(BSR, G, E, NONE, RW)},
    [PREFIXED_D6] = {[1] = STORE(S8)},
    [PREFIXED_E7] = {[1] = STORE(A)},
    [PREFIXED_F0] = {[3] = LOAD(0)},
    [PREFIXED_38_2A] = {[1] = LOAD(A)},
};

const struct opcode *opcode_find(enum opcode_map map, uint8_t byte)
{
    return map == OPCODE_MAP_1    ? &map_1[byte]
           : map == OPCODE_MAP_0F ? &map_0f[byte]
                                  : &map_0f38[byte];
}

const struct opcode *opcode_by_reg(enum opcode_group group, unsigned reg)
{
    return &groups[group][reg];
}

const struct opcode *opcode_by_prefix(unsigned entry, unsigned prefix)
{
    return &prefixed[entry][prefix];
}
