/* Instruction lengths: from the next-RIP field where the processor has it; else by a look at the instruction. Only
 * instructions that we intercept are asked for, so it is enough to skip prefixes. */
#include "hypervisor/guest_memory.h"
#include "hypervisor/svm/svm.h"

#define MAX_INSTRUCTION 15u

/* Bytes behind the prefixes. */
static uint32_t opcode_length(enum svm_exit exit_code)
{
    switch (exit_code) {
    case SVM_EXIT_CPUID:
    case SVM_EXIT_MSR:
    case SVM_EXIT_INVD:
        return 2;
    case SVM_EXIT_VMMCALL:
        return 3;
    default:
        return 0;
    }
}

/* Legacy prefixes, and in 64-bit mode REX. */
static bool is_prefix(uint8_t byte, bool long_mode)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
        return true;
    default:
        return long_mode && (byte & 0xf0) == 0x40;
    }
}

static bool in_long_mode(const struct vmcb *vmcb)
{
    return vmcb->efer & EFER_LMA && vmcb->cs.attributes & VMCB_SEGMENT_LONG;
}

/* The byte at @offset from the guest's RIP. */
static bool read_code(const struct vp *vp, uint32_t offset, uint8_t *byte)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    struct guest_paging paging = {
        .cr0 = vmcb->cr0, .cr3 = vmcb->cr3, .cr4 = vmcb->cr4, .efer = vmcb->efer};
    uint64_t address = vmcb->rip + offset;

    if (!in_long_mode(vmcb))
        address = (uint32_t)(vmcb->cs.base + address);
    return guest_read(vp->partition, &paging, address, byte, 1);
}

/* Counts the prefixes of the instruction at the guest's RIP. False if it cannot be read. */
static bool count_prefixes(const struct vp *vp, uint32_t *count)
{
    uint8_t byte;

    for (*count = 0; *count < MAX_INSTRUCTION; ++*count) {
        if (!read_code(vp, *count, &byte))
            return false;
        if (!is_prefix(byte, in_long_mode(vmcb_of(vp))))
            return true;
    }
    return false;
}

uint32_t svm_instruction_length(const struct vp *vp, enum svm_exit exit_code)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    uint32_t prefixes, length = opcode_length(exit_code);

    if (svm_features & SVM_FEATURE_NEXT_RIP)
        return (uint32_t)(vmcb->next_rip - vmcb->rip);
    if (length == 0 || !count_prefixes(vp, &prefixes) || prefixes + length > MAX_INSTRUCTION)
        return 0;
    return prefixes + length;
}

bool svm_is_mov_to_cr4(const struct vp *vp)
{
    uint32_t prefixes;
    uint8_t opcode[3]; /* 0F 22 /4 */

    if (!count_prefixes(vp, &prefixes))
        return false;
    for (uint32_t i = 0; i < 3; i++)
        if (!read_code(vp, prefixes + i, &opcode[i]))
            return false;
    return opcode[0] == 0x0f && opcode[1] == 0x22 && (opcode[2] >> 3 & 7) == 4;
}
