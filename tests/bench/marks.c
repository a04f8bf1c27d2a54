/* Plugin for QEMU: counts the instructions between marks, which are long NOPs that the measured
 * program executes (MARK() in parent/kernel/selftest_bench.c, vsc/demo/bench.c). The clock cannot
 * do that: it goes on while the processor waits.
 *
 * Options: out=FILE, which gets a line "mark NUMBER COUNT..." for each; before it, any number of
 * part=START-END, hexadecimal addresses. The counts are of instructions at none of these addresses,
 * then at each range's. An address is the first range's that has it.
 *
 * Debian packages no header for plugins, hence the declarations: QEMU 7.2's interface, version 1.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, enum qemu_plugin_op,
                                                void *, uint64_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
                                            void (*)(unsigned int, void *),
                                            enum qemu_plugin_cb_flags, void *);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t, const struct qemu_info *, int, char **);

/* nopl 564e52NNh(%rax): NN is the mark's number. */
static const uint8_t mark_start[] = {0x0f, 0x1f, 0x80};
static const uint8_t mark_end[] = {'R', 'N', 'V'};
#define MARK_SIZE 7
#define MARK_NUMBER 3 /* offset of the number */

#define PART_MAX 16

/* Part 0 is what is in no range. */
static struct {
    uint64_t start, end, instructions;
} parts[PART_MAX];
static unsigned part_count = 1;
static FILE *output;

static uint64_t *counter_of(uint64_t address)
{
    for (unsigned i = 1; i < part_count; i++) {
        if (address >= parts[i].start && address < parts[i].end)
            return &parts[i].instructions;
    }
    return &parts[0].instructions;
}

static void write_mark(unsigned int cpu, void *number)
{
    (void)cpu;
    fprintf(output, "mark %u", (unsigned int)(uintptr_t)number);
    for (unsigned i = 0; i < part_count; i++)
        fprintf(output, " %" PRIu64, parts[i].instructions);
    fprintf(output, "\n");
    fflush(output);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        const uint8_t *code = qemu_plugin_insn_data(instruction);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   counter_of(qemu_plugin_insn_vaddr(instruction)),
                                                   1);
        if (qemu_plugin_insn_size(instruction) == MARK_SIZE &&
            memcmp(code, mark_start, sizeof(mark_start)) == 0 &&
            memcmp(code + MARK_NUMBER + 1, mark_end, sizeof(mark_end)) == 0)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, write_mark, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)(uintptr_t)code[MARK_NUMBER]);
    }
}

static bool add_part(const char *option)
{
    if (part_count == PART_MAX || sscanf(option, "part=%" SCNx64 "-%" SCNx64,
                                         &parts[part_count].start, &parts[part_count].end) != 2)
        return false;
    part_count++;
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0)
            output = fopen(argv[i] + 4, "w");
        else if (!add_part(argv[i]))
            return -1;
    }
    if (output == NULL)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
