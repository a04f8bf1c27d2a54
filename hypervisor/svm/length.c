/* Instruction lengths: from the next-RIP field where the processor has it; else by a look at the
 * instruction. Only instructions that we intercept are asked for, so it is enough to know their
 * opcode and to skip prefixes. */
#include "hypervisor/guest_code.h"
#include "lib/instruction.h"
#include "hypervisor/svm/svm.h"

/* An instruction that exits: its first two bytes as a number, as far as @mask says. */
struct opcode {
    uint16_t length, value, mask, reserved;
};

#define FIRST_EXIT SVM_EXIT_CPUID

static const struct opcode opcodes[] = {
    [SVM_EXIT_CPUID - FIRST_EXIT] = {2, 0xa20f, 0xffff, 0},
    [SVM_EXIT_INVD - FIRST_EXIT] = {2, 0x080f, 0xffff, 0},
    [SVM_EXIT_HLT - FIRST_EXIT] = {1, 0xf4, 0xff, 0},
    [SVM_EXIT_MSR - FIRST_EXIT] = {2, 0x300f, 0xfdff, 0},
    [SVM_EXIT_WBINVD - FIRST_EXIT] = {2, 0x090f, 0xffff, 0},
    [SVM_EXIT_XSETBV - FIRST_EXIT] = {3, 0x010f, 0xffff, 0},
};

static inline uint64_t linear_rip(const struct vmcb *vmcb)
{
    return svm_in_64bit_code(vmcb) ? vmcb->rip : (uint32_t)(vmcb->cs.base + vmcb->rip);
}

void svm_get_code(const struct vp *vp, struct guest_code *code)
{
    const struct vmcb *vmcb = vmcb_of(vp);

    code->paging = (struct guest_paging){
        .cr0 = vmcb->cr0, .cr3 = vmcb->cr3, .cr4 = vmcb->cr4, .efer = vmcb->efer};
    code->long_mode = svm_in_64bit_code(vmcb);
    code->default_32 = (vmcb->cs.attributes & VMCB_SEGMENT_DEFAULT) != 0;
    code->linear = linear_rip(vmcb);
}

typedef uint16_t unaligned_uint16_t __attribute__((aligned(1), may_alias));

static inline bool matches(const struct opcode *opcode, const volatile uint8_t *bytes)
{
    return (*(const volatile unaligned_uint16_t *)bytes & opcode->mask) == opcode->value;
}

/* Behind prefixes; 0 if something else is there: the guest has changed its code meanwhile. */
__attribute__((noinline)) static uint8_t length_with_prefixes(struct vp *vp,
                                                              const struct opcode *opcode)
{
    uint8_t bytes[GUEST_CODE_MAX + 1] = {0};
    struct instruction_prefixes prefixes;
    struct guest_code code;

    svm_get_code(vp, &code);
    unsigned count = guest_code_fetch(vp, &code, bytes);
    unsigned skip = instruction_prefixes(bytes, count, code.long_mode, &prefixes);
    if (skip + opcode->length > count || !matches(opcode, bytes + skip))
        return 0;
    return (uint8_t)(skip + opcode->length);
}

uint8_t svm_instruction_length(struct vp *vp)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    uint32_t exit_code = (uint32_t)vmcb->exit_code, index = exit_code - FIRST_EXIT;

    if (exit_code == SVM_EXIT_VMMCALL) /* has no prefixes: docs/hypercalls.md */
        return svm_features & SVM_FEATURE_NEXT_RIP ? (uint8_t)(vmcb->next_rip - vmcb->rip) : 3;
    if (exit_code == SVM_EXIT_IOIO)
        return (uint8_t)(vmcb->exit_info2 - vmcb->rip);
    if (index >= sizeof(opcodes) / sizeof(opcodes[0]) || opcodes[index].length == 0)
        return 0;
    if (svm_features & SVM_FEATURE_NEXT_RIP)
        return (uint8_t)(vmcb->next_rip - vmcb->rip);
    const struct opcode *opcode = &opcodes[index];
    const volatile uint8_t *bytes = guest_code_glance(vp, linear_rip(vmcb), vmcb->cr3);
    if (bytes != NULL && matches(opcode, bytes))
        return (uint8_t)opcode->length;
    return length_with_prefixes(vp, opcode);
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

bool svm_decode_string_io(struct vp *vp, struct exit_string_io *io)
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
