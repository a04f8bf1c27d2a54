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

uint32_t svm_instruction_length(const struct vp *vp, enum svm_exit exit_code)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    bool long_mode = vmcb->efer & EFER_LMA && vmcb->cs.attributes & VMCB_SEGMENT_LONG;
    struct guest_paging paging = {
        .cr0 = vmcb->cr0, .cr3 = vmcb->cr3, .cr4 = vmcb->cr4, .efer = vmcb->efer};
    uint32_t prefixes = 0;
    uint8_t byte;

    if (svm_features & SVM_FEATURE_NEXT_RIP)
        return (uint32_t)(vmcb->next_rip - vmcb->rip);
    uint32_t length = opcode_length(exit_code);
    if (length == 0)
        return 0;
    for (; prefixes + length <= MAX_INSTRUCTION; prefixes++) {
        uint64_t address = vmcb->rip + prefixes;
        if (!long_mode)
            address = (uint32_t)(vmcb->cs.base + address);
        if (!guest_read(vp->partition, &paging, address, &byte, 1))
            return 0;
        if (!is_prefix(byte, long_mode))
            return prefixes + length;
    }
    return 0;
}
