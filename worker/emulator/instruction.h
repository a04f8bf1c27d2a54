/* Decoded instructions: what the bytes say, without any state of the VP but its mode. */
#ifndef VENEER_WORKER_EMULATOR_INSTRUCTION_H
#define VENEER_WORKER_EMULATOR_INSTRUCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/emulator/emulator.h"

/* What an instruction does. Groups of eight are in the order of the opcodes' bits. */
enum operation {
    OP_NONE, /* not known */
    OP_ADD,
    OP_OR,
    OP_ADC,
    OP_SBB,
    OP_AND,
    OP_SUB,
    OP_XOR,
    OP_CMP,
    OP_ROL,
    OP_ROR,
    OP_RCL,
    OP_RCR,
    OP_SHL,
    OP_SHR,
    OP_SAL, /* an alias of SHL */
    OP_SAR,
    OP_TEST,
    OP_NOT,
    OP_NEG,
    OP_MUL,
    OP_IMUL_WIDE, /* one operand, a result twice as wide */
    OP_DIV,
    OP_IDIV,
    OP_IMUL,
    OP_INC,
    OP_DEC,
    OP_SHLD,
    OP_SHRD,
    OP_BT,
    OP_BTS,
    OP_BTR,
    OP_BTC,
    OP_BSF,
    OP_BSR,
    OP_POPCNT,
    OP_MOV,
    OP_MOV_SEGMENT, /* from a segment register */
    OP_MOVZX,
    OP_MOVSX,
    OP_MOVBE,
    OP_MOVNTI,
    OP_CMOV,
    OP_SET,
    OP_XCHG,
    OP_XADD,
    OP_CMPXCHG,
    OP_CMPXCHG8B, /* and CMPXCHG16B */
    OP_PUSH,
    OP_POP,
    OP_CALL,
    OP_JMP,
    OP_RET,
    OP_IN,
    OP_OUT,
    OP_MOVS,
    OP_CMPS,
    OP_STOS,
    OP_LODS,
    OP_SCAS,
    OP_INS,
    OP_OUTS,
    OP_XMM_LOAD,     /* memory to a register, the rest of which becomes 0 */
    OP_XMM_LOAD_LOW, /* to half a register, the other half stays */
    OP_XMM_LOAD_HIGH,
    OP_XMM_STORE,
    OP_XMM_STORE_HIGH, /* the upper half */
    OPERATIONS,
    /* Only in the tables: what decides further. */
    OP_BY_REG,   /* ModRM.reg; operands[2] is a enum opcode_group */
    OP_BY_PREFIX /* none, 66, F3, F2; operands[2] is an enum opcode_prefixed */
};

/* Where an operand is; letters as in Intel SDM vol. 2, appendix A. */
enum operand {
    OPERAND_NONE,
    OPERAND_E,    /* ModRM: memory or general register, of the instruction's operand size */
    OPERAND_EB,   /* the same with 1 byte */
    OPERAND_EW,   /* 2 bytes */
    OPERAND_ED,   /* 4 bytes, 2 if the operand size is 2 */
    OPERAND_M,    /* ModRM: memory only; its size is the operation's to know */
    OPERAND_G,    /* general register by ModRM.reg */
    OPERAND_SREG, /* segment register by ModRM.reg */
    OPERAND_X,    /* XMM register by ModRM.reg */
    OPERAND_R,    /* general register by the opcode */
    OPERAND_A,    /* AL, AX, EAX, RAX */
    OPERAND_O,    /* memory at an address in the instruction */
    OPERAND_ONE,
    OPERAND_CL,
    OPERAND_IB, /* immediates: 1 byte, sign-extended */
    OPERAND_IW, /* 2 bytes, zero-extended */
    OPERAND_IZ, /* of the operand size but at most 4 bytes, sign-extended */
};

/* struct opcode.flags */
#define OPCODE_BYTE (1u << 0)       /* operands have 1 byte */
#define OPCODE_WRITES (1u << 1)     /* operand 0 is written */
#define OPCODE_READS (1u << 2)      /* operand 0 is read although it is written */
#define OPCODE_LOCK (1u << 3)       /* LOCK is allowed if operand 0 is memory */
#define OPCODE_STACK (1u << 4)      /* 64-bit mode: operand size 8 unless a prefix says 2 */
#define OPCODE_NEAR (1u << 5)       /* 64-bit mode: operand size 8 */
#define OPCODE_NOT_64 (1u << 6)     /* not in 64-bit mode */
#define OPCODE_ONLY_64 (1u << 7)    /* only in 64-bit mode */
#define OPCODE_SIZE_4 (1u << 8)     /* XMM: bytes in memory */
#define OPCODE_SIZE_8 (1u << 9)     /* likewise; no size: 16 */
#define OPCODE_SIZE_Y (1u << 10)    /* operand size 4, or 8 with REX.W */
#define OPCODE_ALIGNED (1u << 11)   /* a misaligned operand is #GP */
#define OPCODE_NO_PREFIX (1u << 12) /* another instruction with prefix 66, F2 or F3 */

struct opcode {
    uint8_t operation; /* enum operation */
    uint8_t operands[3];
    uint16_t flags;
};

enum opcode_map { OPCODE_MAP_1, OPCODE_MAP_0F, OPCODE_MAP_0F38 };
enum opcode_group {
    GROUP_ALU,
    GROUP_SHIFT,
    GROUP_POP,
    GROUP_MOV_BYTE,
    GROUP_MOV,
    GROUP_UNARY_BYTE,
    GROUP_UNARY,
    GROUP_FE,
    GROUP_FF,
    GROUP_BIT,
    GROUP_CMPXCHG8B,
    OPCODE_GROUPS
};

/* opcodes.c: the entry for @byte in @map, or for what ModRM.reg or prefixes choose. Never NULL; an
 * opcode that is not known has OP_NONE. @prefix: 0 none, 1 66, 2 F3, 3 F2. */
const struct opcode *opcode_find(enum opcode_map map, uint8_t byte);
const struct opcode *opcode_by_reg(enum opcode_group group, unsigned reg);
const struct opcode *opcode_by_prefix(unsigned entry, unsigned prefix);

/* Size of addresses and operands without prefixes. */
enum emulator_mode { EMULATOR_MODE_16, EMULATOR_MODE_32, EMULATOR_MODE_64 };

#define NO_REGISTER 0xff

struct instruction {
    struct opcode opcode;
    uint8_t byte; /* the opcode's last byte: condition codes and registers are in it */
    uint8_t length;
    uint8_t operand_size; /* 1, 2, 4, 8 */
    uint8_t address_size; /* 2, 4, 8 */
    uint8_t segment;      /* of the memory operand: prefix or default */
    bool lock;
    uint8_t repeat; /* 0, F2, F3 */
    bool rex;       /* any REX: byte registers 4 to 7 are SPL to DIL */
    bool rex_w;
    bool memory; /* there is a memory operand by ModRM or address */
    uint8_t reg; /* ModRM.reg with REX.R */
    uint8_t rm;  /* ModRM.rm or the opcode's register, with REX.B: if there is no memory operand */
    uint8_t base, index, scale; /* registers or NO_REGISTER; shift */
    bool rip_relative;
    uint64_t displacement; /* sign-extended */
    uint64_t immediate;    /* extended as its operand says */
};

enum decode_status {
    DECODE_DONE,
    DECODE_CUT,      /* needs more bytes than there are */
    DECODE_TOO_LONG, /* more than EMULATOR_INSTRUCTION_MAX: #GP(0) */
    DECODE_UNKNOWN,
    DECODE_INVALID, /* #UD: LOCK where it must not be */
};

/* Decodes the instruction that begins with the @count @bytes. Pure; never reads beyond them.
 * *@instruction is whole only if it is DECODE_DONE. */
enum decode_status instruction_decode(const uint8_t *bytes, unsigned count, enum emulator_mode mode,
                                      struct instruction *instruction);

/* Whether operand @n of @instruction is its memory operand. */
bool instruction_operand_is_memory(const struct instruction *instruction, unsigned n);

#endif
