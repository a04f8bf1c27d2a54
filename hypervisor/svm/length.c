/* Instruction lengths: from the next-RIP field where the processor has it; else by a look at the
 * instruction. Only instructions that we intercept are asked for, so it is enough to know their
 * opcode and to skip prefixes. */
#include "hypervisor/guest_code.h"
#include "lib/instruction.h"
#include "hypervisor/svm/svm.h"

struct opcode {
    uint16_t exit_code;
    uint8_t length;
    uint8_t first, second, mask; /* bytes; @mask of the second */
};

/* CPUID and VMMCALL first: the common ones. */
static const struct opcode opcodes[] = {
    {SVM_EXIT_CPUID, 2, 0x0f, 0xa2, 0xff},  {SVM_EXIT_VMMCALL, 3, 0x0f, 0x01, 0xff},
    {SVM_EXIT_MSR, 2, 0x0f, 0x30, 0xfd},    {SVM_EXIT_HLT, 1, 0xf4, 0, 0},
    {SVM_EXIT_INVD, 2, 0x0f, 0x08, 0xff},   {SVM_EXIT_WBINVD, 2, 0x0f, 0x09, 0xff},
    {SVM_EXIT_XSETBV, 3, 0x0f, 0x01, 0xff},
};

void svm_get_code(const struct vp *vp, struct guest_code *code)
{
    const struct vmcb *vmcb = vmcb_of(vp);

    code->paging = (struct guest_paging){
        .cr0 = vmcb->cr0, .cr3 = vmcb->cr3, .cr4 = vmcb->cr4, .efer = vmcb->efer};
    code->long_mode = svm_in_64bit_code(vmcb);
    code->default_32 = (vmcb->cs.attributes & VMCB_SEGMENT_DEFAULT) != 0;
    code->linear = code->long_mode ? vmcb->rip : (uint32_t)(vmcb->cs.base + vmcb->rip);
}

static bool matches(const struct opcode *opcode, const uint8_t *bytes, unsigned count)
{
    return count >= opcode->length && bytes[0] == opcode->first &&
           (opcode->length == 1 || (bytes[1] & opcode->mask) == opcode->second);
}

/* Behind prefixes; 0 if something else is there: the guest has changed its code meanwhile. */
static uint8_t length_with_prefixes(struct vp *vp, const struct guest_code *code,
                                    const struct opcode *opcode)
{
    uint8_t bytes[GUEST_CODE_MAX];
    struct instruction_prefixes prefixes;
    unsigned count = guest_code_fetch(vp, code, bytes);
    unsigned skip = instruction_prefixes(bytes, count, code->long_mode, &prefixes);

    if (skip >= count || !matches(opcode, bytes + skip, count - skip))
        return 0;
    return (uint8_t)(skip + opcode->length);
}

/* The cached page is good enough if the plain instruction is seen there. */
static uint8_t length_by_code(struct vp *vp, const struct opcode *opcode)
{
    struct guest_code code;
    unsigned count;

    svm_get_code(vp, &code);
    const uint8_t *bytes = guest_code_find(vp, &code, false, &count);
    if (bytes != NULL && matches(opcode, bytes, count))
        return opcode->length;
    return length_with_prefixes(vp, &code, opcode);
}

uint8_t svm_instruction_length(struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    uint32_t exit_code = (uint32_t)vmcb->exit_code;

    if (exit_code == SVM_EXIT_IOIO)
        return (uint8_t)(vmcb->exit_info2 - vmcb->rip);
    for (unsigned i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++)
        if (opcodes[i].exit_code == exit_code)
            return svm_features & SVM_FEATURE_NEXT_RIP ? (uint8_t)(vmcb->next_rip - vmcb->rip)
                                                       : length_by_code(vp, &opcodes[i]);
    return 0;
}

bool svm_decode_register_move(struct vp *vp, struct svm_register_move *move)
{
    uint8_t bytes[GUEST_CODE_MAX];
    struct instruction_prefixes prefixes;
    struct guest_code code;

    svm_get_code(vp, &code);
    unsigned count = guest_code_fetch(vp, &code, bytes);
    unsigned skip = instruction_prefixes(bytes, count, code.long_mode, &prefixes);
    if (skip + 3 > count || bytes[skip] != 0x0f || (bytes[skip + 1] & 0xfc) != 0x20)
        return false;
    uint8_t modrm = bytes[skip + 2];
    *move = (struct svm_register_move){
        .to = bytes[skip + 1] & 2,
        .number = (modrm >> 3 & 7) | (prefixes.rex & 4 ? 8 : 0),
        .gpr = (modrm & 7) | (prefixes.rex & 1 ? 8 : 0),
        .length = (uint8_t)(skip + 3),
    };
    /* AMD's other name of CR8 outside 64-bit mode: LOCK MOV CR0 (APM vol. 3, MOV CRn). */
    if (prefixes.lock && move->number == 0)
        move->number = 8;
    return true;
}

/* By their numbers in encodings. */
enum { SEGMENT_ES, SEGMENT_DS = 3, SEGMENT_FS };

static const struct vmcb_segment *segment_of(const struct vmcb *vmcb, int number)
{
    const struct vmcb_segment *segments[] = {&vmcb->es, &vmcb->cs, &vmcb->ss,
                                             &vmcb->ds, &vmcb->fs, &vmcb->gs};

    return segments[number];
}

bool svm_decode_string_io(struct vp *vp, struct exit_io *io)
{
    struct vmcb *vmcb = vmcb_of(vp);
    uint8_t bytes[GUEST_CODE_MAX];
    struct instruction_prefixes prefixes;
    struct guest_code code;

    svm_get_code(vp, &code);
    unsigned count = guest_code_fetch(vp, &code, bytes);
    unsigned skip = instruction_prefixes(bytes, count, code.long_mode, &prefixes);
    if (skip >= count || (bytes[skip] & 0xfc) != 0x6c)
        return false;
    if (code.long_mode)
        io->address_size = prefixes.address_size ? 4 : 8;
    else
        io->address_size = code.default_32 != prefixes.address_size ? 4 : 2;
    svm_vmsave(vp->hw_state_spa.value); /* FS and GS are in the processor */
    int number = io->in ? SEGMENT_ES : prefixes.segment < 0 ? SEGMENT_DS : prefixes.segment;
    io->segment = svm_segment_register(segment_of(vmcb, number));
    if (code.long_mode && number < SEGMENT_FS)
        io->segment.base = 0; /* the processor ignores it */
    return true;
}
