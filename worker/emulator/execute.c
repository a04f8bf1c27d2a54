/* Fetching, and choosing what carries an instruction out. */
#include "lib/string.h"
#include "worker/emulator/emulation.h"

static bool (*const handlers[OPERATIONS])(struct emulation *e) = {
    [OP_ADD... OP_CMP] = execute_arithmetic,
    [OP_ROL... OP_SAR] = execute_shift,
    [OP_TEST... OP_NEG] = execute_arithmetic,
    [OP_MUL... OP_IMUL_WIDE] = execute_multiply,
    [OP_DIV... OP_IDIV] = execute_divide,
    [OP_IMUL] = execute_multiply,
    [OP_INC... OP_DEC] = execute_arithmetic,
    [OP_SHLD... OP_SHRD] = execute_double_shift,
    [OP_BT... OP_BTC] = execute_bit,
    [OP_BSF... OP_POPCNT] = execute_bit_scan,
    [OP_MOV... OP_CMOV] = execute_move,
    [OP_SET] = execute_set,
    [OP_XCHG... OP_XADD] = execute_exchange,
    [OP_CMPXCHG] = execute_compare_exchange,
    [OP_CMPXCHG8B] = execute_compare_exchange_wide,
    [OP_PUSH] = execute_push,
    [OP_POP] = execute_pop,
    [OP_CALL... OP_JMP] = execute_branch,
    [OP_RET] = execute_return,
    [OP_IN... OP_OUT] = execute_port,
    [OP_MOVS... OP_OUTS] = execute_string,
    [OP_XMM_LOAD... OP_XMM_STORE_HIGH] = execute_xmm,
};

static enum emulator_mode mode_of(const struct emulator_cpu *cpu)
{
    uint16_t cs = cpu->segments[EMULATOR_CS].attributes;
    if (!(cpu->cr0 & CR0_PE))
        return EMULATOR_MODE_16;
    if ((cpu->efer & EFER_LMA) && (cs & SEGMENT_LONG))
        return EMULATOR_MODE_64;
    if (cpu->rflags & RFLAGS_VM)
        return EMULATOR_MODE_16;
    return cs & SEGMENT_DEFAULT_32 ? EMULATOR_MODE_32 : EMULATOR_MODE_16;
}

/* Adds what follows in its page to the bytes of the instruction: at least one, as many as there
 * may be. */
static bool fetch_more(struct emulation *e)
{
    struct emulator_result *result = e->result;
    unsigned want = EMULATOR_INSTRUCTION_MAX - result->byte_count;
    struct span span;
    uint64_t linear;
    if (!segment_allows(e, EMULATOR_CS, e->rip + result->byte_count, 1, EMULATOR_EXECUTE, &linear))
        return emulation_raise_with_code(e, VECTOR_GP, 0);
    if (!span_open_linear(e, linear, 1, EMULATOR_EXECUTE, &span))
        return false;
    if (!span.place[0].ram) /* no processor runs programs from a device */
        return emulation_unsupported(e);
    unsigned room = PAGE - linear % PAGE;
    for (unsigned i = 0; i < want && i < room; i++)
        result->bytes[result->byte_count++] = ((const volatile uint8_t *)span.place[0].ram)[i];
    return true;
}

static bool decode(struct emulation *e)
{
    struct emulator_result *result = e->result;
    enum decode_status status;
    while ((status = instruction_decode(result->bytes, result->byte_count, e->mode,
                                        &e->instruction)) == DECODE_CUT)
        if (!fetch_more(e))
            return false;
    switch (status) {
    case DECODE_TOO_LONG:
        return emulation_raise_with_code(e, VECTOR_GP, 0);
    case DECODE_INVALID:
        return emulation_raise(e, VECTOR_UD);
    case DECODE_UNKNOWN:
        return emulation_unsupported(e);
    default:
        break;
    }
    uint64_t linear;
    result->byte_count = e->instruction.length;
    if (!segment_allows(e, EMULATOR_CS, e->rip, e->instruction.length, EMULATOR_EXECUTE, &linear))
        return emulation_raise_with_code(e, VECTOR_GP, 0);
    return true;
}

static bool run(struct emulation *e)
{
    if (!decode(e))
        return false;
    unsigned operation = e->instruction.opcode.operation;
    unsigned width = e->mode == EMULATOR_MODE_64 ? 8 : e->mode == EMULATOR_MODE_32 ? 4 : 2;
    e->rip = (e->rip + e->instruction.length) & address_mask(width);
    /* The address of what POP writes is known only when it has read. */
    if (operation != OP_POP && !operand_open(e))
        return false;
    return handlers[operation](e);
}

void emulator_execute(struct emulator_cpu *cpu, const struct emulator_ops *ops, void *context,
                      const uint8_t *bytes, unsigned byte_count, struct emulator_result *result)
{
    struct emulation e = {.cpu = cpu,
                          .ops = ops,
                          .context = context,
                          .result = result,
                          .mode = mode_of(cpu),
                          .rip = cpu->rip,
                          .rflags = cpu->rflags};
    bool stepping = cpu->rflags & RFLAGS_TF;
    memcpy(e.gpr, cpu->gpr, sizeof(e.gpr));
    *result = (struct emulator_result){.status = EMULATOR_DONE};
    result->byte_count =
        (uint8_t)(byte_count < EMULATOR_INSTRUCTION_MAX ? byte_count : EMULATOR_INSTRUCTION_MAX);
    if (result->byte_count > 0)
        memcpy(result->bytes, bytes, result->byte_count);
    if (e.mode != EMULATOR_MODE_64)
        e.rip = (uint32_t)e.rip;
    if (run(&e)) {
        memcpy(cpu->gpr, e.gpr, sizeof(e.gpr));
        cpu->rip = e.rip;
        cpu->rflags = e.rflags & ~(uint64_t)RFLAGS_RF;
    }
    result->single_step = stepping && (result->status == EMULATOR_DONE ||
                                       (result->status == EMULATOR_AGAIN && e.instruction.repeat));
}
