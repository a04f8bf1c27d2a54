/* What the emulator decodes, compared with Capstone: that it is the same instruction, of the same
 * length; and that no form of an instruction that it knows is missing. */
#include <capstone/capstone.h>

#include "tests/unit/emulator_random.h"
#include "tests/unit/unit.h"
#include "worker/emulator/instruction.h"

/* What Capstone calls them; '*' at the end stands for any ending. */
static const char *const names[OPERATIONS][3] = {
    [OP_ADD] = {"add"},
    [OP_OR] = {"or"},
    [OP_ADC] = {"adc"},
    [OP_SBB] = {"sbb"},
    [OP_AND] = {"and"},
    [OP_SUB] = {"sub"},
    [OP_XOR] = {"xor"},
    [OP_CMP] = {"cmp"},
    [OP_ROL] = {"rol"},
    [OP_ROR] = {"ror"},
    [OP_RCL] = {"rcl"},
    [OP_RCR] = {"rcr"},
    [OP_SHL] = {"shl"},
    [OP_SHR] = {"shr"},
    [OP_SAL] = {"sal", "shl"},
    [OP_SAR] = {"sar"},
    [OP_TEST] = {"test"},
    [OP_NOT] = {"not"},
    [OP_NEG] = {"neg"},
    [OP_MUL] = {"mul"},
    [OP_IMUL_WIDE] = {"imul"},
    [OP_DIV] = {"div"},
    [OP_IDIV] = {"idiv"},
    [OP_IMUL] = {"imul"},
    [OP_INC] = {"inc"},
    [OP_DEC] = {"dec"},
    [OP_SHLD] = {"shld"},
    [OP_SHRD] = {"shrd"},
    [OP_BT] = {"bt"},
    [OP_BTS] = {"bts"},
    [OP_BTR] = {"btr"},
    [OP_BTC] = {"btc"},
    [OP_BSF] = {"bsf"},
    [OP_BSR] = {"bsr"},
    [OP_POPCNT] = {"popcnt"},
    [OP_MOV] = {"mov", "movabs"},
    [OP_MOV_SEGMENT] = {"mov"},
    [OP_MOVZX] = {"movzx"},
    [OP_MOVSX] = {"movsx", "movsxd"},
    [OP_MOVBE] = {"movbe"},
    [OP_MOVNTI] = {"movnti"},
    [OP_CMOV] = {"cmov*"},
    [OP_SET] = {"set*"},
    [OP_XCHG] = {"xchg"},
    [OP_XADD] = {"xadd"},
    [OP_CMPXCHG] = {"cmpxchg"},
    [OP_CMPXCHG8B] = {"cmpxchg8b", "cmpxchg16b"},
    [OP_PUSH] = {"push", "pushw"},
    [OP_POP] = {"pop"},
    [OP_CALL] = {"call", "lcall"},
    [OP_JMP] = {"jmp"},
    [OP_RET] = {"ret"},
    [OP_IN] = {"in"},
    [OP_OUT] = {"out"},
    [OP_MOVS] = {"movs*"},
    [OP_CMPS] = {"cmps*"},
    [OP_STOS] = {"stos*"},
    [OP_LODS] = {"lods*"},
    [OP_SCAS] = {"scas*"},
    [OP_INS] = {"insb", "insw", "insd"},
    [OP_OUTS] = {"outsb", "outsw", "outsd"},
    [OP_XMM_LOAD] = {"mov*", "lddqu"},
    [OP_XMM_LOAD_LOW] = {"movlp*"},
    [OP_XMM_LOAD_HIGH] = {"movhp*"},
    [OP_XMM_STORE] = {"mov*"},
    [OP_XMM_STORE_HIGH] = {"movhp*"},
};

static bool is_named(unsigned operation, const char *mnemonic)
{
    const char *space = strrchr(mnemonic, ' '); /* "lock add" */
    if (space)
        mnemonic = space + 1;
    for (unsigned i = 0; i < 3 && names[operation][i]; i++) {
        const char *name = names[operation][i];
        size_t length = strlen(name);
        if (name[length - 1] == '*' ? !strncmp(name, mnemonic, length - 1)
                                    : !strcmp(name, mnemonic))
            return true;
    }
    return false;
}

static bool is_sse(unsigned operation)
{
    return operation == OP_POPCNT || operation >= OP_XMM_LOAD;
}

/* Capstone 4 does not know some that exist: in 16-bit mode those that a prefix chooses, and those
 * with several prefixes of which one chooses or repeats. */
static bool may_be_refused(unsigned bits, const uint8_t *bytes, const struct instruction *ours)
{
    static const char prefixes[] = "\x66\x67\xf2\xf3\x64\x65\x2e\x26\x36\x3e\xf0";
    unsigned count = 0;
    while (bytes[count] &&
           (strchr(prefixes, bytes[count]) || (bits == 64 && bytes[count] >> 4 == 4)))
        count++;
    if (is_sse(ours->opcode.operation))
        return bits == 16 || count > 1;
    bool address = ours->opcode.operands[0] == OPERAND_O || ours->opcode.operands[1] == OPERAND_O;
    return address && count > 1;
}

/* Of these Capstone 4 counts wrong in 64-bit mode: RET with REX.W; CALL with 66 or with 67 and
 * REX.W, which on Intel's processors has 4 bytes of offset; PUSH with 66 and F2 or F3. */
static bool length_is_disputed(unsigned bits, const struct instruction *ours, const cs_insn *theirs)
{
    unsigned prefixes = 0;
    while (theirs->bytes[prefixes] != ours->byte)
        prefixes++;
    if (ours->byte == 0xe8)
        return prefixes > (bits == 64 ? 0 : 1);
    return (ours->byte == 0xc2 && ours->rex_w) || (ours->byte == 0x68 && prefixes > 1);
}

static bool has_prefix(const uint8_t *bytes, unsigned count, uint8_t prefix)
{
    return memchr(bytes, prefix, count) != NULL;
}

/* What docs/emulator.md says the emulator does not do: MMX registers, loading segment registers,
 * TZCNT and LZCNT (which Capstone calls by their old names), and several prefixes that all choose
 * between instructions, or make none (MOVNTI with 66). */
static bool is_left_out(const cs_insn *theirs)
{
    const char *mmx = strstr(theirs->op_str, "mm");
    bool segment =
        !strcmp(theirs->mnemonic, "mov") && theirs->op_str[1] == 's' && theirs->op_str[2] == ',';
    const uint8_t *map_2 = memchr(theirs->bytes, 0x0f, theirs->size);
    unsigned before = map_2 ? (unsigned)(map_2 - theirs->bytes) : 0;
    bool repeat =
        has_prefix(theirs->bytes, before, 0xf2) || has_prefix(theirs->bytes, before, 0xf3);
    return (mmx && (mmx == theirs->op_str || mmx[-1] == ' ')) || segment ||
           !strcmp(theirs->mnemonic, "lcall") || (repeat && map_2) ||
           (map_2 && map_2[1] == 0xc3 && has_prefix(theirs->bytes, before, 0x66)) ||
           (map_2 &&
            (map_2[1] == 0x6f || map_2[1] == 0x7f || map_2[1] == 0xd6 || map_2[1] == 0xe7 ||
             map_2[2] == 0x2a) &&
            !has_prefix(theirs->bytes, before, 0x66));
}

/* An instruction that the emulator has to know: of a name in the table, and with memory. */
static bool is_wanted(const cs_insn *theirs)
{
    if (!strchr(theirs->op_str, '[') || is_left_out(theirs))
        return false;
    for (unsigned i = OP_ADD; i < OPERATIONS; i++)
        if (is_named(i, theirs->mnemonic))
            return true;
    return false;
}

static unsigned wrong;

static void complain(const char *what, unsigned bits, const uint8_t *bytes,
                     const struct instruction *ours, const cs_insn *theirs)
{
    unit_failures++;
    if (wrong++ > 30)
        return;
    fprintf(stderr, "%s, %u bits:", what, bits);
    for (unsigned i = 0; i < 15; i++)
        fprintf(stderr, " %02x", bytes[i]);
    fprintf(stderr, ": ours %u of %u bytes, theirs %s %s, %u bytes\n", ours->opcode.operation,
            ours->length, theirs ? theirs->mnemonic : "none", theirs ? theirs->op_str : "",
            theirs ? theirs->size : 0);
}

static void compare(csh capstone, unsigned bits, const uint8_t *bytes, cs_insn *theirs)
{
    struct instruction ours;
    enum emulator_mode mode = bits == 64   ? EMULATOR_MODE_64
                              : bits == 32 ? EMULATOR_MODE_32
                                           : EMULATOR_MODE_16;
    enum decode_status status = instruction_decode(bytes, 15, mode, &ours);
    const uint8_t *code = bytes;
    size_t size = 15;
    uint64_t address = 0;
    bool known = cs_disasm_iter(capstone, &code, &size, &address, theirs);
    if (status == DECODE_DONE) {
        if (!known && may_be_refused(bits, bytes, &ours))
            return;
        if (known && length_is_disputed(bits, &ours, theirs))
            return;
        if (!known)
            complain("does not exist", bits, bytes, &ours, NULL);
        else if (ours.length != theirs->size)
            complain("another length", bits, bytes, &ours, theirs);
        else if (!is_named(ours.opcode.operation, theirs->mnemonic))
            complain("another instruction", bits, bytes, &ours, theirs);
        /* Every shorter piece of it is cut. */
        unsigned part = ours.length - 1;
        uint8_t *exact = malloc(part + 1);
        memcpy(exact, bytes, part);
        struct instruction cut;
        CHECK(instruction_decode(exact, part, mode, &cut) == DECODE_CUT);
        free(exact);
    } else if (status == DECODE_UNKNOWN && known && is_wanted(theirs)) {
        complain("not known", bits, bytes, &ours, theirs);
    }
}

int main(int count, char **arguments)
{
    static const cs_mode modes[] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    time_t deadline = random_deadline(count, arguments);
    uint64_t state = 1, compared = 0;
    csh capstone[3];
    cs_insn *theirs = NULL;
    for (unsigned i = 0; i < 3; i++)
        CHECK(cs_open(CS_ARCH_X86, modes[i], &capstone[i]) == CS_ERR_OK);
    theirs = cs_malloc(capstone[0]);
    while (time(NULL) < deadline) {
        for (unsigned i = 0; i < 30000; i++, compared++) {
            uint8_t bytes[16];
            random_instruction(&state, 16u << i % 3, bytes);
            compare(capstone[i % 3], 16u << i % 3, bytes, theirs);
        }
    }
    cs_free(theirs, 1);
    for (unsigned i = 0; i < 3; i++)
        cs_close(&capstone[i]);
    fprintf(stderr, "%llu instructions compared\n", (unsigned long long)compared);
    return unit_result();
}
