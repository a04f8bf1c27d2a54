/* What instructions do, compared with Unicorn (QEMU's processor emulation): registers, flags where
 * they are defined, and memory, in 16-, 32- and 64-bit mode. */
#include <unicorn/unicorn.h>

#include "tests/unit/emulator_machine.h"
#include "tests/unit/emulator_random.h"
#include "tests/unit/unit.h"
#include "worker/emulator/alu.h"
#include "worker/emulator/instruction.h"

static struct machine m;

static const int gpr_ids[16] = {UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX,
                                UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
                                UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
                                UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15};
static const int gpr_ids_32[8] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
                                  UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI};

struct oracle {
    uc_engine *engine;
    unsigned bits;
    uint64_t rip; /* code of its own for each case: the engine keeps translations for a while */
};

/* Unicorn keeps a few tables when it is closed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static uint64_t state = 1;
static uint64_t executed, by_operation[OPERATIONS];

#define CODE_SIZE 0x8000u /* in the machine's first pages */
#define DATA (MACHINE_BASE + CODE_SIZE)
#define DATA_SIZE (MACHINE_SIZE - CODE_SIZE)

static int gpr_id(const struct oracle *o, unsigned n)
{
    return o->bits == 64 ? gpr_ids[n] : gpr_ids_32[n];
}

static void oracle_open(struct oracle *o, unsigned bits)
{
    uc_mode mode = bits == 64 ? UC_MODE_64 : bits == 32 ? UC_MODE_32 : UC_MODE_16;
    o->bits = bits;
    o->rip = MACHINE_BASE;
    CHECK(uc_open(UC_ARCH_X86, mode, &o->engine) == UC_ERR_OK);
    CHECK(uc_mem_map(o->engine, MACHINE_BASE, MACHINE_SIZE, UC_PROT_ALL) == UC_ERR_OK);
    uint64_t cr4 = 0;
    uc_reg_read(o->engine, UC_X86_REG_CR4, &cr4);
    cr4 |= 1u << 9; /* OSFXSR: SSE */
    uc_reg_write(o->engine, UC_X86_REG_CR4, &cr4);
}

/* Code of 16-bit mode lies in the segment that begins at MACHINE_BASE. */
static uint64_t segment_base(unsigned bits)
{
    return bits == 16 ? MACHINE_BASE : 0;
}

/* Somewhere in the data, with room on both sides. */
static uint64_t random_pointer(unsigned bits)
{
    return DATA - segment_base(bits) + 0x400 + random_below(&state, DATA_SIZE - 0x800);
}

static uint64_t random_value(void)
{
    static const uint64_t corners[] = {0,         1,          0x7f,       0x80,       0xff,
                                       0x7fff,    0x8000,     0x7fffffff, 0x80000000, 0xffffffff,
                                       INT64_MAX, 1ull << 63, UINT64_MAX};
    if (random_below(&state, 3) == 0)
        return corners[random_below(&state, sizeof(corners) / sizeof(corners[0]))];
    return random_next(&state) >> random_below(&state, 64);
}

/* Registers at random; those that the instruction makes addresses of point into the data. */
static void random_registers(const struct oracle *o, const struct instruction *i)
{
    unsigned count = o->bits == 64 ? 16 : 8;
    uint64_t mask = o->bits == 64 ? UINT64_MAX : UINT32_MAX;
    for (unsigned n = 0; n < count; n++)
        m.cpu.gpr[n] = random_value() & mask;
    m.cpu.rflags = 2 | (random_next(&state) & (RFLAGS_STATUS | 1u << 10));
    m.cpu.gpr[EMULATOR_RSP] = random_pointer(o->bits) & ~7ull;
    m.cpu.gpr[EMULATOR_RSI] = random_pointer(o->bits);
    m.cpu.gpr[EMULATOR_RDI] = random_pointer(o->bits);
    if (i->index != NO_REGISTER)
        m.cpu.gpr[i->index] = random_below(&state, 64);
    if (i->base != NO_REGISTER)
        m.cpu.gpr[i->base] = (random_pointer(o->bits) - i->displacement) & mask;
    if (i->base != NO_REGISTER && i->index == i->base)
        m.cpu.gpr[i->base] = random_below(&state, 64);
    /* Bit strings and repetitions of some length. */
    if (i->opcode.operation >= OP_BT && i->opcode.operation <= OP_BTC)
        m.cpu.gpr[i->reg] = (uint64_t)((int64_t)random_below(&state, 2000) - 1000) & mask;
    if (i->repeat)
        m.cpu.gpr[EMULATOR_RCX] = random_below(&state, 100);
    /* Comparisons that succeed now and then. */
    if (random_below(&state, 2) == 0 && i->opcode.operation == OP_CMPXCHG8B)
        m.cpu.gpr[EMULATOR_RAX] = m.cpu.gpr[EMULATOR_RDX] = 0;
}

static void random_memory(void)
{
    uint8_t *data = m.memory + CODE_SIZE;
    for (unsigned i = 0; i < DATA_SIZE; i += 8) {
        uint64_t value = i % 64 < 16 ? 0 : random_next(&state);
        memcpy(data + i, &value, 8);
    }
}

/* Flags that the instruction leaves undefined. */
static uint64_t undefined_flags(const struct instruction *i, const struct emulator_cpu *before)
{
    unsigned size = i->operand_size, count = 0;
    switch (i->opcode.operation) {
    case OP_AND:
    case OP_OR:
    case OP_XOR:
    case OP_TEST:
        return RFLAGS_AF;
    case OP_MUL:
    case OP_IMUL_WIDE:
    case OP_IMUL:
        return RFLAGS_STATUS & ~(RFLAGS_CF | RFLAGS_OF);
    case OP_DIV:
    case OP_IDIV:
        return RFLAGS_STATUS;
    case OP_BT:
    case OP_BTS:
    case OP_BTR:
    case OP_BTC:
        return RFLAGS_STATUS & ~(RFLAGS_CF | RFLAGS_ZF);
    case OP_BSF:
    case OP_BSR:
        return RFLAGS_STATUS & ~RFLAGS_ZF;
    case OP_ROL:
    case OP_ROR:
    case OP_RCL:
    case OP_RCR:
    case OP_SHL:
    case OP_SHR:
    case OP_SAL:
    case OP_SAR:
    case OP_SHLD:
    case OP_SHRD:
        break;
    default:
        return 0;
    }
    bool by_cl = i->opcode.operands[1] == OPERAND_CL || i->opcode.operands[2] == OPERAND_CL;
    count = (unsigned)(by_cl ? before->gpr[EMULATOR_RCX] : i->immediate) & (size == 8 ? 63 : 31);
    uint64_t undefined = count == 0 ? 0 : RFLAGS_AF;
    if (count > 1)
        undefined |= RFLAGS_OF;
    if (count >= 8 * size && (i->opcode.operation == OP_SHL || i->opcode.operation == OP_SAL ||
                              i->opcode.operation == OP_SHR))
        undefined |= RFLAGS_CF;
    if (i->opcode.operation <= OP_RCR)
        undefined &= ~(uint64_t)RFLAGS_AF;
    return undefined;
}

/* QEMU minds a REX prefix even if it is not right before the opcode. */
static bool has_lost_rex(const struct instruction *i, unsigned bits, const uint8_t *bytes)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64,
                                       0x65, 0x2e, 0x26, 0x36, 0x3e};
    for (unsigned n = 0; bits == 64 && n + 1 < i->length; n++) {
        bool rex = bytes[n] >> 4 == 4;
        if (!rex && !memchr(prefixes, bytes[n], sizeof(prefixes)))
            return false;
        if (rex && (bytes[n + 1] >> 4 == 4 || memchr(prefixes, bytes[n + 1], sizeof(prefixes))))
            return true;
    }
    return false;
}

/* Results that are undefined, or differ by the machine around them. */
static bool is_disputed(const struct instruction *i, const struct emulator_cpu *before,
                        unsigned bits, const uint8_t *bytes)
{
    unsigned operation = i->opcode.operation;
    bool ports =
        operation == OP_IN || operation == OP_OUT || operation == OP_INS || operation == OP_OUTS;
    bool by_cl = i->opcode.operands[2] == OPERAND_CL;
    uint64_t count = by_cl ? before->gpr[EMULATOR_RCX] : i->immediate;
    if ((operation == OP_SHLD || operation == OP_SHRD) && i->operand_size == 2)
        return (count & 31) > 16;
    /* Processors differ: near branches with 66 in 64-bit mode. */
    if (bits == 64 && (i->opcode.flags & OPCODE_NEAR) && memchr(bytes, 0x66, i->length))
        return true;
    /* QEMU does not know that the last of F2 and F3 wins, and both over 66. */
    bool f2 = memchr(bytes, 0xf2, i->length), f3 = memchr(bytes, 0xf3, i->length);
    if ((f2 && f3) || ((f2 || f3) && memchr(bytes, 0x66, i->length)))
        return true;
    /* It does not know an alias of TEST, minds REX.R where it says nothing, takes the operand of
     * RET for signed, clears upper halves of registers that CMPXCHG leaves, and has flags of its
     * own for NEG with LOCK; it has no SSE in its 16-bit mode; its processor has no POPCNT and
     * MOVBE. */
    if ((operation == OP_TEST && (i->reg & 7) == 1 && i->byte >= 0xf6) ||
        (operation == OP_MOV && i->byte >= 0xc6 && i->reg >= 8) ||
        (operation == OP_RET && i->immediate > INT16_MAX) ||
        (operation == OP_CMPXCHG && i->operand_size == 4 && bits == 64) ||
        (operation == OP_NEG && i->lock) || (operation >= OP_XMM_LOAD && bits == 16) ||
        operation == OP_POPCNT || operation == OP_MOVBE)
        return true;
    return ports || i->segment >= EMULATOR_FS || operation == OP_MOV_SEGMENT ||
           has_lost_rex(i, bits, bytes);
}

/* Only the data is the same in both: an access to the code faults, and is not compared. */
static bool translate_data(void *context, uint64_t linear, unsigned access,
                           struct emulator_place *place, uint32_t *error_code)
{
    if (!(access & EMULATOR_EXECUTE) && linear < DATA)
        return false;
    return machine_translate(context, linear, access, place, error_code);
}

static void oracle_set(struct oracle *o)
{
    unsigned count = o->bits == 64 ? 16 : 8;
    for (unsigned n = 0; n < count; n++)
        uc_reg_write(o->engine, gpr_id(o, n), &m.cpu.gpr[n]);
    uc_reg_write(o->engine, UC_X86_REG_EFLAGS, &m.cpu.rflags);
    if (o->bits == 16) {
        uint64_t selector = MACHINE_BASE >> 4;
        static const int ids[] = {UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS, UC_X86_REG_DS};
        for (unsigned n = 0; n < 4; n++)
            uc_reg_write(o->engine, ids[n], &selector);
    }
    for (unsigned n = 0; n < (o->bits == 64 ? 16 : 8); n++)
        uc_reg_write(o->engine, UC_X86_REG_XMM0 + (int)n, m.xmm[n]);
    uc_mem_write(o->engine, DATA, m.memory + CODE_SIZE, DATA_SIZE);
}

static void complain(const char *what, const struct oracle *o, const struct instruction *i,
                     uint64_t ours, uint64_t theirs)
{
    unit_failures++;
    if (unit_failures > 30)
        return;
    fprintf(stderr, "%s, %u bits, operation %u:", what, o->bits, i->opcode.operation);
    for (unsigned n = 0; n < i->length; n++)
        fprintf(stderr, " %02x", m.result.bytes[n]);
    fprintf(stderr, ": ours 0x%llx, theirs 0x%llx\n", (unsigned long long)ours,
            (unsigned long long)theirs);
}

static void check_state(struct oracle *o, const struct instruction *i,
                        const struct emulator_cpu *before)
{
    static uint8_t theirs[DATA_SIZE];
    uint64_t value = 0, defined = RFLAGS_STATUS & ~undefined_flags(i, before);
    for (unsigned n = 0; n < (o->bits == 64 ? 16 : 8); n++) {
        value = 0;
        uc_reg_read(o->engine, gpr_id(o, n), &value);
        /* BSF and BSR of 0: undefined; ours leave the register. */
        bool undefined = (i->opcode.operation == OP_BSF || i->opcode.operation == OP_BSR) &&
                         m.cpu.rflags & RFLAGS_ZF && n == i->reg;
        if (value != m.cpu.gpr[n] && !undefined)
            complain("register", o, i, m.cpu.gpr[n], value);
        uint8_t xmm[16];
        uc_reg_read(o->engine, UC_X86_REG_XMM0 + (int)n, xmm);
        if (memcmp(xmm, m.xmm[n], 16))
            complain("XMM register", o, i, n, 0);
    }
    value = 0;
    uc_reg_read(o->engine, UC_X86_REG_EFLAGS, &value);
    if ((value ^ m.cpu.rflags) & defined)
        complain("flags", o, i, m.cpu.rflags & defined, value & defined);
    uc_mem_read(o->engine, DATA, theirs, DATA_SIZE);
    for (unsigned at = 0; at < DATA_SIZE; at++)
        if (theirs[at] != m.memory[CODE_SIZE + at]) {
            complain("memory", o, i, DATA + at, 0);
            break;
        }
}

/* One instruction in both; false: it is of no use for a comparison. */
static bool compare(struct oracle *o, const uint8_t *bytes)
{
    struct instruction i;
    enum emulator_mode mode = o->bits == 64   ? EMULATOR_MODE_64
                              : o->bits == 32 ? EMULATOR_MODE_32
                                              : EMULATOR_MODE_16;
    if (instruction_decode(bytes, 15, mode, &i) != DECODE_DONE)
        return false;
    m.cpu.rip = o->rip - segment_base(o->bits);
    random_registers(o, &i);
    struct emulator_cpu before = m.cpu;
    if (is_disputed(&i, &before, o->bits, bytes))
        return false;
    oracle_set(o);
    memcpy(m.memory + (o->rip - MACHINE_BASE), bytes, 16);
    uc_mem_write(o->engine, o->rip, bytes, 16);
    struct emulator_ops ops = machine_ops;
    ops.translate = translate_data;
    emulator_execute(&m.cpu, &ops, &m, NULL, 0, &m.result);
    if (m.result.status != EMULATOR_DONE) {
        CHECK(m.result.status == EMULATOR_EXCEPTION);
        CHECK(!memcmp(&before, &m.cpu, sizeof(before)) || i.repeat);
        return false;
    }
    executed++;
    by_operation[i.opcode.operation]++;
    /* Where it ends: behind a branch there are random bytes, which nothing should translate. */
    uint64_t next = m.cpu.rip + segment_base(o->bits);
    uc_err error = uc_emu_start(o->engine, o->rip, next, 0, i.repeat ? 200 : 1);
    if (error != UC_ERR_OK) {
        complain(uc_strerror(error), o, &i, 0, 0);
        return true;
    }
    uint64_t rip = 0;
    uc_reg_read(o->engine, o->bits == 64 ? UC_X86_REG_RIP : UC_X86_REG_EIP, &rip);
    /* In 16-bit mode it is sometimes the linear address where Unicorn has stopped. */
    if (rip != m.cpu.rip && (o->bits != 16 || rip != next))
        complain("RIP", o, &i, m.cpu.rip, rip);
    check_state(o, &i, &before);
    return true;
}

static void run(struct oracle *o, unsigned cases)
{
    machine_reset(&m, o->bits);
    if (o->bits == 16)
        for (unsigned n = 0; n < EMULATOR_SEGMENTS; n++) {
            m.cpu.segments[n].base = n < EMULATOR_FS ? MACHINE_BASE : 0;
            m.cpu.segments[n].limit = 0xffff;
        }
    for (unsigned n = 0; n < cases; n++) {
        uint8_t bytes[16];
        if (n % 64 == 0)
            random_memory();
        random_instruction(&state, o->bits, bytes);
        o->rip += 32;
        if (o->rip >= MACHINE_BASE + CODE_SIZE - 64)
            o->rip = MACHINE_BASE;
        uc_ctl_remove_cache(o->engine, o->rip, o->rip + 32);
        compare(o, bytes);
    }
}

int main(int count, char **arguments)
{
    time_t deadline = random_deadline(count, arguments);
    struct oracle oracles[3];
    for (unsigned i = 0; i < 3; i++)
        oracle_open(&oracles[i], 16u << i);
    while (time(NULL) < deadline)
        for (unsigned i = 0; i < 3; i++)
            run(&oracles[i], 500);
    for (unsigned i = 0; i < 3; i++)
        uc_close(oracles[i].engine);
    fprintf(stderr, "%llu instructions compared; never:", (unsigned long long)executed);
    for (unsigned i = OP_ADD; i < OPERATIONS; i++)
        if (by_operation[i] == 0)
            fprintf(stderr, " %u", i);
    fprintf(stderr, "\n");
    CHECK(!m.failed);
    return unit_result();
}
