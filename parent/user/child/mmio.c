/* Registers in memory: the 32-bit MOVs of 64-bit code by which drivers reach them. Where they are,
 * the hypervisor says; the instruction is read for the register or constant, and for its length. It
 * may be another one by then, if the child changes its code. */
#include "lib/instruction.h"
#include "lib/x86/cpu.h"
#include "parent/user/child/child.h"
#include "parent/user/system.h"

/* hv_x64_intercept_message_header.instruction_length_cr8. */
#define INSTRUCTION_LENGTH_MASK 0xfu

/* hv_x64_segment_register.attributes of code. */
#define SEGMENT_64_BIT (1u << 13)
#define VECTOR_INVALID_OPCODE 6ull

/* The instruction's bytes, and zeros behind them: from the message, or the child's memory, if the
 * processor gave none. */
static const uint8_t *find_bytes(struct child_vp *vp,
                                 const struct hv_x64_memory_intercept_message *message,
                                 uint8_t *buffer)
{
    uint64_t address = message->header.cs.base + message->header.rip;
    if (message->instruction_byte_count > 0)
        return message->instruction_bytes;
    /* It may end in front of a page that is not there. */
    size_t part = PAGE_SIZE - address % PAGE_SIZE;
    if (part > HV_INTERCEPT_INSTRUCTION_BYTES)
        part = HV_INTERCEPT_INSTRUCTION_BYTES;
    if (child_read(vp, address, buffer, part))
        child_read(vp, address + part, buffer + part, HV_INTERCEPT_INSTRUCTION_BYTES - part);
    return buffer;
}

/* An instruction that has no meaning here is an invalid one. */
static uint32_t refuse(struct child_vp *vp)
{
    struct {
        struct hv_input_set_vp_registers header;
        struct hv_register_assoc pending;
    } input = {
        .header = {.vp_index = vp->index},
        .pending = {.name = HV_REGISTER_PENDING_INTERRUPTION,
                    .value = {HV_PENDING_INTERRUPTION_VALID |
                              (uint64_t)HV_INTERRUPTION_EXCEPTION
                                  << HV_PENDING_INTERRUPTION_TYPE_SHIFT |
                              VECTOR_INVALID_OPCODE << HV_PENDING_INTERRUPTION_VECTOR_SHIFT}},
    };
    int64_t result =
        system_vm_call(child.vm, HVCALL_SET_VP_REGISTERS, 1, &input, sizeof(input), NULL, 0);
    if (result < 0 || result & HV_HYPERCALL_STATUS_MASK)
        child_crash(vp, "instruction that cannot be emulated");
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}

uint32_t child_mmio(struct child_vp *vp, const struct hv_x64_memory_intercept_message *message)
{
    uint8_t buffer[HV_INTERCEPT_INSTRUCTION_BYTES] = {0};
    struct mov_instruction mov;
    uint64_t *gpr = vp->registers->gpr;
    uint64_t address = message->guest_physical_address;
    if (address < CHILD_MMIO_BASE || address >= CHILD_MMIO_BASE + PAGE_SIZE)
        child_crash(vp, "access to memory that is not there");
    if (!(message->header.cs.attributes & SEGMENT_64_BIT) ||
        !mov_decode(find_bytes(vp, message, buffer), INSTRUCTION_MAX, true, false, &mov) ||
        mov.size != sizeof(uint32_t))
        return refuse(vp);
    if (mov.store) {
        child_mmio_write(vp, address, mov.immediate ? mov.value : (uint32_t)gpr[mov.gpr]);
    } else {
        gpr[mov.gpr] = child_mmio_read(vp, address);
        if (mov.gpr == GPR_RSP)
            vp->registers->dirty |= HV_VP_REGISTER_PAGE_DIRTY_GENERAL;
    }
    if (message->header.instruction_length_cr8 & INSTRUCTION_LENGTH_MASK)
        return VENEER_DISPATCH_SKIP_INSTRUCTION;
    vp->registers->rip = message->header.rip + mov.length;
    vp->registers->dirty |= HV_VP_REGISTER_PAGE_DIRTY_RIP;
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}
