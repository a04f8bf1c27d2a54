/* Instruction lengths: from the next-RIP field where the processor has it; else by a look at the
 * instruction. Only instructions that we intercept are asked for, so it is enough to skip prefixes.
 */
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

/* Reads the byte at @offset from the guest's RIP. */
static bool fetch(const struct vp *vp, uint32_t offset, uint8_t *byte)
{
    const struct vmcb *vmcb = vmcb_of(vp);
    struct guest_paging paging = {
        .cr0 = vmcb->cr0, .cr3 = vmcb->cr3, .cr4 = vmcb->cr4, .efer = vmcb->efer};
    uint64_t address = vmcb->rip + offset;

    if (!svm_in_64bit_code(vmcb))
        address = (uint32_t)(vmcb->cs.base + address);
    return guest_read(vp->partition, &paging, address, byte, 1);
}

/* Prefixes before the opcode at the guest's RIP. False if they cannot be read or are too many. */
static bool count_prefixes(const struct vp *vp, uint32_t *prefixes)
{
    bool long_mode = svm_in_64bit_code(vmcb_of(vp));
    uint8_t byte;

    for (*prefixes = 0; *prefixes < MAX_INSTRUCTION; ++*prefixes) {
        if (!fetch(vp, *prefixes, &byte))
            return false;
        if (!is_prefix(byte, long_mode))
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

bool svm_is_control_register_write(const struct vp *vp)
{
    uint32_t prefixes;
    uint8_t escape, opcode, modrm;

    if (!count_prefixes(vp, &prefixes) || !fetch(vp, prefixes, &escape) ||
        !fetch(vp, prefixes + 1, &opcode) || !fetch(vp, prefixes + 2, &modrm))
        return false;
    uint8_t control_register = modrm >> 3 & 7;
    return escape == 0x0f && opcode == 0x22 && (control_register == 3 || control_register == 4);
}
