/* String instructions and port accesses. Elements are moved in blocks where the guest cannot tell:
 * upwards, within a page, aligned, and not where what is written is read again. */
#include "lib/string.h"
#include "worker/emulator/emulation.h"

#define BLOCK 512u /* bytes */

/* How far an instruction has come. */
struct string {
    unsigned size; /* of an element */
    bool down;
    uint64_t left;   /* repetitions by the count register */
    unsigned budget; /* elements that this call may still move */
    bool repeated;
};

static uint64_t string_register(const struct emulation *e, unsigned number)
{
    return register_read(e, number, e->instruction.address_size);
}

/* How many elements from @segment:@offset on, at most @count, can be accessed at once. */
static unsigned elements_together(const struct emulation *e, const struct string *s,
                                  unsigned segment, uint64_t offset, unsigned access,
                                  unsigned count)
{
    uint64_t linear;
    if (s->down || !segment_allows(e, segment, offset, s->size, access, &linear) ||
        linear % s->size != 0)
        return 1;
    uint64_t until_wrap = (address_mask(e->instruction.address_size) - offset) / s->size;
    uint64_t in_page = (PAGE - linear % PAGE) / s->size;
    uint64_t limit = in_page < until_wrap ? in_page : until_wrap;
    if (limit < count)
        count = (unsigned)limit;
    if (count <= 1 || !segment_allows(e, segment, offset, count * s->size, access, &linear))
        return 1;
    return count;
}

static bool open_elements(struct emulation *e, const struct string *s, unsigned segment,
                          unsigned number, unsigned count, unsigned access, struct span *span)
{
    uint64_t offset = string_register(e, number);
    if (count > 1) {
        uint64_t linear;
        segment_allows(e, segment, offset, count * s->size, access, &linear);
        return span_open_linear(e, linear, count * s->size, access, span);
    }
    return span_open(e, segment, offset, s->size, access, span);
}

/* Makes @span that of one element, its first. */
static void cut_span(struct span *span, unsigned bytes)
{
    span->size = bytes;
    if (span->first > bytes)
        span->first = bytes;
}

/* How many of @count elements a move may read before it writes: devices may answer differently
 * after each write, and memory that is written may be what is read next. */
static unsigned elements_apart(const struct span *from, const struct span *to, unsigned size,
                               unsigned count)
{
    const uint8_t *source = from->place[0].ram, *destination = to->place[0].ram;
    if (!source && !destination)
        return 1;
    if (!source || !destination)
        return count;
    uintptr_t distance = (uintptr_t)destination - (uintptr_t)source; /* wraps if it is below */
    if (distance == 0 || distance >= (uintptr_t)count * size)
        return count;
    return distance < size ? 1 : (unsigned)(distance / size);
}

/* Each moves at least one and at most @count elements and returns how many; 0: it has raised
 * something. Registers are the caller's to move on. */

static unsigned move_string(struct emulation *e, const struct string *s, unsigned count)
{
    uint8_t block[BLOCK];
    struct span from, to;
    unsigned segment = e->instruction.segment;
    count =
        elements_together(e, s, segment, string_register(e, EMULATOR_RSI), EMULATOR_READ, count);
    count = elements_together(e, s, EMULATOR_ES, string_register(e, EMULATOR_RDI), EMULATOR_WRITE,
                              count);
    if (!open_elements(e, s, segment, EMULATOR_RSI, count, EMULATOR_READ, &from) ||
        !open_elements(e, s, EMULATOR_ES, EMULATOR_RDI, count, EMULATOR_WRITE, &to))
        return 0;
    count = elements_apart(&from, &to, s->size, count);
    cut_span(&from, count * s->size);
    cut_span(&to, count * s->size);
    span_read_elements(e, &from, s->size, count, block);
    span_write_elements(e, &to, s->size, count, block);
    return count;
}

static unsigned store_string(struct emulation *e, const struct string *s, unsigned count)
{
    uint8_t block[BLOCK];
    struct span to;
    count = elements_together(e, s, EMULATOR_ES, string_register(e, EMULATOR_RDI), EMULATOR_WRITE,
                              count);
    if (!open_elements(e, s, EMULATOR_ES, EMULATOR_RDI, count, EMULATOR_WRITE, &to))
        return 0;
    for (unsigned i = 0; i < count; i++)
        memcpy(block + i * s->size, &e->gpr[EMULATOR_RAX], s->size);
    span_write_elements(e, &to, s->size, count, block);
    return count;
}

static unsigned load_string(struct emulation *e, const struct string *s)
{
    struct span from;
    uint64_t value = 0;
    if (!open_elements(e, s, e->instruction.segment, EMULATOR_RSI, 1, EMULATOR_READ, &from))
        return 0;
    span_read(e, &from, &value);
    register_write(e, EMULATOR_RAX, s->size, value);
    return 1;
}

/* CMPS, SCAS. */
static unsigned compare_string(struct emulation *e, const struct string *s)
{
    struct span from, to;
    uint64_t a = register_read(e, EMULATOR_RAX, s->size), b = 0;
    bool both = e->instruction.opcode.operation == OP_CMPS;
    if (both && !open_elements(e, s, e->instruction.segment, EMULATOR_RSI, 1, EMULATOR_READ, &from))
        return 0;
    if (!open_elements(e, s, EMULATOR_ES, EMULATOR_RDI, 1, EMULATOR_READ, &to))
        return 0;
    if (both) {
        a = 0;
        span_read(e, &from, &a);
    }
    span_read(e, &to, &b);
    alu_binary(OP_CMP, a, b, s->size, &e->rflags);
    return 1;
}

/* The destination is opened first: a port that has been read cannot be read again. */
static unsigned input_string(struct emulation *e, const struct string *s, unsigned count)
{
    uint8_t block[BLOCK];
    struct span to;
    count = elements_together(e, s, EMULATOR_ES, string_register(e, EMULATOR_RDI), EMULATOR_WRITE,
                              count);
    if (!open_elements(e, s, EMULATOR_ES, EMULATOR_RDI, count, EMULATOR_WRITE, &to))
        return 0;
    e->ops->port_read(e->context, (uint16_t)e->gpr[EMULATOR_RDX], s->size, count, block);
    span_write_elements(e, &to, s->size, count, block);
    return count;
}

static unsigned output_string(struct emulation *e, const struct string *s, unsigned count)
{
    uint8_t block[BLOCK];
    struct span from;
    unsigned segment = e->instruction.segment;
    count =
        elements_together(e, s, segment, string_register(e, EMULATOR_RSI), EMULATOR_READ, count);
    if (!open_elements(e, s, segment, EMULATOR_RSI, count, EMULATOR_READ, &from))
        return 0;
    span_read_elements(e, &from, s->size, count, block);
    e->ops->port_write(e->context, (uint16_t)e->gpr[EMULATOR_RDX], s->size, count, block);
    return count;
}

static unsigned move_elements(struct emulation *e, const struct string *s)
{
    unsigned count = BLOCK / s->size;
    if (count > s->left)
        count = (unsigned)s->left;
    if (count > s->budget)
        count = s->budget;
    switch (e->instruction.opcode.operation) {
    case OP_MOVS:
        return move_string(e, s, count);
    case OP_STOS:
        return store_string(e, s, count);
    case OP_LODS:
        return load_string(e, s);
    case OP_INS:
        return input_string(e, s, count);
    case OP_OUTS:
        return output_string(e, s, count);
    default:
        return compare_string(e, s);
    }
}

static bool uses(unsigned operation, unsigned number)
{
    if (number == EMULATOR_RSI)
        return operation != OP_STOS && operation != OP_SCAS && operation != OP_INS;
    return operation != OP_LODS && operation != OP_OUTS;
}

/* Moves the registers on by @count elements, and makes that the VP's state, from which it can go
 * on. */
static void advance(struct emulation *e, struct string *s, unsigned count)
{
    unsigned operation = e->instruction.opcode.operation, size = e->instruction.address_size;
    uint64_t change = (uint64_t)count * s->size;
    if (s->down)
        change = -change;
    for (unsigned number = EMULATOR_RSI; number <= EMULATOR_RDI; number++)
        if (uses(operation, number))
            register_write(e, number, size, e->gpr[number] + change);
    s->left -= count;
    s->budget -= count;
    if (s->repeated) {
        register_write(e, EMULATOR_RCX, size, s->left);
        memcpy(e->cpu->gpr, e->gpr, sizeof(e->gpr));
    }
}

/* A comparison ends a repetition by its outcome: F3 goes on while equal, F2 while not. */
static bool ends_by_comparison(const struct emulation *e)
{
    unsigned operation = e->instruction.opcode.operation;
    bool equal = e->rflags & RFLAGS_ZF;
    return (operation == OP_CMPS || operation == OP_SCAS) &&
           equal != (e->instruction.repeat == 0xf3);
}

bool execute_string(struct emulation *e)
{
    const struct instruction *i = &e->instruction;
    bool port = i->opcode.operation == OP_INS || i->opcode.operation == OP_OUTS;
    struct string s = {.size = port && i->operand_size == 8 ? 4 : i->operand_size,
                       .down = e->rflags & RFLAGS_DF,
                       .repeated = i->repeat != 0,
                       .budget = e->rflags & RFLAGS_TF ? 1 : EMULATOR_STRING_MAX};
    s.left = s.repeated ? string_register(e, EMULATOR_RCX) : 1;
    while (s.left > 0) {
        if (s.budget == 0) {
            /* A breakpoint on the instruction has been taken already. */
            e->cpu->rflags |= RFLAGS_RF;
            return emulation_again(e);
        }
        unsigned count = move_elements(e, &s);
        if (count == 0)
            return false;
        advance(e, &s, count);
        if (s.repeated && ends_by_comparison(e))
            break;
    }
    return true;
}

/* IN, OUT. */
bool execute_port(struct emulation *e)
{
    const struct instruction *i = &e->instruction;
    unsigned size = i->operand_size == 8 ? 4 : i->operand_size;
    bool immediate = i->opcode.operands[0] == OPERAND_IB;
    uint16_t port = immediate ? (uint8_t)i->immediate : (uint16_t)e->gpr[EMULATOR_RDX];
    uint32_t value = (uint32_t)e->gpr[EMULATOR_RAX];
    if (i->opcode.operation == OP_OUT) {
        e->ops->port_write(e->context, port, size, 1, &value);
        return true;
    }
    e->ops->port_read(e->context, port, size, 1, &value);
    register_write(e, EMULATOR_RAX, size, value);
    return true;
}
