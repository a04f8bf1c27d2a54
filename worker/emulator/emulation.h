/* One instruction on its way: what the emulator's files share. Functions that return bool return
 * false when the instruction ends here; its result says how. */
#ifndef VENEER_WORKER_EMULATOR_EMULATION_H
#define VENEER_WORKER_EMULATOR_EMULATION_H

#include "worker/emulator/alu.h"
#include "worker/emulator/instruction.h"

#define PAGE 4096u

#define CR0_PE (1u << 0)
#define CR0_AM (1u << 18)
#define CR4_LA57 (1u << 12)
#define EFER_LMA (1u << 10)
#define RFLAGS_TF (1u << 8)
#define RFLAGS_DF (1u << 10)
#define RFLAGS_RF (1u << 16)
#define RFLAGS_VM (1u << 17)
#define RFLAGS_AC (1u << 18)

#define SEGMENT_WRITABLE (1u << 1)    /* of data; readable, of code */
#define SEGMENT_EXPAND_DOWN (1u << 2) /* of data */
#define SEGMENT_CODE (1u << 3)
#define SEGMENT_PRESENT (1u << 7)
#define SEGMENT_LONG (1u << 13)
#define SEGMENT_DEFAULT_32 (1u << 14)

enum exception_vector {
    VECTOR_DE = 0,
    VECTOR_UD = 6,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_AC = 17,
};

/* Consecutive bytes of linear memory, translated: in one page or two. */
struct span {
    unsigned size, first; /* bytes in all, and in the first page */
    struct emulator_place place[2];
};

#define TRANSLATIONS 4

/* A translation of this instruction, which as a processor's holds as long as it lasts. */
struct translation {
    bool valid;
    unsigned access;
    uint64_t page; /* linear */
    struct emulator_place place;
};

struct emulation {
    struct emulator_cpu *cpu; /* unchanged until the instruction is through */
    const struct emulator_ops *ops;
    void *context;
    struct emulator_result *result;
    enum emulator_mode mode;
    struct instruction instruction;

    /* What becomes the VP's at the end. */
    uint64_t gpr[16], rip, rflags;

    /* The memory operand, and what was read from it: a locked write replaces just that. */
    struct span memory;
    uint8_t memory_old[16];

    struct translation translations[TRANSLATIONS];
    unsigned next_translation;
};

/* --- memory.c: segments, pages, and what is behind them ----------------------------------------*/

/* Ends the instruction by an exception, or as not known; false. */
bool emulation_raise(struct emulation *e, enum exception_vector vector);
bool emulation_raise_with_code(struct emulation *e, enum exception_vector vector, uint32_t code);
bool emulation_again(struct emulation *e);
bool emulation_unsupported(struct emulation *e);

bool is_canonical(const struct emulation *e, uint64_t linear);

/* Bits of an address of @size bytes (2, 4, 8). */
uint64_t address_mask(unsigned size);

/* Whether @segment lets @size (not 0) bytes from @offset on be accessed; if so, *@linear is where
 * they are. Raises nothing. */
bool segment_allows(const struct emulation *e, unsigned segment, uint64_t offset, unsigned size,
                    unsigned access, uint64_t *linear);

/* Translates @size bytes (1 to PAGE) at @segment:@offset into *@span, or raises what the access
 * raises: #GP or #SS, #AC, #PF. Nothing is accessed. */
bool span_open(struct emulation *e, unsigned segment, uint64_t offset, unsigned size,
               unsigned access, struct span *span);
/* The same for a linear address that has been checked. */
bool span_open_linear(struct emulation *e, uint64_t linear, unsigned size, unsigned access,
                      struct span *span);

/* Reads or writes the whole span, of at most 16 bytes; each piece of it that a processor accesses
 * at once, at once. */
void span_read(struct emulation *e, const struct span *span, void *data);
void span_write(struct emulation *e, const struct span *span, const void *data);

/* Reads or writes @count elements of @size bytes. More than one only in a span that is in one page
 * and aligned to @size. */
void span_read_elements(struct emulation *e, const struct span *span, unsigned size, unsigned count,
                        void *data);
void span_write_elements(struct emulation *e, const struct span *span, unsigned size,
                         unsigned count, const void *data);

/* Writes the span if it still holds @old. Not atomic where memory cannot be: in devices, and where
 * it is misaligned. False: it does not. */
bool span_exchange(struct emulation *e, const struct span *span, const void *old, const void *data);

/* --- operand.c: operands of the instruction
 * -----------------------------------------------------*/

/* Offset of the memory operand in its segment. */
uint64_t operand_offset(const struct emulation *e);
/* Opens e->memory for the memory operand, if there is one. */
bool operand_open(struct emulation *e);
unsigned operand_size(const struct emulation *e, unsigned n);
/* The operand, zero-extended; immediates cut to the instruction's operand size. Memory must be
 * open. */
uint64_t operand_read(struct emulation *e, unsigned n);
/* Writes it; of registers @size bytes as processors do: 4 clear the upper half. False: a locked
 * access has been overtaken. */
bool operand_write(struct emulation *e, unsigned n, uint64_t value);
/* Replaces e->memory as a whole, by e->memory.size bytes; likewise. */
bool memory_replace(struct emulation *e, const void *data);

uint64_t register_read(const struct emulation *e, unsigned number, unsigned size);
void register_write(struct emulation *e, unsigned number, unsigned size, uint64_t value);
/* The same for numbers as instructions have them: of 1 byte, 4 to 7 may mean AH to BH. */
uint64_t register_read_encoded(const struct emulation *e, unsigned number, unsigned size);
void register_write_encoded(struct emulation *e, unsigned number, unsigned size, uint64_t value);

/* Whether the condition (bits 3:0 of an opcode) holds. */
bool condition_holds(uint64_t rflags, unsigned condition);

/* --- What carries the operations out; memory operands are open
 * ----------------------------------*/

bool execute_arithmetic(struct emulation *e); /* arithmetic.c */
bool execute_shift(struct emulation *e);
bool execute_double_shift(struct emulation *e);
bool execute_multiply(struct emulation *e);
bool execute_divide(struct emulation *e);
bool execute_bit(struct emulation *e);
bool execute_bit_scan(struct emulation *e);
bool execute_move(struct emulation *e); /* move.c */
bool execute_set(struct emulation *e);
bool execute_exchange(struct emulation *e);
bool execute_compare_exchange(struct emulation *e);
bool execute_compare_exchange_wide(struct emulation *e);
bool execute_xmm(struct emulation *e);
bool execute_push(struct emulation *e); /* stack.c */
bool execute_pop(struct emulation *e);
bool execute_branch(struct emulation *e);
bool execute_return(struct emulation *e);
bool execute_string(struct emulation *e); /* string.c: opens its operands itself */
bool execute_port(struct emulation *e);

#endif
